"""The report of a demo: every figure from the ledger's rows and the simulator's truth, joined by pump and time.

Protects: whoever joins `commands.jsonl` and `truth.jsonl` gets these numbers; nothing is taken from what we hoped.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from demo.report.course import commands_of, fleet_course
from demo.report.drift import drift_figures, touched_figures
from demo.report.outage import outage_figures
from demo.report.power import power_figures
from demo.report.recording import Lines, Run, moment
from demo.report.targets import Targets, fidelity
from demo.report.vendors import vendor_figures
from demo.report.writes import commands_figures, dwell_violations, latency_figures, writes_figures
from demo.simulator_client import PumpTruth, Truth
from domain.commands.command import CommandState
from domain.modes import Circuit, HotWaterMode, Mode
from domain.slots import SLOT
from oem_adapters.registry import manifest_of

__all__ = ["Run", "build_report", "commands_figures", "fidelity", "writes_figures"]

SCHEMA = 1


def build_report(run: Run) -> dict[str, Any]:
    """The document `report.json` holds."""
    slots = round((run.end - run.start) / SLOT)
    targets = Targets(run)
    course = fleet_course(run, targets)
    in_flight = {pump: manifest_of(p.enrolment.oem).timing.longest_in_flight for pump, p in run.profiles.items()}
    return {
        "schema": SCHEMA,
        "pumps": len(run.profiles),
        "start": run.start.isoformat(),
        "hours": slots / 4,
        "slots": slots,
        "seed": run.seed,
        "speed": run.speed,
        "given": dict(run.given),
        "prices": _prices(run),
        "weather": _weather(run),
        "plan": _plan(run),
        "commands": commands_figures(run.events),
        "writes": writes_figures(run.events, run.truth_lines, in_flight),
        "dwell_violations": dwell_violations(run.events),
        "latency": latency_figures(run.events),
        "vendors": vendor_figures(run, targets),
        "fidelity_pct": _percent(fidelity(run, Circuit.HEATING, targets), 100.0),
        "hot_water_fidelity_pct": _percent(fidelity(run, Circuit.HOT_WATER, targets), None),
        "drift": drift_figures(run, targets),
        "touched": touched_figures(run),
        "outage": outage_figures(run, targets),
        "kills": _kills(run),
        "modes_used": _modes_used(run.events, tuple(Mode)),
        "comfort": _comfort(run.truth),
        "energy": _energy(run),
        "power": power_figures(run),
        "hot_water": _hot_water(run),
        "temporal": dict(run.temporal),
        "course": course.model_dump(mode="json") if course is not None else None,
        "commands_of_one": commands_of(run, course.one.pump) if course is not None and course.one else [],
    }


def _percent(share: float | None, without: float | None) -> float | None:
    return without if share is None else round(100 * share, 3)


def _kills(run: Run) -> dict[str, Any] | None:
    """Workers killed by role; None where nothing was to be killed."""
    if run.given.get("kill_worker_every_min") is None:
        return None
    return {"count": len(run.kills), "by_role": dict(Counter(role for _, role in run.kills))} | {
        "at": [moment(at).isoformat() for at, _ in run.kills]
    }


def _prices(run: Run) -> dict[str, Any] | None:
    if run.prices is None:
        return None
    values = run.prices.price_eur_per_mwh
    return {
        "source": run.prices.source,
        "price_area": run.prices.price_area,
        "zone": run.prices.price_area,  # the key's first name; keys are only ever added
        "version": run.price_version,
        "basis": run.prices.basis.value,
        "slots": len(values),
        "resolution_min": run.prices.resolution_min,
        "min": min(values),
        "max": max(values),
        "mean": round(sum(values) / len(values), 3),
    }


def _weather(run: Run) -> dict[str, Any] | None:
    if run.weather is None:
        return None
    return {
        "source": run.weather.source,
        "min_c": round(min(run.weather.outdoor_c), 2),
        "max_c": round(max(run.weather.outdoor_c), 2),
    }


def _plan(run: Run) -> dict[str, Any] | None:
    if run.plan_row is None:
        return None
    certificate: dict[str, Any] = run.plan_row["certificate"]
    return {"revision": run.plan_row["revision"]} | certificate


def _modes_used(events: Lines, modes: Sequence[Mode | HotWaterMode]) -> list[str]:
    done = {e["mode"] for e in events if e["event"] in (CommandState.APPLIED, CommandState.EFFECTIVE)}
    return [mode.value for mode in modes if mode.value in done]


def _comfort(truth: Truth) -> dict[str, float]:
    return {
        "kelvin_hours": round(sum(p.kelvin_hours for p in truth.pumps), 4),
        "baseline_kelvin_hours": round(sum(p.baseline_kelvin_hours for p in truth.pumps), 4),
        "mean_room_c": round(_mean([c for p in truth.pumps for c in p.room_c]), 3),
        "baseline_mean_room_c": round(_mean([c for p in truth.pumps for c in p.baseline_room_c]), 3),
    }


def _energy(run: Run) -> dict[str, float | None]:
    """True energy of the steered houses and of their twins, at the day's prices.

    `settled_kwh` counts heat left in (or borrowed from) the houses at the end as the electricity that made it.
    """
    kwh = baseline_kwh = cost = baseline_cost = stored_kwh = stored_electric_kwh = 0.0
    for pump in run.truth.pumps:
        kwh += sum(pump.kwh)
        baseline_kwh += sum(pump.baseline_kwh)
        stored_kwh += pump.stored_heat_kwh
        stored_electric_kwh += pump.stored_heat_kwh / max(pump.cop or 1.0, 1.0)
        if run.prices is not None:
            cost += _cost_eur(run, pump.kwh)
            baseline_cost += _cost_eur(run, pump.baseline_kwh)
    priced = run.prices is not None
    paid = 1000 * cost / kwh if kwh and priced else None
    baseline_paid = 1000 * baseline_cost / baseline_kwh if baseline_kwh and priced else None
    return {
        "kwh": round(kwh, 4),
        "cost_eur": round(cost, 5) if priced else None,
        "baseline_kwh": round(baseline_kwh, 4),
        "baseline_cost_eur": round(baseline_cost, 5) if priced else None,
        "stored_heat_kwh": round(stored_kwh, 4),
        "settled_kwh": round(kwh - stored_electric_kwh, 4),
        "price_paid_eur_per_mwh": None if paid is None else round(paid, 4),
        "baseline_price_paid_eur_per_mwh": None if baseline_paid is None else round(baseline_paid, 4),
    }


def _cost_eur(run: Run, kwh_by_slot: Sequence[float]) -> float:
    assert run.prices is not None
    offset = round((run.start - run.prices.start) / SLOT)
    assert offset >= 0, "prices begin with the run at the latest"
    prices = run.prices.price_eur_per_mwh[offset : offset + len(kwh_by_slot)]
    return sum(kwh * price / 1000 for kwh, price in zip(kwh_by_slot, prices, strict=True))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _hot_water(run: Run) -> dict[str, Any] | None:
    """Tanks of the pumps whose hot water is steered, and their electricity; None where there is none."""
    steered = {pump for pump, profile in run.profiles.items() if profile.hot_water is not None}
    tanks = [pump for pump in run.truth.pumps if pump.pump in steered]
    if not tanks:
        return None

    def cost_eur(kwh: Callable[[PumpTruth], Sequence[float]]) -> float | None:
        priced = run.prices is not None and all(kwh(tank) for tank in tanks)
        return round(sum(_cost_eur(run, kwh(tank)) for tank in tanks), 5) if priced else None

    return {
        "pumps": len(tanks),
        "min_c": _lowest([tank.hot_water_min_c for tank in tanks]),
        "baseline_min_c": _lowest([tank.baseline_hot_water_min_c for tank in tanks]),
        "kwh": round(sum(tank.hot_water_kwh for tank in tanks), 4),
        "baseline_kwh": round(sum(tank.baseline_hot_water_kwh for tank in tanks), 4),
        "cost_eur": cost_eur(lambda tank: tank.hot_water_slot_kwh),
        "baseline_cost_eur": cost_eur(lambda tank: tank.baseline_hot_water_slot_kwh),
        "modes_used": _modes_used(run.events, tuple(HotWaterMode)),
    }


def _lowest(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(min(known), 2) if known else None
