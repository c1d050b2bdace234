"""The report of a demo: every figure from the ledger's rows and the simulator's truth, joined by pump and time.

Protects: whoever joins `commands.jsonl` and `truth.jsonl` gets these numbers; nothing is taken from what we hoped.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console.world import Truth, true_settings
from domain.commands import CommandState, EventKind
from domain.enrolment import PumpProfile
from domain.modes import Mode
from domain.overrides import Override
from domain.plans import PricePlan
from domain.pump import PumpState
from domain.series import PriceSeries, WeatherSeries
from domain.slots import SLOT
from domain.steering import wish_at

SCHEMA = 1
ENDS = ("applied", "effective", "ignored", "rejected", "superseded", "expired", "dead_lettered", "unverified")


@dataclass(frozen=True)
class Run:
    """Everything a report is made from."""

    start: datetime
    end: datetime
    seed: int
    speed: float
    events: Sequence[Mapping[str, Any]]
    """Command events in the order they were written down."""
    truth_lines: Sequence[dict[str, Any]]
    truth: Truth
    profiles: Mapping[str, PumpProfile]
    plans: Mapping[str, Sequence[tuple[datetime, PricePlan]]]
    overrides: Mapping[str, Sequence[Override]]
    """By pump; one that a person ended ends then."""
    retired_at: Mapping[str, datetime]
    plan_row: Mapping[str, Any] | None
    prices: PriceSeries | None
    price_version: int | None
    weather: WeatherSeries | None
    planning_s: float
    temporal: Mapping[str, Any]


def build_report(run: Run) -> dict[str, Any]:
    """The document `report.json` holds."""
    slots = round((run.end - run.start) / SLOT)
    return {
        "schema": SCHEMA,
        "pumps": len(run.profiles),
        "start": run.start.isoformat(),
        "hours": slots / 4,
        "slots": slots,
        "seed": run.seed,
        "speed": run.speed,
        "prices": _prices(run),
        "weather": _weather(run),
        "plan": _plan(run),
        "commands": commands_figures(run.events),
        "writes": writes_figures(run.events, run.truth_lines),
        "fidelity_pct": round(100 * fidelity(run), 3),
        "modes_used": _modes_used(run.events),
        "comfort": _comfort(run.truth),
        "energy": _energy(run),
        "temporal": dict(run.temporal),
    }


def _prices(run: Run) -> dict[str, Any] | None:
    if run.prices is None:
        return None
    values = run.prices.price_eur_per_mwh
    return {
        "source": run.prices.source,
        "zone": run.prices.zone,
        "version": run.price_version,
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


def commands_figures(events: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many commands there were, and where each ended: in the newest state its events name."""
    newest: dict[str, tuple[datetime, str]] = {}
    for event in events:
        if EventKind(event["event"]).state is None:
            continue
        held = newest.get(event["command"])
        if held is None or event["at"] >= held[0]:
            newest[event["command"]] = (event["at"], event["event"])
    counts = Counter(state for _, state in newest.values())
    ends = {name: counts[name] for name in ENDS}
    return {"planned": len(newest)} | ends | {"unresolved": len(newest) - sum(ends.values())}


def writes_figures(events: Sequence[Mapping[str, Any]], truth_lines: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Writes we sent, and those that a cloud accepted and a pump ignored: as we found, and as it truly was.

    A truth line belongs to the newest intent of its pump before it. An ignored write whose command was superseded
    before its read-back counts in neither figure, but as `ignored_unlooked`.
    """
    sent = [e for e in events if e["event"] == EventKind.SENT]
    found = {(e["command"], e["write_no"]) for e in events if e["event"] == EventKind.WRITE_IGNORED}
    superseded = {e["command"] for e in events if e["event"] == CommandState.SUPERSEDED}
    by_pump: dict[str, list[Mapping[str, Any]]] = {}
    for event in sorted(sent, key=lambda e: e["at"]):
        by_pump.setdefault(event["pump"], []).append(event)
    ignored_true = unlooked = 0
    for line in truth_lines:
        if line["kind"] != "request" or line["cause"] != "ignored":
            continue
        intents = by_pump.get(line["pump"], [])
        index = bisect_right([e["at"] for e in intents], datetime.fromisoformat(line["at"])) - 1
        if index >= 0:
            write = (intents[index]["command"], intents[index]["write_no"])
            if write[0] in superseded and write not in found:
                unlooked += 1
                continue
        ignored_true += 1
    return {
        "sent": len(sent),
        "repeated": sum(e["write_no"] > 1 for e in sent),
        "ignored_true": ignored_true,
        "ignored_found": len(found),
        "ignored_unlooked": unlooked,
    }


def fidelity(run: Run) -> float:
    """Share of pump-slots at whose end the true lever equals the newest valid (jittered) wish; 1 without pumps."""
    course = true_settings(run.truth_lines)
    slots = round((run.end - run.start) / SLOT)
    right = total = 0
    for pump_id, profile in run.profiles.items():
        steps = course.get(pump_id, [])
        times = [at for at, _ in steps]
        for i in range(slots):
            moment = run.start + (i + 1) * SLOT
            wished = profile.setting_for(_wished(run, pump_id, moment))
            index = bisect_right(times, moment) - 1
            setting = steps[index][1] if index >= 0 else profile.baseline_setting
            right += abs(setting - wished) < 1e-6
            total += 1
    return right / total if total else 1.0


def _wished(run: Run, pump_id: str, moment: datetime) -> Mode:
    retired_at = run.retired_at.get(pump_id)
    state = PumpState(
        pump_id=pump_id,
        oem="",
        plans=tuple(plan for made, plan in run.plans.get(pump_id, ()) if made <= moment),
        overrides=tuple(o for o in run.overrides.get(pump_id, ()) if o.requested_at <= moment),
        retiring=retired_at is not None and retired_at <= moment,
    )
    return wish_at(state, moment).mode


def _modes_used(events: Sequence[Mapping[str, Any]]) -> list[str]:
    done = {e["mode"] for e in events if e["event"] in (CommandState.APPLIED, CommandState.EFFECTIVE)}
    return [mode for mode in ("MIN", "LOW", "MID", "MAX") if mode in done]


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
        stored_electric_kwh += pump.stored_heat_kwh / max(pump.cop, 1.0)
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
