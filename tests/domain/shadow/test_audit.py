"""What readings tell of another system's commands, and what they do not tell."""

from datetime import timedelta

import pytest

from domain.modes import Mode
from domain.oem.readings import Reading
from domain.shadow.audit import Fate, OtherCommand, figures, judge
from tests.builders import a_lever, at

LEVER = a_lever()
IN_FLIGHT = timedelta(minutes=7)


def a_command(hour: float, mode: Mode = Mode.MAX, status: int = 200, setting: float | None = None) -> OtherCommand:
    return OtherCommand(pump_id="p-0001", at=at(hour), mode=mode, status=status, setting=setting)


def shows(hour: float, mode: Mode) -> Reading:
    return Reading(as_of=at(hour), lever=LEVER.name, setting=LEVER.setting_for(mode))


@pytest.mark.parametrize(
    ("readings", "fate"),
    [
        ([shows(0.9, Mode.LOW), shows(1.5, Mode.MAX)], Fate.APPLIED),
        ([shows(0.9, Mode.LOW), shows(1.05, Mode.LOW), shows(1.5, Mode.MAX)], Fate.APPLIED),
        ([shows(0.9, Mode.LOW), shows(1.5, Mode.LOW)], Fate.NEVER),
        ([shows(0.9, Mode.LOW), shows(1.05, Mode.LOW)], Fate.UNSEEN),
        ([shows(0.9, Mode.MAX), shows(1.5, Mode.MAX)], Fate.NO_CHANGE),
        ([shows(1.5, Mode.MAX)], Fate.APPLIED),
        ([], Fate.UNSEEN),
    ],
)
def test_a_reading_decides_and_where_none_tells_nothing_is_claimed(readings: list[Reading], fate: Fate) -> None:
    (judged,) = judge([a_command(1)], readings, LEVER, IN_FLIGHT)
    assert judged.fate is fate


def test_what_a_later_command_brought_is_not_credited_to_an_earlier_one() -> None:
    commands = [a_command(1), a_command(1.1, Mode.MIN), a_command(2, Mode.MAX)]
    readings = [shows(0.5, Mode.LOW), shows(1.5, Mode.MIN), shows(2.5, Mode.MAX)]
    fates = [one.fate for one in judge(commands, readings, LEVER, IN_FLIGHT)]
    assert fates == [Fate.UNSEEN, Fate.APPLIED, Fate.APPLIED]


def test_a_refused_command_is_counted_and_not_judged() -> None:
    commands = [a_command(1, status=503), a_command(2, status=429), a_command(3, status=429)]
    judged = judge(commands, [shows(4, Mode.LOW)], LEVER, IN_FLIGHT)
    found = figures("nibe", commands, judged)
    assert (judged, found.refused, found.never_applied_pct) == ([], {429: 2, 503: 1}, None)


def test_its_own_settings_go_before_our_modes() -> None:
    (judged,) = judge([a_command(1, setting=5.0)], [shows(0.5, Mode.LOW), shows(2, Mode.MAX)], LEVER, IN_FLIGHT)
    assert judged.fate is Fate.NEVER


def test_delays_are_summed_up_by_nearest_rank() -> None:
    commands = [a_command(1), a_command(3, Mode.LOW), a_command(5)]
    readings = [shows(0.5, Mode.LOW), shows(1.1, Mode.MAX), shows(3.5, Mode.LOW), shows(6, Mode.LOW)]
    found = figures("nibe", commands, judge(commands, readings, LEVER, IN_FLIGHT))
    assert (found.applied, found.never_applied, found.never_applied_pct) == (2, 1, 33.33)
    assert (found.delay_s_p50, found.delay_s_p95, found.late) == (360.0, 1800.0, 1)
