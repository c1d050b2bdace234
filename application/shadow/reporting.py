"""Takes over the log of the system that steers, and reports what its commands came to.

Protects: the same log imported twice counts once; the report joins two independent records, their log and our readings.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from application.access import Access
from application.audit_log import Actor, audited
from application.shadow.command_log import CommandLog
from domain.shadow.audit import Judged, OtherCommand, ShadowFigures, figures, judge

BEFORE = timedelta(hours=6)
"""So much earlier than its first command a pump's readings are looked at, to know where its lever stood."""
PUMPS_AT_A_TIME = 50


@dataclass(frozen=True)
class Imported:
    """What an import brought."""

    lines: int
    new: int
    """Those that were not there already."""


async def import_log(access: Access, log: CommandLog, by: Actor) -> Imported:
    """Keep a log without faults."""

    async def do() -> Imported:
        return Imported(len(log.commands), await access.ledger.shadow.keep(log.commands))

    return await audited(access, "shadow-import", "log", by, {"lines": len(log.commands)}, do)


async def shadow_report(
    access: Access, in_flight: Callable[[str], timedelta], since: datetime | None = None
) -> list[ShadowFigures]:
    """What the other system's commands came to, by vendor; `in_flight` is each vendor's longest time in flight."""
    commands = await access.ledger.shadow.commands(since)
    by_pump: dict[str, list[OtherCommand]] = {}
    for command in commands:
        by_pump.setdefault(command.pump_id, []).append(command)
    by_vendor: dict[str, tuple[list[OtherCommand], list[Judged]]] = {}
    pump_ids = sorted(by_pump)
    for first in range(0, len(pump_ids), PUMPS_AT_A_TIME):
        await _judge_some(access, pump_ids[first : first + PUMPS_AT_A_TIME], by_pump, in_flight, by_vendor)
    return [figures(oem, *by_vendor[oem]) for oem in sorted(by_vendor)]


async def _judge_some(
    access: Access,
    pump_ids: Sequence[str],
    by_pump: dict[str, list[OtherCommand]],
    in_flight: Callable[[str], timedelta],
    by_vendor: dict[str, tuple[list[OtherCommand], list[Judged]]],
) -> None:
    since = min(command.at for pump_id in pump_ids for command in by_pump[pump_id]) - BEFORE
    readings = await access.ledger.sweep_records.readings(pump_ids, since)
    for pump_id in pump_ids:
        profile = await access.ledger.pumps.profile(pump_id)
        oem = profile.enrolment.oem
        all_of_vendor, judged = by_vendor.setdefault(oem, ([], []))
        all_of_vendor.extend(by_pump[pump_id])
        judged.extend(judge(by_pump[pump_id], readings.get(pump_id, ()), profile.heating, in_flight(oem)))
