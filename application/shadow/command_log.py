"""Reads the command log of the system that steers: a CSV file of time, pump, mode and HTTP status.

Protects: a line that cannot be read is named, and a log is taken whole or not at all.
"""

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from application.fleet.sheet import Fault
from domain.modes import Mode
from domain.shadow.audit import OtherCommand

REQUIRED = ("time", "pump", "mode", "http_status")
COLUMNS = (*REQUIRED, "setting")


@dataclass(frozen=True)
class CommandLog:
    """What a log holds."""

    commands: Sequence[OtherCommand]
    faults: Sequence[Fault]


def read_log(text: str, pumps: Collection[str]) -> CommandLog:
    """Read a log separated by commas or semicolons; `pumps`: the enrolled ones, others are faults."""
    lines = text.removeprefix("\ufeff")
    delimiter = max(",;", key=lines.partition("\n")[0].count)
    reader = csv.DictReader(io.StringIO(lines), delimiter=delimiter, strict=True)
    names = [name.strip() for name in reader.fieldnames or ()]
    missing = [Fault(1, name, "this column is missing: add it") for name in REQUIRED if name not in names]
    if missing:
        return CommandLog((), missing)
    commands: list[OtherCommand] = []
    faults: list[Fault] = []
    try:
        for row in reader:
            given = {(name or "-").strip(): (cell or "").strip() for name, cell in row.items() if isinstance(cell, str)}
            read = _command(reader.line_num, given, pumps)
            if isinstance(read, Fault):
                faults.append(read)
            else:
                commands.append(read)
    except csv.Error as error:
        faults.append(Fault(reader.line_num, "-", f"this is no CSV ({error}): save the file as CSV anew"))
    return CommandLog(commands, faults)


def _command(line: int, given: dict[str, str], pumps: Collection[str]) -> OtherCommand | Fault:
    pump, mode, status = given.get("pump", ""), given.get("mode", "").upper(), given.get("http_status", "")
    try:
        at = datetime.fromisoformat(given.get("time", ""))
    except ValueError:
        return Fault(line, "time", f"{given.get('time')!r} is no time: give one such as 2026-01-15T06:40:00+01:00")
    if at.tzinfo is None:
        return Fault(line, "time", "its offset is missing: give it as in 2026-01-15T06:40:00+01:00")
    if pump not in pumps:
        return Fault(line, "pump", f"{pump!r} is not enrolled: take the line out, or enrol it first")
    if mode not in Mode:
        return Fault(line, "mode", f"{mode!r} is no mode: give one of {', '.join(Mode)}")
    if not (status.isascii() and status.isdigit() and 100 <= int(status) <= 599):
        return Fault(line, "http_status", f"{status!r} is no HTTP status: give a number such as 200")
    setting = given.get("setting", "").replace(",", ".")
    try:
        wrote = float(setting) if setting else None
    except ValueError:
        return Fault(line, "setting", f"{setting!r} is no number: leave it empty where modes mean the same as here")
    return OtherCommand(pump_id=pump, at=at, mode=Mode(mode), status=int(status), setting=wrote)
