"""The sweep's rules: order and pace of looking, and what is news to a pump's workflow."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.commands.command import CommandState, EventKind
from domain.homes.enrolment import PumpProfile
from domain.modes import Circuit, HotWaterMode, Mode
from domain.oem.readings import Condition, Reading
from domain.steering.pump_state import Observed
from domain.steering.sweep_policy import (
    PASS,
    REPEAT_AFTER,
    Expected,
    News,
    Reported,
    WatchRecord,
    drift_found_within,
    gap_between,
    is_risky,
    news_of,
    observed_from,
    reading_order,
    settling_event,
    silence,
    worth_asking_connections,
)
from oem_adapters.nibe.manifest import HEATING_OFFSET, HOT_WATER_COMFORT
from tests.builders import COMFORT, OFFSET, TIMING, a_lever, a_profile, a_reading, at

NOW = at(8)
JUST_NOW = at(7, 58)
TANK = a_lever(HOT_WATER_COMFORT, 1.0)


def newest(mode: Mode | HotWaterMode = Mode.MAX, state: CommandState = CommandState.APPLIED, **given: Any) -> Expected:
    lever = a_lever() if isinstance(mode, Mode) else TANK
    return Expected(
        circuit=lever.circuit,
        command_id=given.pop("command_id", "p-0001-c00001"),
        mode=mode,
        lever=given.pop("lever", lever.name),
        setting=given.pop("setting", lever.setting_for(mode)),
        state=state,
        at=given.pop("at", at(6)),
        expires_at=given.pop("expires_at", at(7)),
        **given,
    )


def a_record(**given: Any) -> WatchRecord:
    return WatchRecord(pump_id="p-0001", looked_at=given.pop("looked_at", at(7, 45)), **given)


def seen_at(setting: float, as_of: datetime = JUST_NOW, profile: PumpProfile | None = None, **given: Any) -> Observed:
    reading = Reading(as_of=as_of, lever=OFFSET, setting=setting, **given)
    return observed_from(profile or a_profile(), reading, TIMING, NOW)


def news(
    seen: Observed,
    *expected: Expected,
    told: Reported | None = None,
    now: datetime = NOW,
    profile: PumpProfile | None = None,
) -> News:
    return news_of(profile or a_profile(), expected, a_record(told=told or Reported()), seen, now)


def test_what_is_as_commanded_is_no_news() -> None:
    assert news(seen_at(3.0), newest(Mode.MAX)).reasons == ()
    assert news(seen_at(0.0)).reasons == (), "a pump that was never commanded is in neutral"


def test_a_lever_that_is_not_where_it_was_left_is_news_whoever_moved_it() -> None:
    assert news(seen_at(0.0), newest(Mode.MAX)).reasons == ("heating moved at 0",)
    found = news(seen_at(2.0), newest(Mode.MAX))
    assert found.reasons == ("heating moved at 2",)
    assert found.has_drifted


def test_news_is_told_once_and_again_after_a_while_or_after_another_command() -> None:
    told = news(seen_at(0.0), newest(Mode.MAX)).told
    soon, later = NOW + PASS, NOW + REPEAT_AFTER
    assert news(seen_at(0.0), newest(Mode.MAX), told=told, now=soon).reasons == ()
    assert news(seen_at(0.0), newest(Mode.MAX), told=told, now=later).reasons == ("heating moved at 0",)
    another = newest(Mode.MAX, command_id="p-0001-c00002")
    assert news(seen_at(0.0), another, told=told, now=soon).reasons == ("heating moved at 0",)
    assert news(seen_at(-2.0), newest(Mode.MAX), told=told, now=soon).reasons == ("heating moved at -2",)


def test_a_lever_that_came_back_by_itself_is_told_too() -> None:
    told = news(seen_at(0.0), newest(Mode.MAX)).told
    back = news(seen_at(3.0), newest(Mode.MAX), told=told)
    assert back.reasons == ("heating as commanded again at 3",)
    assert news(seen_at(3.0), newest(Mode.MAX), told=back.told).reasons == ()


def test_what_the_workflow_noted_of_the_lever_is_not_told_again() -> None:
    told = news(seen_at(0.0), newest(Mode.MAX)).told
    noted = newest(Mode.MAX, noted_setting=0.0, noted_at=at(7, 50))
    assert news(seen_at(0.0), noted, told=told, now=NOW + REPEAT_AFTER).reasons == ()
    assert news(seen_at(3.0), noted, told=told).reasons == ("heating moved at 3",)


def test_an_older_reading_than_the_commands_end_says_nothing() -> None:
    assert news(seen_at(0.0, as_of=at(7, 40)), newest(Mode.MAX, at=at(7, 45))).reasons == ()


def test_a_lever_whose_command_is_open_is_its_own_verifications_business() -> None:
    opened = newest(Mode.MAX, CommandState.ACCEPTED, at=at(7, 50), expires_at=at(9))
    assert news(seen_at(0.0), opened).reasons == ()
    forgotten = newest(Mode.MAX, CommandState.ACCEPTED, at=at(5), expires_at=at(7))
    assert news(seen_at(0.0), forgotten).reasons == ("heating settled at 0",), "nobody looks after it any more"


@pytest.mark.parametrize("state", [CommandState.UNVERIFIED, CommandState.SUPERSEDED, CommandState.IGNORED])
def test_a_command_without_a_known_end_is_settled_by_one_telling(state: CommandState) -> None:
    found = news(seen_at(0.0), newest(Mode.MAX, state))
    assert found.reasons == ("heating settled at 0",)
    assert news(seen_at(0.0), newest(Mode.MAX, state), told=found.told, now=NOW + REPEAT_AFTER).reasons == ()


def test_silence_and_return_are_told_once_each() -> None:
    stale = seen_at(3.0, as_of=NOW - TIMING.reading_max_age - timedelta(seconds=1))
    assert stale == silence(NOW), "an old reading says nothing else"
    gone = news(stale, newest(Mode.MAX))
    assert gone.reasons == ("silent",)
    assert news(stale, newest(Mode.MAX), told=gone.told).reasons == ()
    assert news(seen_at(3.0), newest(Mode.MAX), told=gone.told).reasons == ("came back",)


def test_a_condition_explains_a_lever_and_is_told_when_it_begins_and_ends() -> None:
    away = news(seen_at(-4.0, condition=Condition.AWAY), newest(Mode.MAX))
    assert away.reasons == ("condition away",)
    assert news(seen_at(-5.0, condition=Condition.AWAY), newest(Mode.MAX), told=away.told).reasons == ()
    assert news(seen_at(3.0), newest(Mode.MAX), told=away.told).reasons == ("condition normal",)


def test_a_room_below_its_floor_is_told_on_crossing_with_some_slack_on_the_way_back() -> None:
    floor_c = a_profile().site.floor_c(at(0))
    cold = news(seen_at(0.0, room_c=floor_c - 0.1))
    assert cold.reasons == ("room below its floor",)
    assert news(seen_at(0.0, room_c=floor_c + 0.1), told=cold.told).reasons == ()
    assert news(seen_at(0.0, room_c=None), told=cold.told).reasons == ()
    assert news(seen_at(0.0, room_c=floor_c + 0.4), told=cold.told).reasons == ("room above its floor again",)


def test_the_tank_has_its_own_lever_and_its_own_floor() -> None:
    profile = a_profile(hot_water=TANK)
    heating, tank = OFFSET, COMFORT
    seen = seen_at(0.0, profile=profile, settings={heating: 0.0, tank: 0.0}, hot_water_c=37.0)
    found = news(seen, newest(HotWaterMode.BOOST), profile=profile)
    assert found.reasons == ("tank cold", "hot_water moved at 0")
    assert found.told.levers.keys() == {Circuit.HOT_WATER}


def test_an_unverified_command_is_settled_in_the_ledger_by_what_was_seen() -> None:
    written = newest(Mode.MAX, CommandState.UNVERIFIED, at=at(7), lever=OFFSET, setting=3.0, sent_at=at(7))
    obeyed = settling_event("p-0001", written, seen_at(3.0), TIMING)
    assert obeyed is not None
    assert (obeyed.kind, obeyed.at) == (EventKind.APPLIED, at(7, 58))
    ignored = settling_event("p-0001", written, seen_at(0.0), TIMING)
    assert ignored is not None
    assert ignored.kind is EventKind.IGNORED
    may_land = written.model_copy(update={"at": at(7, 55)})
    assert settling_event("p-0001", may_land, seen_at(0.0), TIMING) is None, "the write may still land"
    assert settling_event("p-0001", newest(Mode.MAX), seen_at(3.0), TIMING) is None
    unsent = newest(Mode.MAX, CommandState.UNVERIFIED, at=at(7))
    assert settling_event("p-0001", unsent, seen_at(0.0), TIMING) is None, "what never left was not ignored"


def test_risky_pumps_go_first_and_within_both_those_not_looked_at_for_longest() -> None:
    looked = {"a": at(5), "b": at(6), "c": at(4), "d": at(3)}
    risky = {"a": False, "b": True, "c": True, "d": False, "new": True}
    assert reading_order(risky, looked, capacity=10) == ["new", "c", "b", "d", "a"]


def test_risky_pumps_never_take_more_than_half_of_a_pass_that_is_too_short() -> None:
    looked = {f"r{n}": at(1, n) for n in range(6)} | {f"q{n}": at(2, n) for n in range(6)}
    order = reading_order({p: p.startswith("r") for p in looked}, looked, capacity=4)
    assert order[:4] == ["r0", "r1", "q0", "q1"]
    assert sorted(order) == sorted(looked)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (None, None),
        (a_record(unanswered=1), None),
        (a_record(disconnected=1), None),
        (a_record(drifted_at=at(-15)), None),
        (a_record(room_c=19.3), None),
        (a_record(), newest(at=at(7, 45))),
        (a_record(), newest(state=CommandState.SENT, expires_at=at(9))),
    ],
)
def test_a_pump_is_risky_for_one_reason(record: WatchRecord | None, expected: Expected | None) -> None:
    assert is_risky(a_profile(), (expected,) if expected else (), record, NOW)


def test_a_pump_that_obeyed_long_ago_in_a_warm_room_is_not_risky() -> None:
    assert not is_risky(a_profile(), (newest(),), a_record(room_c=21.0, drifted_at=at(-20)), NOW)


def test_drift_is_found_within_a_pass_or_within_what_the_grant_carries() -> None:
    assert drift_found_within(20, 1.0, 25) == PASS
    assert drift_found_within(1000, 1.1, 25) == timedelta(minutes=2 * 88), "risky ones may fill half"
    assert drift_found_within(1000, 1.1, None) > drift_found_within(1000, 1.1, 25)
    assert gap_between(1.0, 60) == timedelta(seconds=2), "half of the grant"
    assert timedelta(days=1) / gap_between(1.0, 200 / 1440) == pytest.approx(100), "200 calls a day are not 720"


def test_connections_are_asked_where_they_spare_calls_or_end_a_doubt() -> None:
    well = a_record()
    assert worth_asking_connections([well] * 8, 1)
    assert not worth_asking_connections([well] * 3, 1)
    assert worth_asking_connections([well] * 3, 4)
    assert worth_asking_connections([well, a_record(disconnected=1)], 1)
    assert worth_asking_connections([a_record(told=Reported(condition=Condition.UPDATING))], 1)


def test_where_two_levels_share_a_setting_the_one_that_was_commanded_is_seen() -> None:
    comfort = a_lever(HOT_WATER_COMFORT, 2.0)
    assert comfort.level_of(2.0) is HotWaterMode.NORMAL
    assert comfort.level_of(2.0, HotWaterMode.BOOST) is HotWaterMode.BOOST
    assert comfort.level_of(0.0, HotWaterMode.BOOST) is HotWaterMode.HOLD


def test_a_stamp_from_a_clock_ahead_of_ours_counts_as_now() -> None:
    seen = observed_from(a_profile(), a_reading(0.0, NOW + timedelta(minutes=9)), TIMING, NOW)
    assert (seen.as_of, seen.stamp) == (NOW, NOW + timedelta(minutes=9))


def test_the_household_s_own_setting_at_the_end_of_ours_is_told_as_expired_and_before_as_moved() -> None:
    spec = HEATING_OFFSET.model_copy(update={"stuck": None, "expires_after": timedelta(hours=1)})
    profile = a_profile(spec=spec)
    expired = news(seen_at(0.0, profile=profile), newest(Mode.MAX, written_at=at(6, 30)), profile=profile)
    assert expired.reasons == ("heating expired at 0",)
    assert not expired.has_drifted
    drifted = news(seen_at(0.0, profile=profile), newest(Mode.MAX, written_at=at(7, 30)), profile=profile)
    assert drifted.reasons == ("heating moved at 0",)
    assert drifted.has_drifted
