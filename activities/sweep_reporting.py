"""What a sweep does with what it saw: stores it, signals what is news, settles and promotes commands in the ledger.

Protects: a reading is kept before it is judged, and signalled before it is remembered as signalled, so that a lost
worker repeats news and never swallows it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from activities.attempt import VendorStatus
from domain.commands.command import CommandEvent, EventKind
from domain.commands.evidence import AppliedCommand, Effect, judge_effect
from domain.homes.enrolment import PumpProfile
from domain.oem.errors import OemError, Offline
from domain.oem.ports import OemAdapter
from domain.oem.readings import Reading
from domain.oem.timing import VendorTiming
from domain.ports import CommandLog, ObservationDelivery, ObservationLog, PumpDirectory, WatchLog
from domain.savings.vendor_energy import EnergyLog
from domain.steering.pump_state import Observed
from domain.steering.sweep_policy import (
    Expected,
    WatchRecord,
    has_fallen_silent,
    news_of,
    observed_from,
    settling_event,
    silence,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SweepPorts:
    """What a sweep needs of the world."""

    pumps: PumpDirectory
    observations: ObservationLog
    watching: WatchLog
    vendors: VendorStatus
    commands: CommandLog
    adapters: Mapping[str, OemAdapter]
    deliver: ObservationDelivery
    energy: EnergyLog
    home_tz_of: Callable[[str], str]
    """The time zone of the homes in a price area."""


@dataclass(frozen=True)
class SweepRead:
    """What one read of a pump gave; neither reading nor silence where it said nothing."""

    profile: PumpProfile
    reading: Reading | None = None
    is_silent: bool = False

    @classmethod
    def of(cls, profile: PumpProfile, told: Reading | OemError | None) -> "SweepRead":
        """What an answer about several pumps says of one; None where it does not mention it."""
        return cls(profile, told if isinstance(told, Reading) else None, is_silent=isinstance(told, Offline))

    @property
    def pump_id(self) -> str:
        return self.profile.enrolment.pump_id


class Judge:
    """Judges reads, and remembers what every pump's workflow was last signalled."""

    def __init__(self, ports: SweepPorts, timing: VendorTiming, now: Callable[[], datetime]) -> None:
        self._ports = ports
        self._timing = timing
        self._now = now
        self.records: dict[str, WatchRecord] = {}
        self.looks = 0
        self.told = 0

    async def remember(self, pump_ids: Sequence[str]) -> None:
        """Take up what earlier sweeps kept in mind of these pumps."""
        self.records = await self._ports.watching.records(pump_ids)

    async def judge(self, looks: Sequence[SweepRead], disconnected: Mapping[str, bool]) -> None:
        """Store, signal and remember what was seen. Newest commands are read anew: they moved on during the pass."""
        if not looks:
            return
        now = self._now()
        read = [(look.pump_id, look.reading) for look in looks if look.reading is not None]
        await self._ports.observations.store(read, now)
        expected = await self._ports.watching.expected([look.pump_id for look in looks])
        records = [
            await self._judge_one(look, expected.get(look.pump_id, ()), disconnected.get(look.pump_id), now)
            for look in looks
        ]
        await self._ports.watching.keep(records)
        self.records |= {record.pump_id: record for record in records}
        self.looks += len(looks)

    async def _judge_one(
        self, look: SweepRead, expected: Sequence[Expected], is_disconnected: bool | None, now: datetime
    ) -> WatchRecord:
        had = self.records.get(look.pump_id)
        record = _looked_at(look, had, is_disconnected, now)
        if look.reading is not None:
            seen = observed_from(look.profile, look.reading, self._timing, now)
        elif look.is_silent or has_fallen_silent(record, self._timing, now):
            seen = silence(now)
        else:
            return record
        update: dict[str, object] = {"is_silent": seen.silent}
        if not seen.silent:
            update |= {"as_of": seen.as_of, "room_c": seen.room_c}
            await self._settle(look.pump_id, expected, seen)
        news = news_of(look.profile, expected, had, seen, now)
        if news.has_drifted:
            update["drifted_at"] = now
        if not news.reasons or await self._tell(look.pump_id, seen, news.reasons):
            update["told"] = news.told
        return record.model_copy(update=update)

    async def _settle(self, pump_id: str, expected: Sequence[Expected], seen: Observed) -> None:
        found = [settling_event(pump_id, newest, seen, self._timing) for newest in expected]
        if events := [event for event in found if event is not None]:
            await self._ports.commands.record(events)

    async def _tell(self, pump_id: str, seen: Observed, reasons: Sequence[str]) -> bool:
        """Whether its workflow has it now; where not, it is signalled after the next read."""
        try:
            is_steered = await self._ports.deliver(pump_id, seen)
        except Exception as error:  # noqa: BLE001 -- whatever it was, the other pumps' news must not wait for it
            log.warning("observation not delivered", pump=pump_id, reason=f"{type(error).__name__}: {error}")
            return False
        self.told += is_steered
        log.info("observation told", pump=pump_id, reasons=list(reasons), steered=is_steered)
        return is_steered

    async def promote(self, pump_ids: Sequence[str]) -> None:
        """Write down which applied commands were seen to have had an effect; nobody needs a signal for it."""
        now = self._now()
        newest = await self._ports.watching.expected(pump_ids)
        applied = [one for i, many in newest.items() for e in many if (one := e.applied(i, now)) is not None]
        if not applied:
            return
        since = min(command.looks_back_to for command in applied)
        readings = await self._ports.watching.readings(sorted({c.pump_id for c in applied}), since)
        found = [_effective(command, readings.get(command.pump_id, []), now) for command in applied]
        if events := [event for event in found if event is not None]:
            await self._ports.commands.record(events)


def _looked_at(look: SweepRead, had: WatchRecord | None, is_disconnected: bool | None, now: datetime) -> WatchRecord:
    record = had or WatchRecord(pump_id=look.pump_id, looked_at=now)
    update: dict[str, object] = {"looked_at": now, "unanswered": 0, "unanswered_since": None}
    if is_disconnected is not None:
        update["disconnected"] = record.disconnected + 1 if is_disconnected else 0
    if look.reading is None and not look.is_silent:
        update |= {"unanswered": record.unanswered + 1, "unanswered_since": record.unanswered_since or now}
    return record.model_copy(update=update)


def _effective(command: AppliedCommand, readings: Sequence[Reading], now: datetime) -> CommandEvent | None:
    evidence = judge_effect(command, readings, now)
    if evidence.verdict is not Effect.EFFECTIVE:
        return None
    return CommandEvent(
        command_id=command.command_id,
        pump_id=command.pump_id,
        at=now,
        kind=EventKind.EFFECTIVE,
        lever=command.lever,
        setting=command.setting,
        reason=evidence.sentence,
    )
