"""One attempt at a command: a step towards seeing it obeyed, and when to come back.

Protects: the intent is committed before the write; the lock is held from the check to the answer; HTTP 200 is only
`accepted`. Knows neither server nor clock, so that simulated years try this very code.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn, Protocol

import structlog

from domain.base import own_share
from domain.commands import verification
from domain.commands.command import Authority, Command, CommandEvent, CommandOutcome, CommandState, EventKind
from domain.commands.verification import (
    Answer,
    End,
    Look,
    Progress,
    Step,
    Verdict,
    Wait,
    Write,
)
from domain.oem.breaker import left_alone_until
from domain.oem.errors import (
    AuthExpired,
    Malformed,
    NotExecutable,
    OemError,
    Offline,
    RateLimited,
    Rejected,
    Unavailable,
)
from domain.oem.ports import LeverAccess, LeverReverter
from domain.oem.readings import Reading
from domain.oem.units import PumpAddress
from domain.ports import AccountAsks, BreakerView, CommandLog, ObservationLog

log = structlog.get_logger(__name__)

FIRST_BACKOFF = timedelta(seconds=15)
LONGEST_BACKOFF = timedelta(minutes=2)
SPREAD = 0.3
"""So much longer at most is each pause, by command and attempt: what failed together does not come back together."""
OFFLINE_LOOK = timedelta(minutes=5)
"""Interval between reads of a pump that its cloud calls disconnected."""
NOT_NOW_LOOK = timedelta(minutes=10)
"""A unit or an account that refuses for a while (lock, installer state, credentials) is asked again after this."""


class RetryLater(Exception):
    """The command has not ended; try again after `delay` of steered time."""

    def __init__(self, reason: str, delay: timedelta) -> None:
        """`reason` is what operators read."""
        super().__init__(reason)
        self.delay = delay


class VendorStatus(AccountAsks, BreakerView, Protocol):
    """What attempts and sweeps ask about a vendor."""


@dataclass(frozen=True)
class Dependencies:
    """What an attempt meets."""

    adapter: LeverAccess
    commands: CommandLog
    observations: ObservationLog
    vendors: VendorStatus | None
    """Where breakers are known and a person is asked for new credentials; None asks nobody."""
    now: Callable[[], datetime]
    """Steered time."""


class CommandAttempt:
    """One attempt at a command."""

    def __init__(self, command: Command, address: PumpAddress, around: Dependencies, number: int) -> None:
        """`number` counts from 1 and lengthens the pause after faults."""
        self._command = command
        self._address = address
        self._adapter = around.adapter
        self._commands = around.commands
        self._observations = around.observations
        self._vendors = around.vendors
        self._now = around.now
        self._number = number
        self._lever = command.lever
        self._setting = command.setting
        self._urgent = command.authority is not Authority.PLAN
        self._seen: float | None = None
        self._foreign: float | None = None
        self._foreign_ends_at: datetime | None = None
        self._stamp: datetime | None = None
        self._written_at: datetime | None = None
        self._is_read_only = False
        self._found_cool = False
        self._log = log.bind(pump=command.pump_id, command=command.command_id)

    async def run(self) -> CommandOutcome:
        """Make one step; raises `RetryLater` where the command has not ended with it."""
        progress = await self._commands.progress(self._command)
        self._written_at = progress.written_at
        step = verification.before_looking(self._command, progress, self._adapter.timing, self._now())
        if isinstance(step, Look | Write):
            await self._leave_alone()
        if isinstance(step, Look):
            step = await self._look(progress)
        match step:
            case End():
                return await self._end(step)
            case Wait(delay=delay, reason=reason):
                raise RetryLater(reason, self._in_time(delay))
            case Write():
                return await self._write(progress)
            case Look():
                raise AssertionError("a read follows a read")

    async def _leave_alone(self) -> None:
        """Come back later where the vendor is held, or was found down a moment ago: the queue's rate follows slowly."""
        now = self._now()
        known = await self._vendors.newest_breaker(self._address.oem, now) if self._vendors is not None else None
        if (until := left_alone_until(known, now)) is not None:
            assert known is not None
            raise RetryLater(f"{self._address.oem} is left alone: {known.reason}", self._in_time(until - now))

    async def _look(self, progress: Progress) -> Step:
        try:
            reading = await self._adapter.read(self._address, self._lever, self._now(), urgent=self._urgent)
        except Rejected as error:
            state = CommandState.UNVERIFIED if progress.open_write else CommandState.REJECTED
            return End(state=state, reason=str(error))
        except OemError as error:
            await self._come_back_after(error)
        now = self._now()
        self._stamp = reading.as_of
        await self._observations.store([(self._command.pump_id, reading)], now)
        verdict, step = verification.after_looking(self._command, progress, reading, self._adapter.timing, now)
        if verdict is not Verdict.UNKNOWN:
            self._seen = reading.setting
        is_settled = verdict is Verdict.NOT_OBEYED or (
            isinstance(step, Write) and reading.as_of >= self._command.decided_at
        )
        if is_settled and self._is_foreign(reading, progress):
            # Neither the target nor any setting of ours: somebody changed it meanwhile, and is not overruled. Theirs
            # becomes the baseline once nothing of ours can land on top of it any more, and be taken for theirs.
            if (until := progress.may_land_until(self._adapter.timing, now)) > now:
                raise RetryLater(
                    "somebody moved the lever, and a write of ours may still land", self._in_time(until - now)
                )
            self._foreign = reading.setting
            self._foreign_ends_at = reading.ends.get(self._lever)
            return End(state=CommandState.SUPERSEDED, reason=f"somebody set it to {reading.setting:g} meanwhile")
        written = progress.open_write
        if verdict is Verdict.NOT_OBEYED and written is not None and written.answer is Answer.ACCEPTED:
            await self._record(EventKind.WRITE_IGNORED, written.write_no, _saw(reading))
        if isinstance(step, Write) and self._is_too_cool(reading):
            self._found_cool = True
            return End(
                state=CommandState.SUPERSEDED, reason=f"{reading.room_c:g} C is too cool for a set-back to begin"
            )
        return step

    def _is_too_cool(self, reading: Reading) -> bool:
        least_c = self._command.begins_from_c
        return least_c is not None and reading.room_c is not None and reading.room_c < least_c

    def _is_foreign(self, reading: Reading, progress: Progress) -> bool:
        """Whether a setting stands for no level, and nothing that we wrote before can have landed as it.

        Of older writes only the newest can stand, and such as may have outlived it, or the person whose setting is the
        baseline: somebody may well choose what we wrote days ago.
        """
        timing, newest, since = self._adapter.timing, progress.before, self._command.baseline_at
        setting, stamp = reading.setting, self._command.baseline_stamp
        if stamp is not None and reading.as_of <= stamp:
            return False  # a picture from before their setting shows what that replaced
        standing = [w for w in progress.others if newest and w.in_flight_until(timing) >= newest.at]
        standing += [newest] if newest else []
        standing = [w for w in standing if since is None or w.in_flight_until(timing) >= since]
        ours = {*self._command.own_settings, *(w.setting for w in (*standing, *progress.writes))}
        return setting is not None and setting not in ours

    async def _write(self, progress: Progress) -> CommandOutcome:
        write_no = len(progress.writes) + 1
        async with self._commands.fence(self._command) as record:
            if record is None:
                return await self._end(End(state=CommandState.SUPERSEDED, reason="a newer command took the lever"))
            again = await self._commands.progress(self._command)
            if _has_moved(progress, again):
                raise RetryLater("somebody else moved on with it", timedelta(seconds=1))
            if _is_late(self._command, self._now()):
                return await self._end(verification.out_of_time(progress))
            await record([self._event(EventKind.SENT, write_no, "", self._now())])
            try:
                await self._send()
            except OemError as error:
                taken = isinstance(error, Malformed) or (isinstance(error, Unavailable) and error.maybe_taken)
                kind = EventKind.WRITE_LOST if taken else EventKind.WRITE_REFUSED
                await self._record(kind, write_no, f"{type(error).__name__}: {error}")
                if isinstance(error, Rejected):
                    self._is_read_only = error.is_read_only
                    return await self._end(End(state=CommandState.REJECTED, reason=str(error)))
                await self._come_back_after(error)
            await self._record(EventKind.ACCEPTED, write_no)
        raise RetryLater("accepted, not seen yet", self._adapter.timing.usual_delay)

    async def _send(self) -> None:
        """The one call that changes the unit."""
        adapter = self._adapter
        send = adapter.revert if self._command.is_revert and isinstance(adapter, LeverReverter) else adapter.write
        await send(self._address, self._lever, self._setting, self._now(), urgent=self._urgent)

    async def _end(self, end: End) -> CommandOutcome:
        now = self._now()
        await self._commands.record([self._event(EventKind(end.state.value), 0, end.reason, now)])
        self._log.info("command ended", state=end.state.value, reason=end.reason)
        return CommandOutcome(
            command_id=self._command.command_id,
            state=end.state,
            at=now,
            reason=end.reason,
            seen_setting=self._seen,
            foreign_setting=self._foreign,
            foreign_ends_at=self._foreign_ends_at,
            is_read_only=self._is_read_only,
            is_too_cool=self._found_cool,
            stamp=self._stamp,
            written_at=self._written_at,
        )

    async def _record(self, kind: EventKind, write_no: int, reason: str = "") -> None:
        await self._commands.record([self._event(kind, write_no, reason, self._now())])
        self._log.info(kind.value, write_no=write_no, setting=self._setting, reason=reason)

    def _event(self, kind: EventKind, write_no: int, reason: str, at: datetime) -> CommandEvent:
        return CommandEvent(
            command_id=self._command.command_id,
            pump_id=self._command.pump_id,
            at=at,
            kind=kind,
            write_no=write_no,
            lever=self._lever,
            setting=self._setting,
            reason=reason[:400],
        )

    async def _come_back_after(self, error: OemError) -> NoReturn:
        """One policy per error: when to try again, spread by pump and always inside the command's own time."""
        share = own_share(f"{self._command.command_id}/{self._number}")
        match error:
            case RateLimited(retry_at=retry_at):
                delay = max(retry_at - self._now(), timedelta(seconds=1)) + share * FIRST_BACKOFF
            case Offline():
                delay = OFFLINE_LOOK * (1 + SPREAD * share)
            case NotExecutable():
                delay = NOT_NOW_LOOK * (1 + SPREAD * share)
            case AuthExpired():
                await ask(self._vendors, self._address.account_id, error, self._now())
                delay = NOT_NOW_LOOK * (1 + SPREAD * share)
            case _:
                delay = min(FIRST_BACKOFF * 2 ** min(self._number - 1, 8), LONGEST_BACKOFF) * (1 + SPREAD * share)
                if isinstance(error, Unavailable) and error.retry_at is not None:
                    delay = max(delay, error.retry_at - self._now() + share * FIRST_BACKOFF)
        raise RetryLater(f"{type(error).__name__}: {error}", self._in_time(delay)) from error

    def _in_time(self, delay: timedelta) -> timedelta:
        """Come back by the expiry at the latest, so that the command itself says how it ended."""
        remaining = self._command.expires_at - self._now()
        return min(delay, remaining + timedelta(seconds=1)) if remaining > timedelta() else delay


async def close(command: Command, commands: CommandLog, now: datetime) -> CommandOutcome:
    """End a command whose attempts ran out of time in the queue, by what is written down of it; calls no vendor."""
    progress = await commands.progress(command)
    end = End(state=progress.ended) if progress.ended is not None else verification.out_of_time(progress)
    line = CommandEvent(
        command_id=command.command_id,
        pump_id=command.pump_id,
        at=now,
        kind=EventKind(end.state.value),
        reason=end.reason,
    )
    await commands.record([line])
    return CommandOutcome(command_id=command.command_id, state=end.state, at=now, reason=end.reason)


def _has_moved(known: Progress, again: Progress) -> bool:
    """Whether somebody else went on with the command since it was looked up."""
    return len(again.writes) != len(known.writes) or again.ended is not None or again.before != known.before


def _is_late(command: Command, now: datetime) -> bool:
    return now >= command.expires_at


async def ask(accounts: AccountAsks | None, account_id: str, error: AuthExpired, at: datetime) -> None:
    """Ask a person for new credentials, where somebody can be asked."""
    if accounts is not None:
        await accounts.ask(account_id, str(error), at)


def _saw(reading: Reading) -> str:
    return f"saw {reading.setting} as of {reading.as_of:%F %T} UTC"
