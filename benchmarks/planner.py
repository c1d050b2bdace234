"""How well and how fast a fleet is planned: seconds, gap, kelvin-hours and gain on one made-up winter day.

`python -m benchmarks.planner [--pumps N] [--cap-share S] [--json]`. The fleet and the day are drawn from fixed seeds;
the cap is a share of the free plan's peak. Invariant: every figure printed comes from a certificate or from the plan.
"""

import argparse
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from domain.homes.enrolment import BuildingClass, Enrolment, PumpProfile
from domain.homes.site import Emitter
from domain.modes import Circuit, Mode
from domain.oem.lever import Lever
from domain.planning.fleet_plan import FleetPlanResult, PlanningRequest, PumpForPlanning
from domain.planning.series import HomePrices, WeatherSeries
from domain.slots import SLOT_HOURS
from oem_adapters.registry import known_oems, manifest_of
from optimizer.planner import plan_fleet

FIRST_SLOT = datetime(2026, 1, 14, 23, tzinfo=UTC)
SLOTS = 96
HEAT_KW_PER_M2 = {
    BuildingClass.OLD: 0.105,
    BuildingClass.RENOVATED: 0.062,
    BuildingClass.MODERN: 0.058,
    BuildingClass.NEW: 0.040,
}


MANIFEST = manifest_of(known_oems()[0])
HEATING = [spec for spec in MANIFEST.levers if spec.circuit is Circuit.HEATING]


def a_fleet(count: int) -> tuple[PumpForPlanning, ...]:
    """Unlike homes of all classes; one in twelve has no room sensor."""
    draw = np.random.default_rng(2026)
    pumps = []
    for number in range(count):
        kind = list(BuildingClass)[int(draw.choice(4, p=[0.15, 0.4, 0.25, 0.2]))]
        area_m2 = float(draw.uniform(95, 210))
        enrolment = Enrolment(
            pump_id=f"pump-{number:05d}",
            oem=MANIFEST.oem,
            account_id=f"account-{number // 4}",
            vendor_ref=f"unit-{number}",
            price_area="DE-LU",
            grid_area="feeder-1",
            weather_cell="52.5,13.4",
            building_class=kind,
            heated_area_m2=area_m2,
            emitter=Emitter.FLOOR if draw.random() < 0.45 else Emitter.RADIATOR,
            rated_heat_kw=round(HEAT_KW_PER_M2[kind] * area_m2 * float(draw.uniform(1.0, 1.25)), 1),
        )
        spec = HEATING[-1] if draw.random() < 0.3 else HEATING[0]
        lever = Lever(spec=spec, minimum=-10, maximum=10, step=0, baseline=0.0)
        sensor = number % 12 != 11
        profile = PumpProfile(
            enrolment=enrolment,
            model="S1155",
            heating=lever,
            has_room_sensor=sensor,
        )
        room_c = float(draw.uniform(20.6, 21.8)) if sensor else None
        pumps.append(PumpForPlanning(profile=profile, room_c=room_c))
    return tuple(pumps)


def a_winter_day(pumps: tuple[PumpForPlanning, ...], cap_kw: float | None) -> PlanningRequest:
    """Two price peaks (mean 100, spread 120 EUR/MWh) at around 0 degrees C."""
    draw, hour = np.random.default_rng(15), np.arange(SLOTS) / 4
    shape = np.exp(-(((hour - 8) / 1.8) ** 2)) + 1.15 * np.exp(-(((hour - 18.5) / 2.2) ** 2))
    shape -= 0.45 * np.exp(-(((hour - 3) / 2.5) ** 2)) + 0.35 * np.exp(-(((hour - 13) / 2.0) ** 2))
    shape += 0.05 * np.where(np.arange(SLOTS) % 4 < 2, 1, -1) + draw.normal(0, 0.03, SLOTS)
    shape -= shape.mean()
    price = shape / (shape.max() - shape.min()) * 120 + 100
    outdoor = 3 * np.sin((hour - 9) / 24 * 2 * np.pi)
    sun = 150 * np.clip(np.sin((hour - 8) / 8 * np.pi), 0, None) * ((hour > 8) & (hour < 16))
    return PlanningRequest(
        first_slot=FIRST_SLOT,
        slots=SLOTS,
        prices=HomePrices(
            tariff="spot",
            source="benchmark (made up)",
            start=FIRST_SLOT,
            price_eur_per_mwh=tuple(price.tolist()),
        ),
        weather=WeatherSeries(
            cell="52.5,13.4",
            source="benchmark (made up)",
            start=FIRST_SLOT,
            outdoor_c=tuple(outdoor.tolist()),
            radiation_w_per_m2=tuple(sun.tolist()),
        ),
        pumps=pumps,
        cap_kw=cap_kw,
    )


def figures(request: PlanningRequest, result: FleetPlanResult, cpu_s: float) -> dict[str, object]:
    """What there is to say of one plan."""
    certificate = result.certificate
    price = np.array(request.prices.price_eur_per_mwh)
    load = np.sum([p.expected_power_kw for p in result.pumps], axis=0)
    changes = [sum(a is not b for a, b in zip((Mode.LOW, *p.modes), p.modes, strict=False)) for p in result.pumps]
    return {
        "pumps": len(result.pumps),
        "slots": request.slots,
        "cap_kw": certificate.cap_kw,
        "seconds": round(certificate.seconds, 2),
        "cpu_seconds": round(cpu_s, 2),
        "status": certificate.status,
        "cost_eur": round(certificate.cost_eur, 4),
        "lower_bound_eur": round(certificate.lower_bound_eur, 4),
        "neutral_cost_eur": round(certificate.neutral_cost_eur, 4),
        "energy_cost_eur": round(certificate.energy_cost_eur, 4),
        "gap_pct": round(certificate.gap_pct, 3),
        "gap_of_gain_pct": round(certificate.gap_of_gain_pct, 2),
        "gain_pct": round(100 * (1 - certificate.cost_eur / certificate.neutral_cost_eur), 2),
        "kelvin_hours": round(certificate.kelvin_hours, 3),
        "energy_kwh": round(float(load.sum()) * SLOT_HOURS, 1),
        "price_paid_eur_per_mwh": round(float(load @ price / load.sum()), 2),
        "peak_kw": round(float(load.max()), 2),
        "cap_binding_slots": certificate.cap_binding_slots,
        "overflow_kwh": round(certificate.overflow_kwh, 4),
        "changes_per_pump": round(float(np.mean(changes)), 2),
        "most_changes": max(changes),
        "segments": certificate.segments,
        "iterations": certificate.iterations,
    }


def measure(count: int, cap_share: float) -> list[dict[str, object]]:
    """The day once without a cap and once with one."""
    pumps, found = a_fleet(count), []
    cap_kw: float | None = None
    for name in ("free", "capped"):
        request = a_winter_day(pumps, cap_kw)
        began = time.process_time()
        result = plan_fleet(request)
        found.append({"case": name, **figures(request, result, time.process_time() - began)})
        peak_kw = float(np.sum([p.expected_power_kw for p in result.pumps], axis=0).max())
        cap_kw = cap_share * peak_kw
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planner", description=__doc__.splitlines()[0])
    parser.add_argument("--pumps", type=int, action="append", help="fleet size; may be repeated (default 12 and 60)")
    parser.add_argument("--cap-share", type=float, default=0.75, help="cap as a share of the free plan's peak")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    given = parser.parse_args(argv)
    cases = [case for count in given.pumps or [12, 60] for case in measure(count, given.cap_share)]
    if given.json:
        print(json.dumps({"benchmark": "planner", "cap_share": given.cap_share, "cases": cases}))
        return 0
    for key in cases[0]:
        print(f"{key:>24}" + "".join(f"{case[key]!s:>22}" for case in cases))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
