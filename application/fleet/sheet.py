"""The enrolment sheet: a CSV file with one unit a row, written by discovery, filled in by people, read back here.

Protects: every cell that is wrong is named with its line, its column and the way out; a file with one wrong cell is
never taken for a shorter file.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from domain.homes.enrolment import BuildingClass, Enrolment
from domain.homes.settlement import Benefit, Settlement
from domain.homes.site import Emitter
from workflows.contracts import first_problem

OWN_SETTING = "own_setting"
"""The household's own heating setting, where whoever steered before may have moved it."""
REQUIRED = (
    "pump_id",
    "oem",
    "account_id",
    "vendor_ref",
    "price_area",
    "grid_area",
    "weather_cell",
    "building_class",
    "heated_area_m2",
    "emitter",
    "rated_heat_kw",
)
PANELS = {
    "panels_kwp": "kwp",
    "panels_tilt_deg": "tilt_deg",
    "panels_azimuth_deg": "azimuth_deg",
    "feed_in_eur_per_mwh": "feed_in_eur_per_mwh",
    "house_kw": "house_kw",
}
"""Columns of a home's solar panels, and what they are called there."""
OPTIONAL = ("tariff", "settlement", "benefit", "design_outdoor_c", "room_min_c", "room_max_c", *PANELS, OWN_SETTING)
INFORMATION = ("online",)
"""Written by discovery for people, and not read."""
COLUMNS = (*REQUIRED[:4], *INFORMATION, *REQUIRED[4:], *OPTIONAL)
NUMBERS = ("heated_area_m2", "rated_heat_kw", "design_outdoor_c", "room_min_c", "room_max_c", *PANELS, OWN_SETTING)
BANDS = ("room_min_c", "room_max_c")
MOST_ROWS = 100_000
_WAYS_OUT = {
    "building_class": f"give one of {', '.join(BuildingClass)}",
    "emitter": f"give one of {', '.join(Emitter)}",
    "settlement": f"give one of {', '.join(Settlement)}, or leave it empty",
    "benefit": f"give one of {', '.join(Benefit)}, or leave it empty",
    "pump_id": "give 2 to 41 letters a-z, digits and dashes, and no name or address",
    "weather_cell": 'give latitude and longitude, such as "52.5,13.4"',
}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong in a sheet."""

    line: int
    """As an editor counts, from 1; 1 is the header."""
    column: str
    problem: str
    """With the way out."""

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.problem}"


@dataclass(frozen=True)
class Row:
    """One unit to be enrolled."""

    line: int
    enrolment: Enrolment
    own_setting: float | None = None


@dataclass(frozen=True)
class Sheet:
    """What a file holds: rows that can be read, and what is wrong with the others."""

    rows: Sequence[Row]
    faults: Sequence[Fault]


Check = Callable[[Enrolment], Mapping[str, str]]
"""What is wrong with a row by the world it is for, by column; empty where nothing is."""


def read_sheet(text: str, check: Check = lambda _: {}) -> Sheet:
    """Read a sheet separated by commas, semicolons or tabs (numbers with a decimal comma in the latter two)."""
    lines = text.removeprefix("\ufeff")
    head = lines.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(lines), delimiter=delimiter, strict=True)
    faults: list[Fault] = []
    rows: list[Row] = []
    try:
        names = [name.strip() for name in next(reader, [])]
        faults.extend(_header(names))
        if faults:
            return Sheet((), tuple(faults))
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            row = _row(reader.line_num, names, cells, check, decimal_comma=delimiter != ",")
            if isinstance(row, Row):
                rows.append(row)
            else:
                faults.extend(row)
            if len(rows) > MOST_ROWS:
                faults.append(Fault(reader.line_num, "-", f"a sheet holds at most {MOST_ROWS} rows: divide it"))
                break
    except csv.Error as error:
        faults.append(Fault(reader.line_num, "-", f"this is no CSV ({error}): save the file as CSV anew"))
    rows, doubled = _without_doubles(rows)
    return Sheet(tuple(rows), tuple(sorted([*faults, *doubled], key=lambda fault: fault.line)))


def write_sheet(units: Sequence[Mapping[str, str]]) -> str:
    """A sheet with these cells; what is not given is left for people to fill in."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(units)
    return out.getvalue()


def _header(names: Sequence[str]) -> list[Fault]:
    faults = [Fault(1, name, "this column is missing: add it") for name in REQUIRED if name not in names]
    unknown = [name for name in names if name not in COLUMNS]
    faults += [Fault(1, name or "-", f"no such column: there are {', '.join(COLUMNS)}") for name in unknown]
    return faults + [Fault(1, name, "given twice: leave one") for name in sorted(set(names)) if names.count(name) > 1]


def _row(
    line: int, names: Sequence[str], cells: Sequence[str], check: Check, *, decimal_comma: bool
) -> Row | list[Fault]:
    if len(cells) != len(names):
        return [Fault(line, "-", f"{len(cells)} cells for {len(names)} columns: a cell with a separator needs quotes")]
    given = {name: cell.strip() for name, cell in zip(names, cells, strict=True) if name not in INFORMATION}
    empty = [Fault(line, name, "is empty: fill it in") for name in REQUIRED if not given.get(name)]
    if empty:
        return empty
    given = {name: cell for name, cell in given.items() if cell}
    numbers: dict[str, float] = {}
    faults = []
    for name in NUMBERS:
        if name in given:
            cell = given.pop(name)
            try:
                numbers[name] = float(cell.replace(",", ".") if decimal_comma else cell)
            except ValueError:
                faults.append(Fault(line, name, f"{cell!r} is no number: give one such as 9.5"))
    if faults:
        return faults
    band = {name: numbers.pop(name) for name in BANDS if name in numbers}
    panels = {name: numbers.pop(column) for column, name in PANELS.items() if column in numbers}
    own_setting = numbers.pop(OWN_SETTING, None)
    groups = {"band": band, "panels": panels}
    try:
        enrolment = Enrolment.model_validate({**given, **numbers, **{name: of for name, of in groups.items() if of}})
    except ValidationError as error:
        shown = numbers | band | {_column_of(name): value for name, value in panels.items()}
        return _faults_of(line, error, given | {name: f"{value:g}" for name, value in shown.items()})
    problems = dict(check(enrolment))
    if not _is_cell(enrolment.weather_cell):
        problems.setdefault("weather_cell", f"{enrolment.weather_cell!r}: {_WAYS_OUT['weather_cell']}")
    return [Fault(line, column, problem) for column, problem in problems.items()] or Row(line, enrolment, own_setting)


def _faults_of(line: int, error: ValidationError, given: Mapping[str, str]) -> list[Fault]:
    faults = []
    for one in error.errors(include_url=False, include_context=False):
        place = [_column_of(str(part)) for part in one["loc"]]
        column = next((name for name in reversed(place) if name in COLUMNS), "room_min_c" if "band" in place else "-")
        what = f"{given[column]!r}: " if column in given else ""
        said = one["msg"].removeprefix("Value error, ")
        faults.append(Fault(line, column, what + _WAYS_OUT.get(column, said[:1].lower() + said[1:])))
    return faults or [Fault(line, "-", first_problem(error))]


def _column_of(field: str) -> str:
    return next((column for column, name in PANELS.items() if name == field), field)


def _is_cell(text: str) -> bool:
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        return False
    return -90 <= latitude <= 90 and -180 <= longitude <= 180


def _without_doubles(rows: Sequence[Row]) -> tuple[list[Row], list[Fault]]:
    """The rows whose pump and unit were not named before, and a fault for each other."""
    pumps: dict[str, int] = {}
    units: dict[tuple[str, str], int] = {}
    kept, faults = [], []
    for row in rows:
        e = row.enrolment
        pump_line = pumps.setdefault(e.pump_id, row.line)
        unit_line = units.setdefault((e.oem, e.vendor_ref), row.line)
        if pump_line != row.line:
            faults.append(Fault(row.line, "pump_id", f"{e.pump_id} stands in line {pump_line} too: give each its own"))
        elif unit_line != row.line:
            faults.append(Fault(row.line, "vendor_ref", f"this unit stands in line {unit_line} too: leave one of them"))
        else:
            kept.append(row)
    return kept, faults
