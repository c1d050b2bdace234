"""A fleet's course as pictures below each other: price, power, modes, rooms, and one pump in close-up."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from console.cli.reports import charts
from console.cli.reports.parts import keys
from console.cli.reports.words import MODE_WORDS
from domain.modes import Mode
from domain.savings.fleet_course import FleetCourse, PumpCourse
from domain.slots import SLOT

STACKED = (Mode.MIN, Mode.LOW, Mode.MID, Mode.MAX)
OWN_KEY = ("line own", "under own control")
HOURS_LABELLED = (1, 2, 3, 4, 6, 12, 24)
MOST_LABELS = 10


def fleet_pictures(course: FleetCourse, tz: ZoneInfo) -> str:
    """The whole fleet."""
    labels = _labels(course, tz)
    drawn = [_price(course, labels), _power(course, labels), _modes(course, labels), _rooms(course, labels)]
    return "".join(drawn)


def pump_pictures(course: FleetCourse, tz: ZoneInfo) -> str:
    """One pump of it; nothing where none was chosen."""
    if course.one is None:
        return ""
    return _close_up(course.one, _labels(course, tz))


def _labels(course: FleetCourse, tz: ZoneInfo) -> list[tuple[float, str]]:
    hours = course.slots * SLOT / timedelta(hours=1)
    every_h = next((h for h in HOURS_LABELLED if hours / h <= MOST_LABELS), HOURS_LABELLED[-1])
    starts = [(n, (course.start + n * SLOT).astimezone(tz)) for n in range(course.slots)]
    form = "%d %b" if every_h == 24 else "%H:%M"
    return [
        (n / course.slots, f"{at:{form}}")
        for n, at in starts
        if at.minute == 0 and at.hour % every_h == 0
    ]  # fmt: skip


def _price(course: FleetCourse, labels: Sequence[tuple[float, str]]) -> str:
    if not course.price_eur_per_mwh:
        return '<p class="note">No prices were known.</p>'
    axis = charts.axis_over(course.price_eur_per_mwh, 90)
    return charts.picture("Price", "EUR/MWh", axis, charts.steps(axis, course.price_eur_per_mwh, "price"), labels)


def _power(course: FleetCourse, labels: Sequence[tuple[float, str]]) -> str:
    limit = () if course.cap_kw is None else (course.cap_kw,) * course.slots
    axis = charts.axis_over([*course.load_kw, *course.own_load_kw, *limit], 130, from_zero=True)
    marks = charts.steps(axis, course.own_load_kw, "own") + charts.steps(axis, course.load_kw, "load")
    told = [("line load", "steered"), OWN_KEY]
    if limit:
        marks += charts.steps(axis, limit, "limit")
        told.append(("line limit", "planned limit"))
    return charts.picture("Power of all pumps", "kW", axis, marks, labels) + keys(*told)


def _modes(course: FleetCourse, labels: Sequence[tuple[float, str]]) -> str:
    pumps = [sum(slot) for slot in zip(*course.modes.values(), strict=True)]
    axis = charts.axis_over(pumps, 70, from_zero=True)
    layers = [(f"mode-{mode}", course.modes[mode]) for mode in STACKED if mode in course.modes]
    used = [mode for mode in STACKED if any(course.modes.get(mode, ()))]
    drawn = charts.picture("What was asked of them", "pumps", axis, charts.stacked(axis, layers), labels)
    return drawn + keys(*((f"mode-{mode}", MODE_WORDS[mode]) for mode in used))


def _rooms(course: FleetCourse, labels: Sequence[tuple[float, str]]) -> str:
    spread = [(low, high) for low, _, high in course.room_c]
    mean = [middle for _, middle, _ in course.room_c]
    axis = charts.axis_over([*(limit for both in spread for limit in both), *course.own_room_c], 110)
    marks = charts.bands(axis, spread, "spread")
    marks += charts.steps(axis, course.own_room_c, "own") + charts.steps(axis, mean, "room")
    told = (("spread", "coldest to warmest"), ("line room", "mean"), OWN_KEY)
    return charts.picture("Rooms", "°C", axis, marks, labels) + keys(*told)


def _close_up(one: PumpCourse, labels: Sequence[tuple[float, str]]) -> str:
    slots = len(one.modes)
    power = charts.axis_over([*one.kw, *one.own_kw], 90, from_zero=True)
    marks = charts.steps(power, one.own_kw, "own") + charts.steps(power, one.kw, "load")
    spans, first = [], 0
    for mode, run in groupby(one.modes):
        last = first + len(list(run))
        spans.append((first / slots, last / slots, f"mode-{mode}"))
        first = last
    marks += charts.strip(spans, charts.TOP - 10, 6)
    drawn = charts.picture("Its power", "kW; the strip above shows what was asked of it", power, marks, labels)
    limits = [limit for both in one.band_c for limit in both]
    rooms = charts.axis_over([*limits, *one.room_c, *one.own_room_c], 110)
    marks = charts.bands(rooms, one.band_c)
    marks += charts.steps(rooms, one.own_room_c, "own") + charts.steps(rooms, one.room_c, "room")
    drawn += charts.picture("Its room", "°C", rooms, marks, labels)
    return drawn + keys(("band", "what the household accepts"), ("line room", "steered"), OWN_KEY)
