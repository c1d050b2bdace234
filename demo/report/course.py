"""The run slot by slot, for pictures: price, power against own control and limit, rooms, modes, and one pump.

Protects: power and rooms are the simulator's truth, modes what each pump had decided, as the figures beside them.
"""

from collections.abc import Mapping
from typing import Any

from demo.report.recording import Run, circuit_of, moment
from demo.report.targets import Targets
from demo.simulator_client import PumpTruth
from domain.commands.command import CommandState, EventKind
from domain.modes import Circuit, Mode
from domain.savings.fleet_course import FleetCourse, PumpCourse
from domain.slots import SLOT, SLOT_HOURS


def fleet_course(run: Run, targets: Targets) -> FleetCourse | None:
    """The course of a run; None where the simulator told nothing of its slots."""
    pumps, slots = run.truth.pumps, round((run.end - run.start) / SLOT)
    if not pumps or any(len(series) != slots for pump in pumps for series in _of_slots(pump)):
        return None
    modes = {pump.pump: _modes(run, targets, pump.pump, slots) for pump in pumps}
    rooms = list(zip(*(pump.room_c for pump in pumps), strict=True))
    return FleetCourse(
        start=run.start,
        price_eur_per_mwh=_prices(run, slots),
        load_kw=tuple(sum(slot) / SLOT_HOURS for slot in zip(*(p.kwh for p in pumps), strict=True)),
        own_load_kw=tuple(sum(slot) / SLOT_HOURS for slot in zip(*(p.baseline_kwh for p in pumps), strict=True)),
        cap_kw=run.plan_row["certificate"]["cap_kw"] if run.plan_row is not None else None,
        room_c=tuple((min(slot), sum(slot) / len(slot), max(slot)) for slot in rooms),
        own_room_c=tuple(sum(slot) / len(slot) for slot in zip(*(p.baseline_room_c for p in pumps), strict=True)),
        modes={mode: tuple(sum(of[n] is mode for of in modes.values()) for n in range(slots)) for mode in Mode},
        one=_one(run, max(pumps, key=lambda pump: _moved(modes[pump.pump])), modes),
    )


def _of_slots(pump: PumpTruth) -> tuple[tuple[float, ...], ...]:
    return pump.kwh, pump.baseline_kwh, pump.room_c, pump.baseline_room_c


def _modes(run: Run, targets: Targets, pump: str, slots: int) -> tuple[Mode, ...]:
    """Neutral before the first decision, and where what was asked for is no mode."""
    decided = [targets.at(pump, Circuit.HEATING, run.start + (n + 1) * SLOT) for n in range(slots)]
    levels = [None if one is None else one.target.mode for one in decided]
    return tuple(level if isinstance(level, Mode) else Mode.LOW for level in levels)


def _moved(modes: tuple[Mode, ...]) -> int:
    return sum(mode is not Mode.LOW for mode in modes)


def _prices(run: Run, slots: int) -> tuple[float, ...]:
    if run.prices is None:
        return ()
    first = round((run.start - run.prices.start) / SLOT)
    found = run.prices.price_eur_per_mwh[first : first + slots]
    return found if first >= 0 and len(found) == slots else ()


def _one(run: Run, pump: PumpTruth, modes: dict[str, tuple[Mode, ...]]) -> PumpCourse:
    band = run.profiles[pump.pump].enrolment.band
    accepted = [band.at(run.start + n * SLOT) for n in range(len(pump.kwh))]
    return PumpCourse(
        pump=pump.pump,
        modes=modes[pump.pump],
        kw=tuple(kwh / SLOT_HOURS for kwh in pump.kwh),
        own_kw=tuple(kwh / SLOT_HOURS for kwh in pump.baseline_kwh),
        room_c=pump.room_c,
        own_room_c=pump.baseline_room_c,
        band_c=tuple((one.room_min_c, one.room_max_c) for one in accepted),
    )


def commands_of(run: Run, pump: str) -> list[dict[str, Any]]:
    """What was asked of one pump and what became of it, by command in order."""
    by_command: dict[str, list[Mapping[str, Any]]] = {}
    for event in sorted(run.events, key=lambda event: moment(event["at"])):
        if event["pump"] == pump:
            by_command.setdefault(event["command"], []).append(event)
    return [_command(events) for events in by_command.values()]


def _command(events: list[Mapping[str, Any]]) -> dict[str, Any]:
    first, kinds = events[0], [EventKind(event["event"]) for event in events]
    states = [kind for kind in kinds if kind.state is not None]
    seen = [moment(e["at"]) for e in events if e["event"] in (CommandState.APPLIED, CommandState.EFFECTIVE)]
    return {
        "at": moment(first["at"]).isoformat(),
        "circuit": circuit_of(first).value,
        "mode": first["mode"],
        "authority": first["authority"],
        "writes": kinds.count(EventKind.SENT),
        "ignored": kinds.count(EventKind.WRITE_IGNORED),
        "state": states[-1].value if states else EventKind.PLANNED.value,
        "seen_after_s": round((seen[0] - moment(first["at"])).total_seconds()) if seen else None,
    }
