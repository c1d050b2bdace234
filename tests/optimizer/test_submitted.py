"""Another optimiser's schedules by our rules: each rule broken by itself is named with slot and way out; the rest is
taken at its own cost beside our bound."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from domain.homes.comfort import ComfortBand
from domain.modes import HotWaterMode, Mode
from domain.planning.fleet_plan import Judged, PlanningRequest, PumpForPlanning, Refusal
from domain.slots import SLOT_HOURS
from optimizer.planner import plan_fleet
from optimizer.submitted import judge
from tests.optimizer.builders import FIRST_SLOT, a_fleet, a_pump, a_request, nominated

MIN, LOW, MID, MAX = Mode
SLOTS = 96
NEUTRAL = (LOW,) * SLOTS


def day(*runs: tuple[int, int, Mode]) -> tuple[Mode, ...]:
    """LOW but for these runs of slots [first, last)."""
    modes = list(NEUTRAL)
    for first, last, mode in runs:
        modes[first:last] = [mode] * (last - first)
    return tuple(modes)


RAISED_AT_NIGHT = day((12, 24, MAX))
"""03:00 to 06:00."""


def judged(
    pumps: Sequence[PumpForPlanning],
    wanted: Mapping[int, Sequence[Mode | None]],
    kept: Mapping[int, Sequence[Mode]] | None = None,
    **of_request: Any,
) -> Judged:
    """Schedules by the pumps' numbers."""
    asked = {f"pump-{n:04d}": modes for n, modes in wanted.items()}
    standing = {f"pump-{n:04d}": modes for n, modes in (kept or {}).items()}
    return judge(a_request(pumps, **of_request), asked, standing)


def the_refusal(found: Judged) -> Refusal:
    (refusal,) = found.refused
    assert found.result.pumps == ()
    assert refusal.way_out
    return refusal


def changed(pump: PumpForPlanning, **what: Any) -> PumpForPlanning:
    return pump.model_copy(update=what)


BROKEN: dict[str, tuple[PumpForPlanning, Sequence[Mode | None], int | None, str]] = {
    "slots left out": (a_pump(), (*NEUTRAL[:40], None, None, *NEUTRAL[42:]), 40, "no mode for 2 of 96 slots"),
    "drawn for comparison": (changed(a_pump(), may_move=False), RAISED_AT_NIGHT, 12, "left to its own control"),
    "no calls for a change": (changed(a_pump(), most_changes=0), RAISED_AT_NIGHT, 12, "calls carry no change"),
    "set-back in a cold snap": (
        changed(a_pump(), floor=LOW),
        day((70, 76, MIN)),
        70,
        "in the cold: MIN is not allowed",
    ),
    "set-back that is unsafe to be stuck with": (
        changed(a_pump(band=ComfortBand(room_min_c=17.0, room_max_c=22.0)), floor=LOW),
        day((70, 76, MIN)),
        70,
        "safe to be stuck with: MIN is not allowed",
    ),
    "set-back below the band": (a_pump(room_c=19.0), day((0, 6, MIN)), 0, "at 19.0 C, below its band of 20.0 C"),
    "a raise that ends too early": (a_pump(), day((12, 14, MAX)), 14, "MAX must be held for 60 min before LOW"),
    "a pause that ends too early": (a_pump(), day((12, 20, MAX), (21, 29, MAX)), 21, "LOW must be held for 30 min"),
    "left before its time since": (
        a_pump(mode=MID, held_slots=1),
        NEUTRAL,
        0,
        "MID must be held for 60 min before LOW",
    ),
    "MAX without a sensor": (a_pump(sensor=False), RAISED_AT_NIGHT, 12, "MAX without a room sensor"),
    "MAX in a room not read of late": (
        changed(a_pump(), room_c=None),
        RAISED_AT_NIGHT,
        12,
        "while its room is not known",
    ),
    "a long set-back without a sensor": (a_pump(sensor=False), day((60, 73, MIN)), 72, "MIN for more than 3 h"),
    "too many changes": (
        changed(a_pump(), most_changes=3),
        day((12, 20, MAX), (40, 48, MAX)),
        None,
        "4 changes of mode in a day, and 3 are allowed",
    ),
    "more energy than its home is to pay for": (
        changed(a_pump(), most_extra_kwh=0.3),
        RAISED_AT_NIGHT,
        None,
        "uses more than 0.3 kWh a day beyond own control",
    ),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_named_with_its_slot_and_a_way_out(rule: str) -> None:
    pump, modes, slot, problem = BROKEN[rule]
    refusal = the_refusal(judged([pump], {0: modes}))
    assert refusal.subject == "pump-0000"
    assert refusal.slot == (None if slot is None else FIRST_SLOT + slot * timedelta(minutes=15))
    assert problem in refusal.problem


KEPT: dict[str, tuple[PumpForPlanning, Sequence[Mode]]] = {
    "neutral where it must not be moved": (changed(a_pump(mode=MAX, held_slots=0), may_move=False), NEUTRAL),
    "no set-back in a cold snap": (changed(a_pump(), floor=LOW), RAISED_AT_NIGHT),
    "a set-back that a cold snap ends": (changed(a_pump(mode=MIN, held_slots=0), floor=LOW), NEUTRAL),
    "set-back within the band": (a_pump(room_c=22.5), day((0, 6, MIN))),
    "a raise of an hour": (a_pump(), day((12, 16, MAX))),
    "a pause of half an hour": (a_pump(), day((12, 20, MAX), (22, 30, MAX))),
    "held since before": (a_pump(mode=MID, held_slots=4), NEUTRAL),
    "MID without a sensor": (a_pump(sensor=False), day((12, 24, MID))),
    "three hours of set-back without a sensor": (a_pump(sensor=False), day((60, 72, MIN))),
    "as many changes as allowed": (changed(a_pump(), most_changes=4), day((12, 20, MAX), (40, 48, MAX))),
    "as much energy as is to be paid for": (changed(a_pump(), most_extra_kwh=30.0), RAISED_AT_NIGHT),
}


@pytest.mark.parametrize("rule", KEPT)
def test_what_just_keeps_a_rule_is_taken_as_it_is(rule: str) -> None:
    pump, modes = KEPT[rule]
    found = judged([pump], {0: modes})
    assert found.refused == ()
    assert [planned.modes for planned in found.result.pumps] == [tuple(modes)]
    assert found.result.certificate.lower_bound_eur <= found.result.certificate.cost_eur


def test_a_room_may_not_leave_its_band_further_than_own_control_takes_it() -> None:
    narrow = a_pump(band=ComfortBand(room_min_c=20.8, room_max_c=21.8))
    warm = the_refusal(judged([narrow], {0: day((0, 96, MAX))}))
    assert "the household accepts 21.8 C, own control would have 21." in warm.problem
    assert warm.way_out == "raise it less, or for less"
    week = changed(a_pump(), accepts=((17.0, 23.5),) * 48 + ((21.0, 23.5),) * 48)
    cold = the_refusal(judged([week], {0: day((0, 47, MIN))}))
    assert cold.slot == FIRST_SLOT + 48 * timedelta(minutes=15), "when the household wants it warm again"
    assert "the household accepts 21.0 C" in cold.problem
    assert judged([week], {0: day((0, 24, MIN))}).refused == ()
    hot = a_pump(room_c=25.0, band=ComfortBand(room_min_c=20.8, room_max_c=21.8))
    for at_its_own in (hot, a_pump(room_c=19.0)):
        assert judged([at_its_own], {0: NEUTRAL}).refused == (), "the household's own setting is no breach of ours"


def test_the_pumps_of_a_grid_area_keep_its_limit_together_or_none_of_them_is_taken() -> None:
    pumps = a_fleet(4)
    alone = plan_fleet(a_request(pumps)).neutral_load_kw
    cap_kw = 1.6 * max(alone)
    assert judged(pumps, dict.fromkeys(range(4), NEUTRAL), cap_kw=cap_kw).refused == ()
    found = judged(pumps, dict.fromkeys(range(4), RAISED_AT_NIGHT), cap_kw=cap_kw)
    refusal = the_refusal(found)
    assert (refusal.subject, refusal.way_out) == ("feeder-1", "raise fewer of them at a time")
    assert refusal.slot is not None
    assert 12 <= (refusal.slot - FIRST_SLOT) // timedelta(minutes=15) < 28
    assert f"of the limit of {cap_kw:g} kW are left" in refusal.problem


def test_what_other_pumps_of_the_area_are_about_to_draw_is_not_there_to_be_taken() -> None:
    pumps, cap_kw = a_fleet(4), 14.0
    others = dict.fromkeys((1, 2, 3), RAISED_AT_NIGHT)
    assert judged(pumps, {0: RAISED_AT_NIGHT}, cap_kw=cap_kw).refused == ()
    assert the_refusal(judged(pumps, {0: RAISED_AT_NIGHT}, others, cap_kw=cap_kw)).subject == "feeder-1"
    elsewhere = {n: day((48, 60, MAX)) for n in (1, 2, 3)}
    assert judged(pumps, {0: RAISED_AT_NIGHT}, elsewhere, cap_kw=cap_kw).refused == ()


def test_where_own_control_breaks_the_limit_a_plan_that_breaks_it_less_is_taken() -> None:
    pumps = a_fleet(3)
    cap_kw = 0.7 * min(plan_fleet(a_request(pumps)).neutral_load_kw)
    back = day((60, 80, MIN))
    found = judged(pumps, dict.fromkeys(range(3), back), cap_kw=cap_kw)
    certificate = found.result.certificate
    assert found.refused == ()
    assert certificate.overflow_kwh > 0
    assert certificate.lower_bound_eur <= certificate.cost_eur < certificate.neutral_cost_eur


def test_a_pump_that_is_refused_costs_the_others_nothing() -> None:
    found = judged(a_fleet(3), {0: RAISED_AT_NIGHT, 2: day((12, 14, MAX))})
    assert [refusal.subject for refusal in found.refused] == ["pump-0002"]
    assert [pump.pump_id for pump in found.result.pumps] == ["pump-0000"], "nor is one taken that was not spoken of"


def test_the_certificate_is_of_the_schedules_that_were_submitted_beside_our_own_bound() -> None:
    request: PlanningRequest = a_request(a_fleet(5))
    ours = plan_fleet(request)
    ids = [pump.pump_id for pump in ours.pumps]
    same = judge(request, {pump.pump_id: pump.modes for pump in ours.pumps}, {}).result
    assert same.certificate.cost_eur == pytest.approx(ours.certificate.cost_eur)
    assert same.certificate.lower_bound_eur == pytest.approx(ours.certificate.lower_bound_eur)
    assert [pump.expected_room_c for pump in same.pumps] == [pump.expected_room_c for pump in ours.pumps]

    worse = judge(request, dict.fromkeys(ids, RAISED_AT_NIGHT), {}).result
    certificate = worse.certificate
    assert certificate.lower_bound_eur == pytest.approx(ours.certificate.lower_bound_eur, abs=0.1)
    assert certificate.cost_eur > ours.certificate.cost_eur
    assert certificate.gap_pct > ours.certificate.gap_pct
    paid = sum(np.array(pump.expected_power_kw) @ request.prices.price_eur_per_mwh for pump in worse.pumps)
    assert certificate.energy_cost_eur == pytest.approx(paid * SLOT_HOURS / 1000, rel=1e-4)
    assert worse.neutral_load_kw == ours.neutral_load_kw
    neutral = judge(request, dict.fromkeys(ids, NEUTRAL), {}).result.certificate
    assert neutral.cost_eur == pytest.approx(ours.certificate.neutral_cost_eur)


def test_a_plan_that_earns_what_we_leave_is_still_above_its_bound() -> None:
    request = a_request([a_pump()], np.full(SLOTS, -100.0))
    ours = plan_fleet(request)
    assert set(ours.pumps[0].modes) == {LOW}, "we burn no heat for a reward"
    certificate = judge(request, {"pump-0000": day((60, 76, MID))}, {}).result.certificate
    assert certificate.lower_bound_eur <= certificate.cost_eur < ours.certificate.cost_eur


def test_deviating_from_a_nomination_is_priced_beside_what_the_other_pumps_are_about_to_draw() -> None:
    request = a_request(a_fleet(4))
    alone = plan_fleet(request)
    bound = nominated(request, np.array(alone.neutral_load_kw), 200.0)
    ours = plan_fleet(bound)
    own = {pump.pump_id: pump.modes for pump in ours.pumps}
    assert judge(bound, own, {}).result.certificate.deviation_eur == pytest.approx(ours.certificate.deviation_eur)
    first = {"pump-0000": own.pop("pump-0000")}
    certificate = judge(bound, first, own).result.certificate
    assert certificate.deviation_eur == pytest.approx(ours.certificate.deviation_eur, rel=0.01)
    assert certificate.lower_bound_eur <= certificate.cost_eur


def test_tanks_follow_the_same_rule_as_under_our_own_plans() -> None:
    pump = a_pump()
    profile = pump.profile.model_copy(update={"hot_water": pump.profile.heating})
    request = a_request([changed(pump, profile=profile)])
    (ours,) = plan_fleet(request).pumps
    (theirs,) = judge(request, {"pump-0000": NEUTRAL}, {}).result.pumps
    assert theirs.hot_water == ours.hot_water
    assert HotWaterMode.BOOST in theirs.hot_water
