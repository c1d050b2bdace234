"""Who wins: the target at a moment, whatever the order in which it was told, and what bounds it."""

import random
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.commands.command import Authority
from domain.homes.comfort import ComfortBand
from domain.homes.site import TURN_GAP, Emitter, HomeShare, Site
from domain.modes import Circuit, HotWaterMode, Mode
from domain.oem.readings import Condition
from domain.planning.price_plan import PricePlan
from domain.steering.arbitration import target_at
from domain.steering.decide import decide
from domain.steering.orders import Order, OrderKind
from domain.steering.overrides import WARM_UP, Override, OverrideKind, OverrideSource, asked_of
from domain.steering.pump_state import (
    Event,
    Observed,
    OrderGiven,
    OverrideRequested,
    PlanArrived,
    PumpState,
    RetireRequested,
    SteeringConsent,
)
from domain.steering.watch import Watch
from oem_adapters.nibe.manifest import HOT_WATER_COMFORT
from tests.builders import a_circuit, a_lever, a_plan, a_state, an_override, at

NOW = at(3)


def an_override_for(kind: OverrideKind, start: float = 0, until: float = 8, **given: object) -> Override:
    mode, hot_water = asked_of(kind, Mode.MAX if kind is OverrideKind.MODE else None)
    return an_override(mode, start, until, **given).model_copy(update={"kind": kind, "hot_water": hot_water})


def an_order(
    kind: OrderKind = OrderKind.STOP, cap: Mode | None = None, until: float | None = 9, name: str = "s1"
) -> Order:
    return Order(
        order_id=name,
        kind=kind,
        scope="all",
        cap=cap,
        limit_kw=4.2 if kind is OrderKind.SECTION_14A else None,
        since=at(0),
        until=None if until is None else at(until),
        who="operator",
        why="as the test says",
    )


NEWS: dict[str, Event] = {
    "plan": PlanArrived(plan=a_plan(2, {(0, 12): Mode.MIN})),
    "older plan": PlanArrived(plan=a_plan(1, {(0, 12): Mode.MAX})),
    "boost": OverrideRequested(override=an_override_for(OverrideKind.MODE, override_id="boost")),
    "newer emergency": OverrideRequested(override=an_override_for(OverrideKind.EMERGENCY, 1, override_id="emergency")),
    "support's pause": OverrideRequested(
        override=an_override_for(OverrideKind.PAUSE, 2, override_id="pause", source=OverrideSource.SUPPORT)
    ),
    "stop": OrderGiven(order=an_order()),
    "grid limit": OrderGiven(order=an_order(OrderKind.LIMIT, Mode.LOW, name="l1")),
    "cold room": Observed(as_of=at(2.5), room_c=16.0),
    "opt-out": SteeringConsent(opted_out=True),
    "retire": RetireRequested(),
}
ALONE = {
    frozenset({"plan"}): Mode.MIN,
    frozenset({"plan", "older plan"}): Mode.MIN,
    frozenset({"plan", "boost"}): Mode.MAX,
    frozenset({"plan", "boost", "support's pause"}): Mode.MAX,
    frozenset({"plan", "support's pause"}): Mode.LOW,
    frozenset({"plan", "stop"}): Mode.LOW,
    frozenset({"boost", "stop"}): Mode.MAX,
    frozenset({"boost", "grid limit"}): Mode.LOW,
    frozenset({"plan", "cold room"}): Mode.LOW,
    frozenset({"boost", "newer emergency", "opt-out"}): Mode.LOW,
    frozenset({"boost", "retire"}): Mode.LOW,
}


def told(names: list[str], *, through_json: bool = False) -> PumpState:
    state = a_state()
    for name in names:
        state = decide(state, NEWS[name], NOW).state
        if through_json:
            state = PumpState.model_validate_json(state.model_dump_json())
    return state


@pytest.mark.parametrize(("names", "mode"), [(sorted(names), mode) for names, mode in ALONE.items()])
def test_each_pair_of_overrides_has_one_winner(names: list[str], mode: Mode) -> None:
    assert target_at(told(names), NOW).mode is mode


FREE = sorted(set(NEWS) - {"retire"})


@given(st.sets(st.sampled_from(FREE), min_size=1), st.integers(0, 2**32), st.booleans())
@settings(max_examples=150, deadline=None)
def test_the_target_depends_on_who_asks_and_never_on_the_order_of_arrival(
    names: set[str], seed: int, through_json: bool
) -> None:
    luck = random.Random(seed)
    # Opting out twice is refused before it is decided, and orders once given are known: repeats change nothing.
    shuffled = [*names, *luck.sample(sorted(names), k=luck.randrange(len(names) + 1))]
    luck.shuffle(shuffled)
    expected, found = target_at(told(sorted(names)), NOW), target_at(told(shuffled, through_json=through_json), NOW)
    assert (found.mode, found.authority, found.is_held, found.until) == (
        expected.mode,
        expected.authority,
        expected.is_held,
        expected.until,
    )


def test_every_two_plans_are_ruled_by_the_higher_revision_whichever_came_first() -> None:
    plans = [a_plan(revision, {(0, 12): mode}) for revision, mode in enumerate(Mode, start=1)]
    for one, other in combinations(plans, 2):
        for order in ((one, other), (other, one), (one, other, one)):
            state = a_state()
            for plan in order:
                state = decide(state, PlanArrived(plan=plan), NOW).state
            assert target_at(state, NOW).mode is other.segments[0].mode


def test_todays_plan_outlives_any_number_of_revisions_of_tomorrow() -> None:
    state = decide(a_state(), PlanArrived(plan=a_plan(1, {(0, 24): Mode.MIN})), NOW).state
    for revision in range(2, 9):
        tomorrow = PricePlan(revision=revision, segments=(), first_slot=at(24), valid_until=at(48))
        state = decide(state, PlanArrived(plan=tomorrow), NOW).state
    assert target_at(state, NOW).mode is Mode.MIN


@pytest.mark.parametrize("emitter", list(Emitter))
def test_a_vacation_sets_back_and_warms_the_home_before_its_end(emitter: Emitter) -> None:
    vacation = an_override_for(OverrideKind.VACATION, 0, 72)
    state = a_state(overrides=(vacation,), site=Site(emitter=emitter))
    warm_from = vacation.until - WARM_UP[emitter]
    early, late = target_at(state, warm_from - timedelta(seconds=1)), target_at(state, warm_from)
    assert (early.mode, early.authority, early.until) == (Mode.MIN, Authority.VACATION, warm_from)
    assert (late.mode, late.until) == (Mode.MID, vacation.until)


@pytest.mark.parametrize("condition", [c for c in Condition if c is not Condition.NORMAL])
@pytest.mark.parametrize("kind", [OrderKind.LIMIT, OrderKind.BACKUP])
def test_under_somebody_elses_hand_only_a_restore_may_be_written_even_under_a_grid_limit(
    condition: Condition, kind: OrderKind
) -> None:
    cap = Mode.MIN if kind is OrderKind.LIMIT else None
    state = a_state(
        watch=Watch(condition=condition),
        orders=(an_order(kind, cap),),
        overrides=(an_override_for(OverrideKind.EMERGENCY),),
        hot_water=a_circuit(HotWaterMode.NORMAL),
    )
    assert target_at(state, NOW).mode is Mode.LOW
    assert target_at(state, NOW, Circuit.HOT_WATER).mode is HotWaterMode.NORMAL


@pytest.mark.parametrize("condition", [Condition.UPDATING, Condition.REMOTE_DISABLED])
@pytest.mark.parametrize("given", [{}, {"opted_out": True}, {"retiring": True}])
def test_nothing_is_written_to_a_unit_that_protects_itself_not_even_a_revert(
    condition: Condition, given: dict[str, Any]
) -> None:
    state = a_state(settled=Mode.MIN, watch=Watch(condition=condition), **given)
    assert target_at(state, NOW).is_held
    assert decide(state, OverrideRequested(override=an_override_for(OverrideKind.EMERGENCY)), NOW).starts == ()


@pytest.mark.parametrize("given", [{}, {"opted_out": True}, {"retiring": True}])
def test_a_blackout_holds_every_write_and_ends_on_the_pumps_own_time(given: dict[str, Any]) -> None:
    blackout = an_order(OrderKind.BLACKOUT)
    state = a_state(settled=Mode.MIN, orders=(blackout,), **given)
    end = blackout.ends_at(state.pump_id)
    assert end is not None
    assert target_at(state, end - timedelta(seconds=1)).is_held
    assert target_at(state, end - timedelta(seconds=1)).until == end
    assert not target_at(state, end).is_held


@given(
    st.sampled_from([None, *OverrideKind]),
    st.sampled_from([None, *OrderKind]),
    st.sampled_from(list(Mode)),
    st.booleans(),
)
@settings(deadline=None)
def test_no_target_of_ours_sets_back_a_room_below_its_floor(
    kind: OverrideKind | None, order: OrderKind | None, planned: Mode, cold_snap: bool
) -> None:
    plan = a_plan(1, {(0, 24): planned}).model_copy(update={"floor": Mode.LOW if cold_snap else Mode.MIN})
    state = a_state(
        plans=(plan,),
        watch=Watch(is_cold=not cold_snap),
        overrides=() if kind is None else (an_override_for(kind),),
        orders=() if order is None else (an_order(order, Mode.MIN if order is OrderKind.LIMIT else None),),
    )
    assert target_at(state, NOW).mode is not Mode.MIN


def test_a_room_too_cool_to_be_stuck_with_a_set_back_is_not_set_back_but_for_an_empty_home() -> None:
    plan = a_plan(1, {(0, 24): Mode.MIN})
    for overrides in ((), (an_override_for(OverrideKind.MODE).model_copy(update={"mode": Mode.MIN}),)):
        state = a_state(plans=(plan,), overrides=overrides)
        assert target_at(state, NOW).mode is Mode.MIN
        cool = state.model_copy(update={"watch": Watch(cool_until=at(4))})
        assert (target_at(cool, NOW).mode, target_at(cool, NOW).authority) == (Mode.LOW, Authority.NEUTRAL)
        assert target_at(cool, NOW).until == at(4)
        assert target_at(cool, at(4)).mode is Mode.MIN
        begun = cool.model_copy(update={"heating": cool.heating.model_copy(update={"settled": Mode.MIN})})
        assert target_at(begun, NOW).mode is Mode.MIN, "it is judged where it begins"
    away = a_state(overrides=(an_override_for(OverrideKind.VACATION, until=200),), watch=Watch(cool_until=at(4)))
    assert target_at(away, NOW).mode is Mode.MIN


@given(st.integers(1, 20), st.data())
def test_a_home_never_runs_more_pumps_raised_than_its_limit_holds(pumps: int, data: st.DataObject) -> None:
    at_once = data.draw(st.integers(0, pumps))
    when = at(data.draw(st.integers(0, 24 * 60)))
    plan = PricePlan(
        revision=1, segments=(), first_slot=when - timedelta(hours=1), valid_until=when + timedelta(hours=1)
    )
    modes, tanks = [], []
    for rank in range(pumps):
        home = HomeShare(home_id="h", pumps=pumps, rank=rank, raised_at_once=at_once)
        boost = an_override_for(OverrideKind.MODE).model_copy(update={"until": when + timedelta(hours=1)})
        boost = boost.model_copy(update={"hot_water": HotWaterMode.BOOST})
        state = a_state(site=Site(home=home), plans=(plan,), overrides=(boost,))
        state = state.model_copy(update={"hot_water": a_circuit(HotWaterMode.NORMAL)})
        modes.append(target_at(state, when).mode)
        tanks.append(target_at(state, when, Circuit.HOT_WATER).mode)
    raised = sum(mode is Mode.MAX for mode in modes)
    assert raised + sum(mode is Mode.LOW for mode in modes) == pumps
    assert raised <= at_once
    boosting = [tank is HotWaterMode.BOOST for tank in tanks]
    assert boosting == [mode is Mode.MAX for mode in modes]
    assert set(tanks) <= {HotWaterMode.BOOST, HotWaterMode.NORMAL}
    if when - TURN_GAP >= when.replace(hour=0, minute=0):
        assert raised == at_once


@given(st.integers(2, 6), st.data())
def test_a_pump_of_a_home_is_raised_only_when_the_one_before_it_had_time_to_stop(
    pumps: int, data: st.DataObject
) -> None:
    at_once = data.draw(st.integers(1, pumps - 1))
    homes = [HomeShare(home_id="h", pumps=pumps, rank=r, raised_at_once=at_once) for r in range(pumps)]
    began = at(24 * data.draw(st.integers(0, 30)))
    while not any(home.has_turn(began) and not home.has_turn(began - timedelta(minutes=1)) for home in homes):
        began += timedelta(minutes=1)
    for minutes in range(1, int(TURN_GAP / timedelta(minutes=1))):
        before = [home.has_turn(began - timedelta(minutes=minutes)) for home in homes]
        assert sum(was or home.has_turn(began) for was, home in zip(before, homes, strict=True)) <= at_once
    assert HomeShare.next_turn(began - timedelta(seconds=1)) == began


@pytest.mark.parametrize(
    ("band_min_c", "expires", "at_home", "empty"),
    [
        (20.0, False, Mode.MIN, Mode.MIN),
        (19.5, False, Mode.LOW, Mode.MIN),
        (17.5, False, Mode.LOW, Mode.LOW),
        (17.5, True, Mode.MIN, Mode.MIN),
    ],
)
def test_a_set_back_is_asked_for_only_where_it_is_safe_to_be_stuck_with(
    band_min_c: float, expires: bool, at_home: Mode, empty: Mode
) -> None:
    band = ComfortBand(room_min_c=band_min_c)
    site = Site(band=band, stuck_drop_k=0) if expires else Site(band=band)
    plans = (a_plan(1, {(0, 24): Mode.MIN}),)
    grid = an_order(OrderKind.LIMIT, Mode.MIN)
    assert target_at(a_state(site=site, plans=plans), NOW).mode is at_home
    assert target_at(a_state(site=site, orders=(grid,)), NOW).mode is at_home
    vacation = an_override_for(OverrideKind.VACATION, until=100)
    assert target_at(a_state(site=site, overrides=(vacation,)), NOW).mode is empty


@given(st.lists(st.sampled_from(FREE), max_size=6), st.floats(0.01, 30))
@settings(max_examples=150, deadline=None)
def test_a_target_never_changes_by_time_alone_before_it_says_so(names: list[str], hours: float) -> None:
    state = told(names)
    target = target_at(state, NOW)
    later = NOW + timedelta(hours=hours)
    if target.until is None or later < target.until:
        assert target_at(state, later).mode is target.mode


@pytest.mark.parametrize(("baseline", "is_steered"), [(10.0, True), (10.5, False), (-11.0, False)])
def test_what_could_not_be_given_back_is_not_taken_in_the_first_place(baseline: float, is_steered: bool) -> None:
    lever = a_lever(baseline=baseline)
    planned = a_state(lever=lever, plans=(a_plan(1, {(0, 9): Mode.MIN}),))
    wished = a_state(lever=lever, overrides=(an_override(Mode.MAX, 0, 9),))
    for state, mode in ((planned, Mode.MIN), (wished, Mode.MAX)):
        target = target_at(state, at(2))
        assert (target.mode is mode) is is_steered
        assert is_steered or (target.mode, target.authority) == (Mode.LOW, Authority.NEUTRAL)


@pytest.mark.parametrize(("also", "expected"), [((4.0,), HotWaterMode.BOOST), ((), HotWaterMode.NORMAL)])
def test_a_hot_water_choice_beyond_the_steps_is_steered_where_it_can_be_given_back(
    also: tuple[float, ...], expected: HotWaterMode
) -> None:
    water = a_circuit(HotWaterMode.NORMAL, lever=a_lever(HOT_WATER_COMFORT, baseline=4.0, also=also))
    boost = an_override(Mode.MAX, 0, 9).model_copy(update={"hot_water": HotWaterMode.BOOST})
    state = a_state(hot_water=water, overrides=(boost,))
    assert target_at(state, at(2), Circuit.HOT_WATER).mode is expected
    assert water.lever.setting_for(HotWaterMode.NORMAL) == 4.0
