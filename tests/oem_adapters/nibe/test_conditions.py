"""How NIBE units say that they stand against being steered, and what they are busy with."""

import json
from typing import Any

import pytest

from domain.oem.readings import Busy, Condition
from oem_adapters.nibe.conditions import busy_of, condition_of
from oem_adapters.nibe.models import POINTS, Point
from oem_adapters.nibe.quirks import Family, family_seen
from tests.oem_adapters.nibe.bodies import a_point, f_series_points, s_series_points

STRONGEST_FIRST = [
    (Condition.INSTALLER, a_point("47137", 2)),
    (Condition.OFF, a_point("47371", 0)),
    (Condition.AWAY, a_point("48043", 1)),
    (Condition.EXTERNAL, a_point("43161", 1)),
]


def points(*bodies: dict[str, Any]) -> list[Point]:
    return POINTS.validate_json(json.dumps(bodies))


def condition(*bodies: dict[str, Any], updating: bool = False, away: bool = False) -> Condition:
    return condition_of(points(*bodies), updating, away)


def named(name: str, value: Any) -> dict[str, Any]:
    return a_point("77", value, parameterName=name)


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        (a_point("47137", 0), Condition.NORMAL),
        (a_point("47137", 1), Condition.INSTALLER),
        (a_point("47137", 2), Condition.INSTALLER),
        (a_point("47137", -32768), Condition.NORMAL),
        (named("Operating mode", 1), Condition.INSTALLER),
        (named("Operational mode", 0), Condition.NORMAL),
        (a_point("47371", 0), Condition.OFF),
        (a_point("47371", 1), Condition.NORMAL),
        (named("Allow heating", 0), Condition.OFF),
        (a_point("48043", 1), Condition.AWAY),
        (a_point("48043", 10), Condition.AWAY),
        (a_point("48043", 0), Condition.NORMAL),
        (named("Holiday - activated", 1), Condition.AWAY),
        (a_point("43161", 1), Condition.EXTERNAL),
        (a_point("43161", 0), Condition.NORMAL),
        (named("Smart price adaption active", 1), Condition.EXTERNAL),
        (named("Smart Price Adaption: activated", 1), Condition.EXTERNAL),
        (named("Smart price adaption active", 0), Condition.NORMAL),
        (named("Operating mode, Smart Price Adaption", 30), Condition.EXTERNAL),
        (named("Operating mode, Smart Price Adaption", 10), Condition.NORMAL),
        (named("Smart price adaption, price area", 1), Condition.NORMAL),
        (a_point("4789", 1), Condition.EXTERNAL),
        (a_point("4789", 0), Condition.NORMAL),
        (named("Activated (Smart Price Adaption)", 1), Condition.EXTERNAL),
        (a_point("3292", 30), Condition.EXTERNAL),
        (a_point("3292", 10), Condition.NORMAL),
        (a_point("44908", 30), Condition.EXTERNAL),
        (a_point("44908", 10), Condition.NORMAL),
        (a_point("44896", -4.5), Condition.EXTERNAL),
        (a_point("44896", 0), Condition.NORMAL),
        (a_point("44896", -3276.8), Condition.NORMAL),
        (a_point("3260", 20), Condition.EXTERNAL),
        (a_point("3260", 10), Condition.NORMAL),
        (named("Operating mode SG Ready", 40), Condition.EXTERNAL),
        (a_point("10614", 0), Condition.NORMAL),
        (a_point("1021", 40), Condition.EXTERNAL),
        (a_point("1021", 10), Condition.NORMAL),
        (named("External adjustment activated via input S1", 1), Condition.EXTERNAL),
    ],
)
def test_a_point_says_how_the_unit_stands(point: dict[str, Any], expected: Condition) -> None:
    assert condition(point) is expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (0, Condition.EXTERNAL),
        (1, Condition.NORMAL),
        (2, Condition.EXTERNAL),
        (3, Condition.EXTERNAL),
        (-32768, Condition.NORMAL),
    ],
)
def test_a_grid_signal_through_the_cloud_counts_once_it_is_switched_on(state: float, expected: Condition) -> None:
    assert condition(a_point("10613", 1), a_point("10614", state)) is expected
    assert condition(a_point("10613", 0), a_point("10614", state)) is Condition.NORMAL


def test_any_of_several_controllers_is_seen_beside_others_at_rest() -> None:
    at_rest = [a_point("4789", 0), a_point("43161", 0), a_point("3292", 10), a_point("3260", 10)]
    assert condition(*at_rest) is Condition.NORMAL
    assert condition(*at_rest, a_point("44908", 30)) is Condition.EXTERNAL


def test_a_unit_that_tells_nothing_of_it_is_normal() -> None:
    assert condition() is Condition.NORMAL
    assert condition(*f_series_points()) is Condition.NORMAL
    assert condition(*s_series_points()) is Condition.NORMAL


def test_of_several_conditions_the_strongest_counts() -> None:
    bodies = [body for _, body in STRONGEST_FIRST]
    assert condition(*bodies, updating=True, away=True) is Condition.UPDATING
    for place, (expected, _) in enumerate(STRONGEST_FIRST):
        assert condition(*bodies[place:]) is expected
    strengths = list(Condition)
    ranks = [strengths.index(expected) for expected, _ in STRONGEST_FIRST]
    assert ranks == sorted(ranks)


def test_a_home_that_is_away_outranks_a_contact_and_not_a_person_at_the_unit() -> None:
    assert condition(a_point("43161", 1), away=True) is Condition.AWAY
    assert condition(a_point("47371", 0), away=True) is Condition.OFF


@pytest.mark.parametrize(
    ("bodies", "busy"),
    [
        ([a_point("49994", 20)], Busy.HOT_WATER),
        ([a_point("14950", 3)], Busy.HOT_WATER),
        ([a_point("49994", 30)], None),
        ([a_point("14950", 1)], None),
        ([a_point("49994", 30), a_point("43066", 45)], Busy.DEFROST),
        ([a_point("49994", 30), a_point("43066", 0)], None),
        ([a_point("49994", 20), a_point("43066", 45)], Busy.HOT_WATER),
        ([a_point("49994", 10), a_point("43066", 45)], None),
        ([a_point("43066", 45)], None),
        ([], None),
    ],
)
def test_what_the_compressor_does_that_is_not_heating(bodies: list[dict[str, Any]], busy: Busy | None) -> None:
    assert busy_of(points(*bodies)) is busy


def test_the_family_is_seen_by_the_points_themselves() -> None:
    assert family_seen(points(*f_series_points())) is Family.F
    assert family_seen(points(*s_series_points())) is Family.S
    assert family_seen([]) is Family.UNKNOWN
