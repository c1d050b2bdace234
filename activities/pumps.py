"""Activities that touch one pump: write and verify a command, read a fleet, keep what was decided.

Protects: an attempt is ended by us before the server gives it to somebody else; a lost look is gone on with.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog
from temporalio import activity

from activities.attempt import FIRST_BACKOFF, CommandAttempt, Dependencies, RetryLater, VendorStatus, ask, close
from activities.steered import not_yet, steered_now
from domain.base import Value
from domain.clock import SteeringClock
from domain.commands.command import Command, CommandEvent, CommandOutcome
from domain.homes.enrolment import PumpProfile
from domain.oem.breaker import BreakerState
from domain.oem.errors import AuthExpired, OemError, RateLimited, Unavailable
from domain.oem.ports import OemAdapter
from domain.ports import CommandLog, Journal, ObservationLog, PumpDirectory
from domain.steering.journal import JournalEntry

log = structlog.get_logger(__name__)

ATTEMPT_SHARE = 0.9
"""An attempt may use so much of its start-to-close time."""
SEEN_JUST_NOW = timedelta(minutes=15)
"""A pump that the sweep read within this is not read once more for the planner."""
MOST_SILENCES = 3
"""After so many calls in a row without an answer the vendor is down, and not asked again by this reader."""


class ApplyCommand(Value):
    """Bring a command about."""

    clock: SteeringClock
    command: Command
    outbox: tuple[CommandEvent, ...] = ()
    journal: tuple[JournalEntry, ...] = ()


class StoreDecisions(Value):
    """Store what a pump's workflow decided without any other activity."""

    events: tuple[CommandEvent, ...] = ()
    journal: tuple[JournalEntry, ...] = ()


class RetirePump(Value):
    """The pump is steered no more."""

    pump_id: str
    at: datetime


class ObserveFleet(Value):
    """Read every steered pump of one vendor once, in one price area or everywhere."""

    clock: SteeringClock
    oem: str
    price_area: str | None = None

    def holds(self, profile: PumpProfile) -> bool:
        """Whether a pump is one of them."""
        enrolment = profile.enrolment
        return enrolment.oem == self.oem and self.price_area in (None, enrolment.price_area)


class PumpActivities:
    """Write, verify, observe, record."""

    def __init__(
        self,
        commands: CommandLog,
        journal: Journal,
        pumps: PumpDirectory,
        observations: ObservationLog,
        adapters: Mapping[str, OemAdapter],
        vendors: VendorStatus | None = None,
    ) -> None:
        """`vendors`: where breakers are known and a person is asked for new credentials; None asks nobody."""
        self._commands = commands
        self._journal = journal
        self._pumps = pumps
        self._observations = observations
        self._adapters = adapters
        self._vendors = vendors

    @activity.defn
    async def apply_command(self, given: ApplyCommand) -> CommandOutcome:
        """Write the command's setting and see it obeyed; every attempt makes one step and says when to come back."""
        now = steered_now(given.clock)
        command = given.command
        profile = await self._pumps.profile(command.pump_id)
        await self._begin(given)
        around = Dependencies(
            adapter=self._adapters[profile.enrolment.oem],
            commands=self._commands,
            observations=self._observations,
            vendors=self._vendors,
            now=now,
        )
        info = activity.info()
        limit = info.start_to_close_timeout
        try:
            async with asyncio.timeout(limit.total_seconds() * ATTEMPT_SHARE if limit else None):
                return await CommandAttempt(command, profile.address, around, info.attempt).run()
        except RetryLater as later:
            raise not_yet(str(later), later.delay, given.clock) from later.__cause__
        except TimeoutError as error:
            # Ended by us before the server gives the attempt to somebody else: two of them never write side by side.
            raise not_yet("the attempt took too long", FIRST_BACKOFF, given.clock) from error

    @activity.defn
    async def close_command(self, given: ApplyCommand) -> CommandOutcome:
        """Say how a command ended whose attempts ran out of time in the queue."""
        await self._begin(given)
        return await close(given.command, self._commands, steered_now(given.clock)())

    async def _begin(self, given: ApplyCommand) -> None:
        await self._commands.begin(given.command, given.outbox)
        await self._journal.append(given.journal)

    @activity.defn
    async def store_decisions(self, given: StoreDecisions) -> None:
        """Append events and journal entries to the ledger."""
        await self._commands.record(given.events)
        await self._journal.append(given.journal)

    @activity.defn
    async def retire_pump(self, given: RetirePump) -> None:
        """Mark the pump as steered no more."""
        await self._pumps.mark_retired(given.pump_id, given.at)

    @activity.defn
    async def observe_fleet(self, given: ObserveFleet) -> int:
        """Read the pumps of a vendor that nobody read just now; resumes where a lost attempt was.

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
            if given.holds(profile) and profile.enrolment.pump_id > done_until
        ]
        newest = await self._observations.newest([profile.enrolment.pump_id for profile in due])
        for profile in due:
            pump_id = profile.enrolment.pump_id
            if pump_id in newest and now() - newest[pump_id].as_of < SEEN_JUST_NOW:
                continue
            try:
                reading = await adapter.observe(profile.address, profile.heating.name, now())
            except RateLimited as error:
                activity.heartbeat(done_until, seen)
                raise not_yet(str(error), max(error.retry_at - now(), timedelta(seconds=1)), given.clock) from error
            except OemError as error:
                if isinstance(error, AuthExpired):
                    await ask(self._vendors, profile.enrolment.account_id, error, now())
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
