"""How a NIBE unit stands towards being steered, and what it is busy with, by its points.

Protects: a unit whose heat is moved by somebody else is never taken for a unit at rest; a point that a unit does not
have says nothing against its being steered.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.oem.readings import Busy, Condition
from oem_adapters.nibe.models import Point
from oem_adapters.nibe.quirks import Quantity, plain, value_of


@dataclass(frozen=True)
class OtherController:
    """Points by which a unit says that something else than its own control on the household's settings moves it."""

    ids: frozenset[str]
    name: re.Pattern[str]
    """Of the point in English, without case."""
    at_rest: frozenset[float] | None = None
    """Values at which it moves nothing; any other number counts as moving."""
    moving: frozenset[float] = frozenset()
    """Values at which it moves the unit, where `at_rest` is None: other numbers are not known."""
    enabled_by: str | None = None
    """The id of a switch that must be shown as on, or the point's own value means nothing."""

    def is_shown_by(self, point: Point) -> bool:
        """Whether a point is one of these."""
        return point.parameter_id in self.ids or self.name.fullmatch(plain(point.name)) is not None

    def moves(self, value: float) -> bool:
        """Whether a value says that it moves the unit."""
        return value in self.moving if self.at_rest is None else value not in self.at_rest


OTHER_CONTROLLERS = (
    # A contact at the unit, such as a utility's lock or somebody's own price control.
    OtherController(
        ids=frozenset({"43161"}),
        name=re.compile(r"extern(al|\.)? adjustment( activated.*|,? climate system 1)?"),
        moving=frozenset({1.0}),
    ),
    # The vendor's own price optimiser: a switch (4789: 0, 1), or the mode of the function, whose numbers are tens
    # (3292 on the S-series and 44908 on the F-series: 10 off, 30 on).
    OtherController(
        ids=frozenset({"4789", "3292", "44908"}),
        name=re.compile(
            r"(activated\W+)?smart price adapt(at)?ion\W*((active|activated|on|status)\W*)?"
            r"|operating mode,? smart price adapt(at)?ion"
        ),
        moving=frozenset({1.0, 30.0}),
    ),
    # What that optimiser adds to the heating offset on the F-series.
    OtherController(
        ids=frozenset({"44896"}),
        name=re.compile(r"heating offset,? (\()?smart price adapt(at)?ion\W*"),
        at_rest=frozenset({0.0}),
    ),
    # Signals of the grid by the SG-Ready standard; 10 is the state without one, the others are not documented.
    OtherController(
        ids=frozenset({"3260"}),
        name=re.compile(r"operating mode,? sg.ready"),
        at_rest=frozenset({0.0, 10.0}),
    ),
    # The same asked for through the cloud (0 cut off, 1 standard, 2 encouraged, 3 ordered), once that is switched on.
    OtherController(
        ids=frozenset({"10614"}),
        name=re.compile(r"req\. op\. mode,? sg.ready"),
        at_rest=frozenset({1.0}),
        enabled_by="10613",
    ),
    # Surplus of solar panels raises heating and hot water.
    OtherController(ids=frozenset({"1021"}), name=re.compile(r"operating mode,? pv panels"), moving=frozenset({40.0})),
)

_HOLIDAY_ON = frozenset({1.0, 10.0})
"""Two firmware generations number the same switch differently."""
_HEATING_FIRST = frozenset({30.0, 1.0})
_HOT_WATER_FIRST = frozenset({20.0, 25.0, 3.0})
"""Priorities of the F-series and of a system (20, from outside 25), and of one S-series unit (3); none of these numbers
means something else to another."""
_DEFROSTING = frozenset({120.0, 140.0, 160.0})
"""Of the S-series' compressor: 20 off, 40 starting, 60 on, 100 stopping."""


def points_of_others(points: Sequence[Point]) -> list[Point]:
    """Every point by which another controller may show, and the switches that these depend on."""
    switches = {other.enabled_by for other in OTHER_CONTROLLERS}
    return [
        point
        for point in points
        if point.parameter_id in switches or any(other.is_shown_by(point) for other in OTHER_CONTROLLERS)
    ]


def is_moved_by_others(points: Sequence[Point]) -> bool:
    """Whether any of a unit's points says that something else moves its heat."""
    return any(
        point.value is not None and other.moves(point.value) and _is_enabled(other, points)
        for other in OTHER_CONTROLLERS
        for point in points
        if other.is_shown_by(point)
    )


def _is_enabled(other: OtherController, points: Sequence[Point]) -> bool:
    switch = other.enabled_by
    return switch is None or any(point.parameter_id == switch and point.value == 1.0 for point in points)


def condition_of(points: Sequence[Point], updating: bool, away: bool) -> Condition:
    """How the unit stands towards being steered, the strongest reason first; what is not reported counts as normal."""

    def reported(quantity: Quantity) -> float | None:
        return value_of(points, quantity)

    if updating:
        return Condition.UPDATING
    if reported(Quantity.OPERATING_MODE) not in (None, 0.0):
        return Condition.INSTALLER
    if reported(Quantity.ALLOW_HEATING) == 0.0:
        return Condition.OFF
    if away or reported(Quantity.HOLIDAY) in _HOLIDAY_ON:
        return Condition.AWAY
    return Condition.EXTERNAL if is_moved_by_others(points) else Condition.NORMAL


def busy_of(points: Sequence[Point]) -> Busy | None:
    """What the compressor does that is not heating rooms.

    A unit defrosts on the priority of what it interrupts: the S-series says so by its compressor's mode, the F-series
    by a time that runs.
    """
    if value_of(points, Quantity.COMPRESSOR_MODE) in _DEFROSTING:
        return Busy.DEFROST
    priority, defrost_s = value_of(points, Quantity.PRIORITY), value_of(points, Quantity.DEFROST_S)
    if priority in _HOT_WATER_FIRST:
        return Busy.HOT_WATER
    if priority in _HEATING_FIRST and defrost_s is not None and defrost_s > 0:
        return Busy.DEFROST
    return None
