"""Takes over meter readings and daily totals from a CSV file of time, pump and kWh.

Protects: a file is taken whole or not at all where a line cannot be read; what can be read and cannot be true is stored
as it is, for settlement flags and counts it, and nobody mends it silently.
"""

import csv
import io
import math
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from application.access import Access
from application.audit_log import Actor, audited
from application.fleet.sheet import Fault
from domain.savings.energy import CounterReading, Reported, Total

REQUIRED = ("time", "pump", "kwh")


@dataclass
class EnergyFile:
    """What a file holds, by pump."""

    counters: dict[str, list[CounterReading]] = field(default_factory=dict)
    totals: dict[str, list[Total]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """Lines that could be read."""
        return sum(len(rows) for found in (self.counters, self.totals) for rows in found.values())


@dataclass(frozen=True)
class Imported:
    """What an import came to."""

    lines: int
    new: int


def read_energy(text: str, pumps: Collection[str]) -> EnergyFile:
    """Read a file separated by commas or semicolons; `pumps`: the enrolled ones.

    A line is a lifetime counter's reading; with a `start` it is the total from there to its time.
    """
    lines = text.removeprefix("\ufeff")
    delimiter = max(",;", key=lines.partition("\n")[0].count)
    reader = csv.DictReader(io.StringIO(lines), delimiter=delimiter, strict=True)
    names = [name.strip() for name in reader.fieldnames or ()]
    found = EnergyFile(
        faults=[Fault(1, name, "this column is missing: add it") for name in REQUIRED if name not in names]
    )
    if found.faults:
        return found
    try:
        for row in reader:
            given = {(name or "-").strip(): (cell or "").strip() for name, cell in row.items() if isinstance(cell, str)}
            _take(found, reader.line_num, given, pumps)
    except csv.Error as error:
        found.faults.append(Fault(reader.line_num, "-", f"this is no CSV ({error}): save the file as CSV anew"))
    return found


async def import_energy(access: Access, file: EnergyFile, by: Actor) -> Imported:
    """Store what a file without faults holds; a line that is there already changes nothing."""

    async def store() -> Imported:
        new = 0
        for pump in sorted(file.counters.keys() | file.totals.keys()):
            reported = Reported(
                counters=tuple(file.counters.get(pump, ())),
                totals=tuple(file.totals.get(pump, ())),
            )
            new += await access.ledger.savings.store_reports(pump, reported, access.now())
        return Imported(file.lines, new)

    return await audited(access, "import-energy", "fleet", by, {"lines": file.lines}, store)


def _take(found: EnergyFile, line: int, given: dict[str, str], pumps: Collection[str]) -> None:
    pump = given.get("pump", "")
    if pump not in pumps:
        found.faults.append(Fault(line, "pump", f"{pump!r} is not enrolled: take the line out, or enrol it first"))
        return
    at, start = _moment(found.faults, line, "time", given), None
    if given.get("start"):
        start = _moment(found.faults, line, "start", given)
        if start is None:
            return
    kwh = _number(given.get("kwh", ""))
    if kwh is None:
        found.faults.append(Fault(line, "kwh", f"{given.get('kwh')!r} is no number"))
    if at is None or kwh is None:
        return
    if start is None:
        found.counters.setdefault(pump, []).append(CounterReading(at=at, kwh=kwh))
    elif start >= at:
        found.faults.append(Fault(line, "start", "it must lie before the time"))
    else:
        found.totals.setdefault(pump, []).append(Total(start=start, end=at, kwh=kwh))


def _moment(faults: list[Fault], line: int, name: str, given: dict[str, str]) -> datetime | None:
    try:
        moment = datetime.fromisoformat(given.get(name, ""))
    except ValueError:
        faults.append(Fault(line, name, f"{given.get(name)!r} is no time: give one such as 2026-01-15T06:45:00+01:00"))
        return None
    if moment.tzinfo is None:
        faults.append(Fault(line, name, "its offset is missing: give it as in 2026-01-15T06:45:00+01:00"))
        return None
    return moment


def _number(text: str) -> float | None:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if not math.isinf(number) else None
