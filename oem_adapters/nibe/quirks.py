"""What is peculiar to this cloud: which parameter means what on each family of units, and the numbers it does not tell.

Protects: a parameter is taken for what the vendor calls it first (smart-home category, then name) and for what its
number meant on known models last; a value no sensor could give is no value.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from oem_adapters.nibe.models import Point

HEADERS = {
    # Parameter names come in the asked language, and some points are found by name.
    "Accept-Language": "en-GB",
}

WRITE_CONTENT_TYPE = "application/json-patch+json"
"""What this cloud's clients send, although the body is a plain object and no JSON Patch."""

ITEMS_PER_PAGE = 99
MOST_PAGES = 500
"""A guard against a cloud that never reports an end; far beyond any fleet under one account."""

CLOCK_AHEAD = timedelta(minutes=15)
"""A stamp this far in the future comes from a wrong clock and would make a pump look fresh for ever."""

MEMORY_LIFE = timedelta(hours=24)
"""How long ids and ranges are remembered; an installer or a firmware update changes them rarely."""

DEVICE_LIFE = timedelta(minutes=10)
"""How long a connection and a firmware state are believed: about two rounds of looking at a fleet."""

AWAY_ASKED_EVERY = timedelta(hours=2)
"""People leave for days, and the switch costs a call of its own."""
AWAY_BELIEVED = timedelta(hours=4)
"""How long an away switch is remembered while it cannot be asked."""

OFFSET_RANGE = (-10.0, 10.0)
"""Range of the heating offset on all known models, for a point that does not tell its own."""

ZONE_RANGE_C = (15.0, 28.0)
"""Room setpoints for a zone that does not tell its range; narrower than any pump's own."""
ZONE_STEP_C = 0.5
"""Zones tell no step; half a kelvin is what room units offer."""
ZONE_FINEST_C = 0.1
"""What a zone reports is not finer, so that no household's setting is."""

HOT_WATER_RANGE = (0.0, 2.0)
"""Economy to luxury, in the order of the vendor's numbers."""
HOT_WATER_STEP = 1.0
HOT_WATER_SMART = 4.0
"""A household's choice and no comfort step: never a mode of ours, and written to give it back."""


class Family(StrEnum):
    """Generations of control, with different parameter ids."""

    F = "F"
    S = "S"
    UNKNOWN = "unknown"


class Quantity(StrEnum):
    """What is looked for."""

    HEATING_OFFSET = "heating_offset"
    ROOM_C = "room_c"
    OUTDOOR_C = "outdoor_c"
    SUPPLY_C = "supply_c"
    POWER_W = "power_w"
    COMPRESSOR_HZ = "compressor_hz"
    HOT_WATER_COMFORT = "hot_water_comfort"
    HOT_WATER_C = "hot_water_c"
    TARGET_C = "target_c"
    PRIORITY = "priority"
    DEFROST_S = "defrost_s"
    OPERATING_MODE = "operating_mode"
    ALLOW_HEATING = "allow_heating"
    HOLIDAY = "holiday"
    COMPRESSOR_MODE = "compressor_mode"
    TOTAL_KWH = "total_kwh"


@dataclass(frozen=True)
class Signs:
    """How a quantity is told from others, and the values it can have."""

    category: str | None
    names: frozenset[str]
    ids: dict[Family, tuple[str, ...]]
    lowest: float
    highest: float


def _switch(highest: float, *names: str, f_series: str) -> Signs:
    """A choice that a person or another controller makes at the unit."""
    return Signs(category=None, names=frozenset(names), ids={Family.F: (f_series,)}, lowest=0.0, highest=highest)


SIGNS: dict[Quantity, Signs] = {
    Quantity.HEATING_OFFSET: Signs(
        category="sh-indoorSpOffsHeat",
        names=frozenset({"heating offset climate system 1", "heating, offset climate system 1"}),
        ids={Family.F: ("47011",)},
        lowest=-10.0,
        highest=10.0,
    ),
    Quantity.ROOM_C: Signs(
        category="sh-indoorTemp",
        names=frozenset({"room temperature (bt50)"}),
        ids={Family.F: ("40033",)},
        lowest=-10.0,
        highest=50.0,
    ),
    Quantity.OUTDOOR_C: Signs(
        category="sh-outdoorTemp",
        names=frozenset({"current outd temp (bt1)", "outdoor temperature (bt1)", "current outdoor temperature (bt1)"}),
        ids={Family.F: ("40004",), Family.S: ("4",)},
        lowest=-60.0,
        highest=60.0,
    ),
    Quantity.SUPPLY_C: Signs(
        category="sh-supplyTemp",
        # BT25 sits in the common supply of a control module without a compressor of its own.
        names=frozenset({"supply line (bt2)", "external supply line (bt25)", "ext. supply line (bt25)"}),
        ids={Family.F: ("40008", "40071"), Family.S: ("8",)},
        lowest=-30.0,
        highest=100.0,
    ),
    Quantity.POWER_W: Signs(
        category=None,
        names=frozenset({"instantaneous used power"}),
        ids={Family.S: ("22130",)},
        lowest=0.0,
        highest=60_000.0,
    ),
    Quantity.COMPRESSOR_HZ: Signs(
        category=None,
        names=frozenset({"current compressor frequency"}),
        ids={Family.F: ("41778",), Family.S: ("5927",)},
        lowest=0.0,
        highest=200.0,
    ),
    Quantity.HOT_WATER_COMFORT: _switch(4.0, "hot water comfort", "hot water comfort mode", f_series="47041"),
    Quantity.HOT_WATER_C: Signs(
        category=None,
        names=frozenset({"hot water top (bt7)"}),
        ids={Family.F: ("40013",), Family.S: ("11", "32628")},
        lowest=0.0,
        highest=100.0,
    ),
    Quantity.TARGET_C: Signs(
        category=None,
        names=frozenset({"calculated supply climate system 1"}),
        ids={Family.F: ("43009",), Family.S: ("1708",)},
        lowest=0.0,
        highest=100.0,
    ),
    Quantity.PRIORITY: Signs(
        category=None,
        names=frozenset(),  # other parts of a unit have priorities too
        ids={Family.F: ("49994",), Family.S: ("14950", "55000")},
        lowest=0.0,
        highest=100.0,
    ),
    Quantity.COMPRESSOR_MODE: Signs(
        category=None,
        names=frozenset({"operating mode compressor"}),
        ids={Family.S: ("1965",)},
        lowest=0.0,
        highest=1000.0,
    ),
    Quantity.TOTAL_KWH: Signs(
        category=None,
        names=frozenset({"total consumption"}),
        ids={Family.S: ("28393",)},
        lowest=0.0,
        highest=10_000_000.0,
    ),
    Quantity.DEFROST_S: _switch(100_000.0, "defrosting time", f_series="43066"),
    Quantity.OPERATING_MODE: _switch(10.0, "operating mode", "operational mode", f_series="47137"),
    Quantity.ALLOW_HEATING: _switch(1.0, "allow heating", f_series="47371"),
    Quantity.HOLIDAY: _switch(10.0, "holiday - activated", "holiday activated", f_series="48043"),
}

ROOM_SETPOINT_IDS = frozenset(str(number) for number in range(47751, 47759))
"""Of the climate systems of an S-series, one each. They are read, for they have a stamp and their zone has none; never
written: the cloud confirms such a write and the pump never applies it."""
ROOM_SETPOINT_CATEGORY = "sh-indoorSpHeat"
ROOM_SETPOINT_RANGE_C = (5.0, 35.0)
"""What people can choose at the unit, for a point that does not tell its range; wider than what the cloud takes."""

_FAMILY_IN_NAME = re.compile(r"(?<![A-Za-z0-9])([FS])\s?\d{2,4}(?!\d)")


def family_of(product: str) -> Family:
    """The family by a product name such as "F730 CU 3x400V", "S1255-12" or "SMO S40"."""
    found = _FAMILY_IN_NAME.search(product)
    return Family(found.group(1)) if found else Family.UNKNOWN


def family_seen(points: Sequence[Point]) -> Family:
    """The family by the category of a unit's points, which carries the product's name."""
    return next(
        (family for point in points if (family := family_of(point.category)) is not Family.UNKNOWN), Family.UNKNOWN
    )


_DERIVED = re.compile(r".*\b(calculated|average|mean|condenser|set ?point|min|max)\b.*")
"""Names of points that share a sensor's smart-home category and are no measurement of what it marks: a supply that is
aimed at, a mean of the day, another place in the circuit."""


def find(points: Sequence[Point], quantity: Quantity) -> Point | None:
    """The point that carries a quantity, or None.

    A category marks several points, among them some that are calculated: so a known id that the point's category or
    name confirms goes first, and where the unit has it no other stands in for it, be its sensor absent. Then those of
    the category, those of the name and those of the id alone. The same id may come twice: the first with a plausible
    value counts, or else the first.
    """
    signs = SIGNS[quantity]
    known_ids = {known for ids in signs.ids.values() for known in ids}
    by_category = [
        p
        for p in points
        if signs.category is not None and signs.category in p.smart_home and not _DERIVED.fullmatch(plain(p.name))
    ]
    by_name = [p for p in points if plain(p.name) in signs.names]
    by_id = [p for p in points if p.parameter_id in known_ids]
    confirmed = [p for p in by_id if p in by_category or p in by_name]
    for candidates in (confirmed, by_category, by_name, by_id):
        if candidates:
            return next((p for p in candidates if is_plausible(p, signs)), candidates[0])
    return None


def value_of(points: Sequence[Point], quantity: Quantity) -> float | None:
    """The quantity's value; None where it is absent or cannot be true."""
    point = find(points, quantity)
    return point.value if point is not None and is_plausible(point, SIGNS[quantity]) else None


def is_plausible(point: Point, signs: Signs) -> bool:
    """Whether a point has a value that its quantity can have."""
    return point.value is not None and signs.lowest <= point.value <= signs.highest


def plain(name: str) -> str:
    """A name without case, odd spaces and the soft hyphens that this cloud puts into long words."""
    return " ".join(name.replace("\u00ad", "").casefold().split())
