"""Activities that touch one pump: write and verify a command, look at a fleet, keep what was decided.

Protects: the intent is committed before the write; the lock is held from the check to the answer; HTTP 200 is only
`accepted`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NoReturn, Protocol

import structlog
from temporalio import activity

from activities.steered import not_yet, steered_now
from domain.base import Value
from domain.breaker import BreakerState, left_alone_until
from domain.clock import SteeringClock
from domain.commands import Authority, Command, CommandEvent, CommandOutcome, CommandState, EventKind
from domain.enrolment import PumpProfile
from domain.oem import (
    AuthExpired,
    Malformed,
    NotExecutable,
    OemError,
    Offline,
    PumpAddress,
    RateLimited,
    Reading,
    Rejected,
    Unavailable,
)
from domain.ports import AccountAsks, BreakerView, CommandLog, ObservationLog, OemAdapter, PumpDirectory
from domain.pump import Rebase
from domain.verification import (
    Answer,
    End,
    Look,
    Progress,
    Step,
    Verdict,
    Wait,
    Write,
    after_looking,
    before_looking,
    out_of_time,
)

log = structlog.get_logger(__name__)

ATTEMPT_SHARE = 0.9
"""An attempt may use so much of its start-to-close time."""
FIRST_BACKOFF = timedelta(seconds=15)
LONGEST_BACKOFF = timedelta(minutes=2)
OFFLINE_LOOK = timedelta(minutes=5)
"""Distance of looks at a pump that its cloud calls disconnected."""
NOT_NOW_LOOK = timedelta(minutes=10)
"""A unit or an account that refuses for a while (lock, installer state, credentials) is asked again after this."""


SEEN_JUST_NOW = timedelta(minutes=15)
"""A pump that the sweep looked at within this is not read once more for the planner."""
MOST_SILENCES = 3
"""After so many calls in a row without an answer the vendor is down, and not asked again by this reader."""


class ApplyCommand(Value):
    """Bring a command about."""

    clock: SteeringClock
    command: Command
    outbox: tuple[CommandEvent, ...] = ()


class RecordEvents(Value):
    """Keep what a pump's workflow decided without any other activity."""

    events: tuple[CommandEvent, ...]


class RetirePump(Value):
    """The pump is steered no more."""

    pump_id: str
    at: datetime


class RebasePump(Value):
    """A person gave a lever a new baseline."""

    pump_id: str
    rebase: Rebase


class ObserveFleet(Value):
    """Read every steered pump of one vendor once."""

    clock: SteeringClock
    oem: str


def address_of(profile: PumpProfile) -> PumpAddress:
    """How to reach an enrolled pump."""
    e = profile.enrolment
    return PumpAddress(
        pump_id=e.pump_id,
        oem=e.oem,
        account_id=e.account_id,
        vendor_system_id=e.vendor_system_id,
        vendor_device_id=e.vendor_device_id,
    )


class VendorDesk(AccountAsks, BreakerView, Protocol):
    """What an attempt asks about a vendor."""


class PumpActivities:
    """Write, verify, observe, record."""

    def __init__(
        self,
        commands: CommandLog,
        pumps: PumpDirectory,
        observations: ObservationLog,
        adapters: Mapping[str, OemAdapter],
        vendors: VendorDesk | None = None,
    ) -> None:
        """`vendors`: where breakers are known and a person is asked for new credentials; None asks nobody."""
        self._commands = commands
        self._pumps = pumps
        self._observations = observations
        self._adapters = adapters
        self._vendors = vendors

    @activity.defn
    async def apply_command(self, given: ApplyCommand) -> CommandOutcome:
        """Write the command's setting and see it obeyed; every attempt makes one step and says when to come back."""
        profile = await self._pumps.profile(given.command.pump_id)
        adapter = self._adapters[profile.enrolment.oem]
        await self._commands.begin(given.command, given.outbox)
        attempt = _Attempt(given, profile, adapter, self._commands, self._observations, self._vendors)
        limit = activity.info().start_to_close_timeout
        try:
            async with asyncio.timeout(limit.total_seconds() * ATTEMPT_SHARE if limit else None):
                return await attempt.run()
        except TimeoutError as error:
            # Ended by us before the server gives the attempt to somebody else: two of them never write side by side.
            raise not_yet("the attempt took too long", FIRST_BACKOFF, given.clock) from error

    @activity.defn
    async def record_events(self, given: RecordEvents) -> None:
        """Append events to the ledger."""
        await self._commands.record(given.events)

    @activity.defn
    async def retire_pump(self, given: RetirePump) -> None:
        """Mark the pump as steered no more."""
        await self._pumps.mark_retired(given.pump_id, given.at)

    @activity.defn
    async def rebase_pump(self, given: RebasePump) -> None:
        """Keep a person's setting as the baseline of a lever."""
        await self._pumps.rebase(given.pump_id, given.rebase.circuit, given.rebase.setting, given.rebase.at)

    @activity.defn
    async def observe_fleet(self, given: ObserveFleet) -> int:
        """Read the pumps of a vendor that nobody looked at just now; resumes where a lost attempt was.

        Returns how many were read. A pump that cannot be read is passed over: the planner then knows that it knows
        nothing of it. A vendor that does not answer is left alone.
        """
        now = steered_now(given.clock)
        adapter = self._adapters[given.oem]
        details = activity.info().heartbeat_details
        done_until = str(details[0]) if details else ""
        seen = int(details[1]) if details else 0
        silences = 0
        breaker = await self._vendors.newest_breaker(given.oem, now()) if self._vendors is not None else None
        if breaker is not None and breaker.state in (BreakerState.OPEN, BreakerState.HELD):
            log.info("pumps not read", oem=given.oem, reason=breaker.reason)
            return seen
        due = [
            profile
            for profile in await self._pumps.active()
            if profile.enrolment.oem == given.oem and profile.enrolment.pump_id > done_until
        ]
        newest = await self._observations.newest([profile.enrolment.pump_id for profile in due])
        for profile in due:
            pump_id = profile.enrolment.pump_id
            if pump_id in newest and now() - newest[pump_id].as_of < SEEN_JUST_NOW:
                continue
            try:
                reading = await adapter.observe(address_of(profile), profile.heating.lever, now())
            except RateLimited as error:
                activity.heartbeat(done_until, seen)
                raise not_yet(str(error), max(error.retry_at - now(), timedelta(seconds=1)), given.clock) from error
            except OemError as error:
                if isinstance(error, AuthExpired):
                    await _ask(self._vendors, profile.enrolment.account_id, error, now())
                log.info("pump not read", pump=pump_id, reason=str(error))
                silences = silences + 1 if isinstance(error, Unavailable) else 0
                if silences == MOST_SILENCES:
                    break
            else:
                await self._observations.store([(pump_id, reading)], now())
                seen, silences = seen + 1, 0
            done_until = pump_id
            activity.heartbeat(done_until, seen)
        return seen


class _Attempt:
    """One attempt at a command."""

    def __init__(
        self,
        given: ApplyCommand,
        profile: PumpProfile,
        adapter: OemAdapter,
        commands: CommandLog,
        observations: ObservationLog,
        vendors: VendorDesk | None,
    ) -> None:
        self._vendors = vendors
        self._command = given.command
        self._clock = given.clock
        self._address = address_of(profile)
        self._setup = profile.rebased(given.command.circuit, given.command.baseline).setup(given.command.circuit)
        self._lever = self._setup.lever
        self._setting = self._setup.setting_for(given.command.mode)
        self._urgent = given.command.authority is not Authority.PLAN
        self._adapter = adapter
        self._commands = commands
        self._observations = observations
        self._now: Callable[[], datetime] = steered_now(given.clock)
        self._seen: float | None = None
        self._foreign: float | None = None
        self._is_read_only = False
        self._log = log.bind(pump=given.command.pump_id, command=given.command.command_id)

    async def run(self) -> CommandOutcome:
        progress = await self._commands.progress(self._command, self._lever)
        step = before_looking(self._command, self._setting, progress, self._adapter.timing, self._now())
        if isinstance(step, Look | Write):
            await self._leave_alone()
        if isinstance(step, Look):
            step = await self._look(progress)
        match step:
            case End():
                return await self._end(step)
            case Wait(delay=delay, reason=reason):
                raise not_yet(reason, self._in_time(delay), self._clock)
            case Write():
                return await self._write(progress)
            case Look():
                raise AssertionError("a look follows a look")

    async def _leave_alone(self) -> None:
        """Come back later where the vendor is held, or was found down a moment ago: the queue's rate follows slowly."""
        now = self._now()
        known = await self._vendors.newest_breaker(self._address.oem, now) if self._vendors is not None else None
        if (until := left_alone_until(known, now)) is not None:
            assert known is not None
            raise not_yet(f"{self._address.oem} is left alone: {known.reason}", self._in_time(until - now), self._clock)

    async def _look(self, progress: Progress) -> Step:
        try:
            reading = await self._adapter.read(self._address, self._lever, self._now(), urgent=self._urgent)
        except Rejected as error:
            state = CommandState.UNVERIFIED if progress.open_write else CommandState.REJECTED
            return End(state=state, reason=str(error))
        except OemError as error:
            await self._come_back_after(error)
        await self._observations.store([(self._command.pump_id, reading)], self._now())
        verdict, step = after_looking(
            self._command, self._setting, progress, reading, self._adapter.timing, self._now()
        )
        if verdict is not Verdict.UNKNOWN:
            self._seen = reading.setting
        if verdict is Verdict.NOT_OBEYED and self._setup.level_of(reading.setting) is None:
            # Neither wished nor any setting of ours: somebody turned the knob meanwhile, and is not overruled.
            self._foreign = reading.setting
            return End(state=CommandState.SUPERSEDED, reason=f"somebody set it to {reading.setting:g} meanwhile")
        written = progress.open_write
        if verdict is Verdict.NOT_OBEYED and written is not None and written.answer is Answer.ACCEPTED:
            await self._record(EventKind.WRITE_IGNORED, written.write_no, _saw(reading))
        return step

    async def _write(self, progress: Progress) -> CommandOutcome:
        write_no = len(progress.writes) + 1
        async with self._commands.fence(self._command, self._lever) as newest:
            if not newest:
                return await self._end(End(state=CommandState.SUPERSEDED, reason="a newer command took the lever"))
            again = await self._commands.progress(self._command, self._lever)
            if len(again.writes) != len(progress.writes) or again.ended is not None or again.before != progress.before:
                raise not_yet("somebody else moved on with it", timedelta(seconds=1), self._clock)
            if self._now() >= self._command.expires_at:
                return await self._end(out_of_time(progress))
            await self._record(EventKind.SENT, write_no)
            try:
                await self._adapter.write(self._address, self._lever, self._setting, self._now(), urgent=self._urgent)
            except OemError as error:
                taken = isinstance(error, Malformed) or (isinstance(error, Unavailable) and error.maybe_taken)
                kind = EventKind.WRITE_LOST if taken else EventKind.WRITE_REFUSED
                await self._record(kind, write_no, f"{type(error).__name__}: {error}")
                if isinstance(error, Rejected):
                    self._is_read_only = error.is_read_only
                    return await self._end(End(state=CommandState.REJECTED, reason=str(error)))
                await self._come_back_after(error)
            await self._record(EventKind.ACCEPTED, write_no)
        raise not_yet("accepted, not seen yet", self._adapter.timing.usual_delay, self._clock)

    async def _end(self, end: End) -> CommandOutcome:
        now = self._now()
        await self._commands.record([self._event(EventKind(end.state.value), 0, end.reason, now)])
        self._log.info("command ended", state=end.state.value, reason=end.reason)
        return CommandOutcome(
            command_id=self._command.command_id,
            state=end.state,
            at=now,
            reason=end.reason,
            seen_mode=self._setup.level_of(self._seen, self._command.mode),
            foreign_setting=self._foreign,
            is_read_only=self._is_read_only,
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
        """One policy per error: when to try again, always inside the command's own time."""
        match error:
            case RateLimited(retry_at=retry_at):
                delay = max(retry_at - self._now(), timedelta(seconds=1))
            case Offline():
                delay = OFFLINE_LOOK
            case NotExecutable():
                delay = NOT_NOW_LOOK
            case AuthExpired():
                await _ask(self._vendors, self._address.account_id, error, self._now())
                delay = NOT_NOW_LOOK
            case _:
                delay = min(FIRST_BACKOFF * 2 ** min(activity.info().attempt - 1, 8), LONGEST_BACKOFF)
        raise not_yet(f"{type(error).__name__}: {error}", self._in_time(delay), self._clock) from error

    def _in_time(self, delay: timedelta) -> timedelta:
        """Come back by the expiry at the latest, so that the command itself says how it ended."""
        remaining = self._command.expires_at - self._now()
        return min(delay, remaining + timedelta(seconds=1)) if remaining > timedelta() else delay


async def _ask(accounts: AccountAsks | None, account_id: str, error: AuthExpired, at: datetime) -> None:
    if accounts is not None:
        await accounts.ask(account_id, str(error), at)


def _saw(reading: Reading) -> str:
    return f"saw {reading.setting} as of {reading.as_of:%F %T} UTC"


def activities_of(pumps: PumpActivities) -> tuple[Sequence[Callable[..., object]], Sequence[Callable[..., object]]]:
    """The activities for the vendor queues, and those for the pumps' own queue."""
    return (pumps.apply_command, pumps.observe_fleet), (pumps.record_events, pumps.rebase_pump, pumps.retire_pump)
