"""Schedules that another optimiser made, held against the rules that our own plans keep.

Of one pump, the first that is broken: every slot has a mode; who must not or cannot be moved is neutral; no set-back
where one is not safe, none without a room warm enough for it; dwell; changes a day; energy beyond own control's; and a
room that own control would not have taken further out of its band. Of a grid area's pumps together: what the limit
leaves, beside what the others of the request are about to draw. Band and limit are rules here and prices in our own
search, which may pay them: whoever submits a plan has weighed neither at our prices.

Symbols: wanted x, calm 0 (neutral as soon as dwell allows), P_o power of the pumps that keep to another plan, cap_t
what of the limit is left for heating (see `reserve`).

    sum_t max(0, P_x + P_o - cap_t) <= sum_t max(0, P_0 + P_o - cap_t)

Invariant: a schedule that is taken is one that the bound of its certificate holds for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic

import numpy as np
import numpy.typing as npt

from domain.modes import Mode
from domain.planning.fleet_plan import FleetPlanResult, Judged, PlanningRequest, PumpForPlanning, Refusal
from domain.slots import SLOT
from optimizer.coordination import Caps
from optimizer.dwell import HOLD_SLOTS, UNSENSED_MIN_SLOTS
from optimizer.fleet import Fleet
from optimizer.house import LOW, MAX, MIN, MODES, Array
from optimizer.objective import NEAR_BREACH_K
from optimizer.planner import certified, fleet_of, nominated_of, nothing_to_plan, solve
from optimizer.proposal import Proposal
from optimizer.reserve import cap_for_heating, tanks_kw
from optimizer.tanks import tanks_of
from optimizer.warm_up import compile_all

ROUNDING_K = 0.01
ROUNDING_KW = 1e-3
"""Rooms and powers are kept in single precision."""

Schedules = npt.NDArray[np.int8]


@dataclass(frozen=True)
class _Case:
    """What is judged: the pumps of a request, and what is wanted of some of them."""

    request: PlanningRequest
    fleet: Fleet
    modes: Schedules
    """Wanted where anything is, (B, N)."""
    plan: Proposal
    """The same, simulated."""

    def at(self, slot: int) -> datetime:
        """When a slot begins."""
        return self.request.first_slot + slot * SLOT


def judge(
    request: PlanningRequest, wanted: Mapping[str, Sequence[Mode | None]], kept: Mapping[str, Sequence[Mode]]
) -> Judged:
    """Judge what is `wanted` of some pumps of a request, slot by slot, beside what the others are `kept` at.

    None stands for a slot that was left out; a pump in neither is neutral. Raises ValueError where a series does not
    cover the horizon.
    """
    compile_all()
    began = monotonic()
    if not request.pumps:
        return Judged(result=nothing_to_plan(request, 0.0), refused=())
    fleet, names = fleet_of(request), [pump.profile.enrolment.pump_id for pump in request.pumps]
    asked = [row for row, name in enumerate(names) if name in wanted]
    others = np.array([_numbers(kept.get(name, ()), request.slots) for name in names])
    modes = others.copy()
    for row in asked:
        modes[row] = _numbers(wanted[names[row]], request.slots)
    case = _Case(request, fleet, modes, fleet.simulate(modes))
    refused = {row: found for row in asked if (found := _refusal(case, row, wanted[names[row]])) is not None}
    taken = np.array([row for row in asked if row not in refused], dtype=np.intp)
    beside_kw = fleet.simulate(others).power_kw[np.setdiff1d(np.arange(fleet.size), taken)].sum(axis=0, dtype=float)
    left = _cap_left(case, beside_kw)
    together = _too_much_together(case, taken, left)
    if together is not None:
        taken = taken[:0]
    result = (
        _certified(case, taken, left, beside_kw, began) if len(taken) else nothing_to_plan(request, monotonic() - began)
    )
    return Judged(result=result, refused=(*refused.values(), *([together] if together else [])))


def _numbers(modes: Sequence[Mode | None], slots: int) -> Schedules:
    """Modes as the solver has them; neutral where there is none."""
    return np.array([LOW if mode is None else MODES.index(mode) for mode in modes] or [LOW] * slots, dtype=np.int8)


def _refusal(case: _Case, row: int, wanted: Sequence[Mode | None]) -> Refusal | None:
    """The first rule that a pump's schedule breaks."""
    pump = case.request.pumps[row]
    problems = [] if None not in wanted else [_left_out(wanted)]
    for slot, problem, way_out in [*problems, *(() if problems else _problems(case, row, pump))]:
        at = None if slot is None else case.at(slot)
        return Refusal(subject=pump.profile.enrolment.pump_id, slot=at, problem=problem, way_out=way_out)
    return None


def _left_out(wanted: Sequence[Mode | None]) -> tuple[int, str, str]:
    missing = wanted.count(None)
    return wanted.index(None), f"no mode for {missing} of {len(wanted)} slots ahead", "say LOW where nothing is wanted"


def _problems(case: _Case, row: int, pump: PumpForPlanning) -> Iterator[tuple[int | None, str, str]]:
    """Slot, what is wrong there, and the way out, of a schedule that speaks of every slot."""
    fleet, modes = case.fleet, case.modes[row]
    moved = np.flatnonzero(modes != LOW)
    if len(moved) and not pump.may_move:
        why = "left to its own control on this day: drawn for comparison, or moving it earns nobody anything"
        yield int(moved[0]), why, "leave the pump out, or give it LOW throughout"
    if not fleet.has_authority[row]:
        if len(moved):
            why = "its modes cannot be told from neutral, or its vendor's calls carry no change"
            yield int(moved[0]), why, "leave the pump out, or give it LOW throughout"
        return  # neutral is bound by nothing
    yield from _set_backs(case, row, pump)
    walked = modes.copy()
    if pump.floor is not Mode.MIN and pump.mode is Mode.MIN:
        walked[: HOLD_SLOTS[MIN]] = MIN  # a set-back that ends for the cold's sake is not held, and acts as LOW here
    if (slot := fleet.first_break(row, walked)) is not None:
        yield slot, *_dwell(fleet, walked, row, slot, pump)
    changes, most = int(case.plan.changes_bd[row].max()), int(case.plan.most_changes[row])
    if changes > most:
        yield None, f"{changes} changes of mode in a day, and {most} are allowed", "hold modes for longer"
    elif not fleet.allows(case.plan)[row]:
        why = f"uses more than {pump.most_extra_kwh:g} kWh a day beyond own control, which only its supplier gains by"
        yield None, why, "raise it less, or set it back in dear slots"
    yield from _out_of_band(case, row)


def _set_backs(case: _Case, row: int, pump: PumpForPlanning) -> Iterator[tuple[int, str, str]]:
    back = np.flatnonzero(case.modes[row] == MIN)
    if len(back) and pump.floor is not Mode.MIN:
        why = (
            "no set-back is safe to be stuck with" if not pump.profile.site.may_set_back else "no set-back in the cold"
        )
        yield int(back[0]), f"{why}: MIN is not allowed", "use LOW"
    before_c = np.concatenate([[case.fleet.houses.room_start_c[row]], case.plan.room_c[row, :-1]])
    least_c = _band(case, row)[0]
    cold = [slot for slot in back if before_c[slot] < least_c[slot] - ROUNDING_K]
    if cold:
        what = (
            f"MIN in a room that is expected at {before_c[cold[0]]:.1f} C, below its band of {least_c[cold[0]]:.1f} C"
        )
        yield int(cold[0]), what, "use LOW there, or end the set-back earlier"


def _dwell(fleet: Fleet, modes: Schedules, row: int, slot: int, pump: PumpForPlanning) -> tuple[str, str]:
    mode, before = int(modes[slot]), int(modes[slot - 1]) if slot else MODES.index(pump.mode)
    blind = "while its room is not known" if pump.profile.has_room_sensor else "without a room sensor"
    if mode == before:
        hours = UNSENSED_MIN_SLOTS // 4
        return f"{MODES[mode]} for more than {hours} h {blind}", f"end it after {hours} h, by LOW"
    if mode == MAX and not fleet.houses.sensed[row]:
        return f"MAX {blind}", "use MID"
    minutes = HOLD_SLOTS[before] * 15
    return f"{MODES[before]} must be held for {minutes} min before {MODES[mode]}", f"hold {MODES[before]} for longer"


def _out_of_band(case: _Case, row: int) -> Iterator[tuple[int, str, str]]:
    """Rooms that leave the band further than own control takes them."""
    room, own = case.plan.room_c[row], case.fleet.neutral.room_c[row]
    low, high = _band(case, row)
    cold = np.flatnonzero(room < np.minimum(low, own) - NEAR_BREACH_K)
    warm = np.flatnonzero(room > np.maximum(high, own) + NEAR_BREACH_K)
    for slots, edge, way_out in ((cold, low, "set it back for less time"), (warm, high, "raise it less, or for less")):
        if len(slots):
            slot, own_c = int(slots[0]), own[slots[0]]
            band = f"the household accepts {edge[slot]:.1f} C, own control would have {own_c:.1f} C"
            yield slot, f"the room is expected at {room[slot]:.1f} C: {band}", way_out


def _band(case: _Case, row: int) -> tuple[Array, Array]:
    """Lowest and highest accepted room in each slot, (N,) each."""
    houses, slots = case.fleet.houses, case.request.slots
    low, high = houses.room_min_c[row] + houses.low_shift_k[row], houses.room_max_c[row] - houses.high_shift_k[row]
    return np.broadcast_to(low, slots), np.broadcast_to(high, slots)


def _cap_left(case: _Case, beside_kw: Array) -> Array:
    """What of the limit is left for heating beside what the others draw, kW (N,); infinite without a limit."""
    request, fleet = case.request, case.fleet
    if request.cap_kw is None:
        return np.full(request.slots, np.inf)
    tank_kw = tanks_kw(tanks_of(request, fleet), request.slots)
    return cap_for_heating(request.cap_kw, tank_kw, fleet.neutral.power_kw.sum(axis=0, dtype=float)) - beside_kw


def _too_much_together(case: _Case, taken: npt.NDArray[np.intp], left: Array) -> Refusal | None:
    """Whether the taken pumps overrun what is left of the limit by more than they would in neutral."""
    load, own = (kw[taken].sum(axis=0, dtype=float) for kw in (case.plan.power_kw, case.fleet.calm.power_kw))
    over, over_own = (np.maximum(kw - left, 0.0) for kw in (load, own))
    if not len(taken) or over.sum() <= over_own.sum() + ROUNDING_KW:
        return None
    slot = int((over - over_own).argmax())
    return Refusal(
        subject=case.request.pumps[taken[0]].profile.enrolment.grid_area,
        slot=case.at(slot),
        problem=f"its submitted pumps would draw {load[slot]:.2f} kW, and {max(left[slot], 0.0):.2f} kW of the limit "
        f"of {case.request.cap_kw:g} kW are left for their heating",
        way_out="raise fewer of them at a time",
    )


def _certified(
    case: _Case, taken: npt.NDArray[np.intp], left: Array, beside_kw: Array, began: float
) -> FleetPlanResult:
    """The taken schedules with their certificate: their own cost, and the bound of any schedules of these pumps."""
    request = case.request.model_copy(update={"pumps": tuple(case.request.pumps[row] for row in taken)})
    named = nominated_of(request)
    if named is not None:
        named = replace(named, kw=np.maximum(named.kw - beside_kw, 0.0))
    fleet = case.fleet.part(taken)
    caps = Caps(np.zeros(fleet.size, dtype=np.intp), np.maximum(left, 0.0)[None, :], (named,))
    solved = solve(fleet, caps, began, request.budget_s, is_guarded=False)
    return certified(request, fleet, caps, solved, fleet.simulate(case.modes[taken]), monotonic() - began)
