"""Physical evidence: what a command must have done to count as effective, and what never counts."""

from datetime import timedelta
from typing import Any

import pytest

from domain.commands.evidence import AppliedCommand, Effect, judge_effect, shows_no_effect
from domain.modes import Circuit
from domain.oem.lever import LeverName
from domain.oem.readings import Busy, Condition, Reading
from tests.builders import COMFORT, OFFSET, at

SENT = at(6)
EVERY = timedelta(minutes=15)


def a_command(setting: float = 3.0, lever: LeverName = OFFSET) -> AppliedCommand:
    return AppliedCommand(
        command_id="p-0001-c00001",
        pump_id="p-0001",
        circuit=Circuit.HOT_WATER if lever == COMFORT else Circuit.HEATING,
        sent_at=SENT,
        applied_at=SENT + timedelta(minutes=4),
        lever=lever,
        setting=setting,
    )


def looks(setting: float, first: int, **values: list[float]) -> list[Reading]:
    """A look every quarter of an hour, the `first` counted from the write, with these values in turn."""
    count = len(next(iter(values.values())))
    lever = COMFORT if "hot_water_c" in values else OFFSET
    return [
        Reading(
            as_of=SENT + timedelta(minutes=5) + (first + n) * EVERY,
            lever=OFFSET,
            setting=0.0,
            settings={lever: setting},
            **{name: row[n] for name, row in values.items()},
        )
        for n in range(count)
    ]


def changed(readings: list[Reading], **update: Any) -> list[Reading]:
    return [reading.model_copy(update=update) for reading in readings]


STEADY = looks(0.0, -4, supply_c=[35.0, 34.8, 35.2, 35.0], compressor_hz=[60.0, 62.0, 61.0, 60.0])
RAISED = looks(3.0, 0, supply_c=[36.0, 38.0, 39.5, 40.1], compressor_hz=[70.0, 85.0, 95.0, 92.0])
"""The first of them is the verification's, too early to show anything."""
LATER = SENT + timedelta(minutes=55)


def verdict(*readings: Reading, setting: float = 3.0, now: Any = LATER) -> Effect:
    return judge_effect(a_command(setting), readings, now).verdict


def test_warmer_supply_and_a_faster_compressor_are_evidence_with_both_numbers() -> None:
    found = judge_effect(a_command(), [*RAISED, *STEADY], LATER)
    assert found.verdict is Effect.EFFECTIVE
    assert found.sentence == "supply 35.0 -> 39.2 C, compressor 61 -> 91 Hz"


def test_the_same_numbers_speak_against_a_set_back() -> None:
    assert verdict(*STEADY, *changed(RAISED, settings={OFFSET: -2.0}), setting=-2.0) is Effect.NOT_YET
    cooler = looks(-2.0, 1, supply_c=[32.0, 31.0, 30.8], compressor_hz=[40.0, 35.0, 33.0])
    assert verdict(*STEADY, *cooler, setting=-2.0) is Effect.EFFECTIVE


def test_a_lever_that_did_not_move_is_never_effective_whatever_the_house_does() -> None:
    assert verdict(*changed(STEADY, settings={OFFSET: 3.0}), *RAISED) is Effect.IMPOSSIBLE


def test_readings_before_the_lever_was_seen_to_have_moved_do_not_count() -> None:
    assert verdict(*STEADY, *changed(RAISED, settings={OFFSET: 0.0})) is Effect.NOT_YET


@pytest.mark.parametrize("what", [{"busy": Busy.DEFROST}, {"busy": Busy.HOT_WATER}, {"condition": Condition.EXTERNAL}])
def test_defrosts_hot_water_and_other_controllers_prove_nothing(what: dict[str, Any]) -> None:
    assert verdict(*STEADY, *changed(RAISED, **what)) is Effect.NOT_YET


def test_one_reading_is_no_mean() -> None:
    assert verdict(*STEADY, RAISED[-1]) is Effect.NOT_YET
    assert verdict(STEADY[-1], *RAISED) is Effect.NOT_YET


def test_supply_alone_is_not_enough_where_the_compressor_is_shown_not_to_have_followed() -> None:
    assert verdict(*STEADY, *changed(RAISED, compressor_hz=61.0)) is Effect.NOT_YET
    mute = [*changed(STEADY, compressor_hz=None), *changed(RAISED, compressor_hz=None)]
    assert verdict(*mute) is Effect.EFFECTIVE, "a vendor that shows supply only is believed on it"


def test_a_unit_that_cycles_by_itself_needs_more_than_one_lucky_pair() -> None:
    resting = looks(0.0, -4, supply_c=[30.0, 29.0, 28.5, 28.0], compressor_hz=[0.0, 0.0, 0.0, 0.0])
    ran = looks(3.0, 1, supply_c=[33.0, 34.0, 35.0], compressor_hz=[50.0, 55.0, 55.0])
    assert verdict(*resting, *ran) is Effect.NOT_YET
    kept_on = looks(3.0, 1, supply_c=[33.0, 34.0, 35.0, 35.5, 36.0], compressor_hz=[50.0, 55.0, 55.0, 56.0, 56.0])
    assert verdict(*resting, *kept_on, now=SENT + timedelta(minutes=85)) is Effect.EFFECTIVE
    back = looks(3.0, 1, supply_c=[33.0, 34.0, 29.0, 35.5, 36.0], compressor_hz=[50.0, 55.0, 0.0, 56.0, 56.0])
    assert verdict(*resting, *back, now=SENT + timedelta(minutes=85)) is Effect.NOT_YET


def test_weather_that_explains_the_change_must_be_outdone() -> None:
    before, after = changed(STEADY, outdoor_c=2.0), changed(RAISED, outdoor_c=-1.0)
    assert verdict(*before, *after) is Effect.NOT_YET, "4.2 K of supply, of which 3 K of frost explain 3"
    assert verdict(*before, *changed(RAISED, outdoor_c=3.0)) is Effect.EFFECTIVE


def test_what_comes_later_than_the_deadline_proves_nothing_any_more() -> None:
    late = looks(3.0, 7, supply_c=[38.0, 39.5, 40.1], compressor_hz=[85.0, 95.0, 92.0])
    assert verdict(*STEADY, *late, now=SENT + timedelta(hours=3)) is not Effect.EFFECTIVE


def test_a_house_out_of_the_heating_season_shows_no_effect() -> None:
    still = looks(0.0, -4, supply_c=[24.0, 24.1, 24.0, 24.1], compressor_hz=[0.0] * 4)
    after = looks(3.0, 1, supply_c=[24.1, 24.0, 24.1, 24.0, 24.0], compressor_hz=[0.0] * 5)
    assert verdict(*still, *after, now=SENT + timedelta(minutes=85)) is Effect.NOT_YET


def test_a_vendor_that_shows_no_physics_is_said_to_show_none() -> None:
    blind = changed([*STEADY, *RAISED], supply_c=None, compressor_hz=None)
    found = judge_effect(a_command(), blind, LATER)
    assert found.verdict is Effect.IMPOSSIBLE
    assert "shows neither" in found.sentence


def tank(*readings: Reading, setting: float = 2.0) -> Effect:
    return judge_effect(a_command(setting, COMFORT), readings, LATER).verdict


def test_a_boosted_tank_counts_only_beyond_what_its_usual_runs_reach() -> None:
    usual = looks(1.0, -6, hot_water_c=[47.8, 47.0, 45.0, 44.0, 43.8, 43.5])
    charged = changed(looks(2.0, 0, hot_water_c=[44.0, 47.0, 50.5]), busy=Busy.HOT_WATER)
    assert tank(*usual, *charged) is Effect.EFFECTIVE
    assert tank(*usual, *charged[:2]) is Effect.NOT_YET, "a usual run gets as far"
    assert tank(*usual, *changed(charged, busy=None)) is Effect.NOT_YET, "nobody was seen to charge it"


def test_a_held_tank_shows_nothing_in_time() -> None:
    usual = looks(1.0, -6, hot_water_c=[47.8, 47.0, 45.0, 44.0, 43.8, 43.5])
    assert tank(*usual, *looks(0.0, 0, hot_water_c=[43.0, 42.5, 42.0]), setting=0.0) is Effect.IMPOSSIBLE
    assert Circuit.HOT_WATER is a_command(0.0, COMFORT).circuit


def test_a_vendor_that_tells_neither_compressor_nor_power_nor_supply_shows_no_effect() -> None:
    blind = changed(STEADY, supply_c=None, compressor_hz=None, room_c=21.0)
    assert shows_no_effect(blind)
    assert not shows_no_effect([*blind, STEADY[0]])
    assert not shows_no_effect([]), "who was never read is not known to show nothing"
