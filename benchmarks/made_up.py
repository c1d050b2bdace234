"""A made-up fleet and a made-up winter day, drawn from seeds, for the planner's benchmarks.

Invariant: the same seed gives the same houses and prices on every machine.
"""

from datetime import UTC, datetime

import numpy as np

from domain.homes.enrolment import BuildingClass, Enrolment, PumpProfile
from domain.homes.site import Emitter
from domain.modes import Circuit
from domain.oem.lever import Lever
from domain.planning.fleet_plan import PlanningRequest, PumpForPlanning
from domain.planning.series import HomePrices, WeatherSeries
from oem_adapters.registry import manifest_of
from simulator.vendors.registry import VENDORS

FIRST_SLOT = datetime(2026, 1, 14, 23, tzinfo=UTC)
SLOTS = 96
HEAT_KW_PER_M2 = {
    BuildingClass.OLD: 0.105,
    BuildingClass.RENOVATED: 0.062,
    BuildingClass.MODERN: 0.058,
    BuildingClass.NEW: 0.040,
}

MANIFEST = manifest_of(next(iter(VENDORS)))
HEATING = [spec for spec in MANIFEST.levers if spec.circuit is Circuit.HEATING]


def a_fleet(count: int, seed: int = 2026) -> tuple[PumpForPlanning, ...]:
    """Unlike homes of all classes; one in twelve has no room sensor."""
    draw = np.random.default_rng(seed)
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


def a_winter_day(pumps: tuple[PumpForPlanning, ...], cap_kw: float | None, seed: int = 15) -> PlanningRequest:
    """Two price peaks (mean 100, spread 120 EUR/MWh) at around 0 degrees C."""
    draw, hour = np.random.default_rng(seed), np.arange(SLOTS) / 4
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
