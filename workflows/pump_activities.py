"""What a pump's workflow does in the world: one attempt at a command at a time, book-keeping, and one armed timer.

Protects: whatever is started tells its end as an event, also when it is cancelled in the very moment it starts.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, CancelledError
from temporalio.exceptions import TimeoutError as ActivityTimeout

from activities.pumps import ApplyCommand, PumpActivities, StoreDecisions
from domain.base import Value
from domain.clock import SteeringClock
from domain.commands.command import Authority, Command, CommandOutcome, CommandState
from domain.modes import Circuit
from domain.steering.pump_state import CommandSettled, Event, Kept, PumpState, Woke
from workflows import contracts
from workflows.contracts import Patience

Tell = Callable[[Event], None]
"""Puts an event into the workflow's inbox."""


class WakeTimer:
    """The one timer of a pump."""

    def __init__(self, clock: SteeringClock, tell: Tell) -> None:
        self._clock = clock
        self._tell = tell
        self._task: asyncio.Task[None] | None = None
        self._at: datetime | None = None

    def arm(self, wake_at: datetime | None) -> None:
        """Keep it armed for `wake_at`; left alone where it is right already, since every timer costs."""
        if wake_at == self._at and (self._task is None or not self._task.done()):
            return
        if self._task is not None and not self._task.done():
            self._task.cancel()
        self._task, self._at = None, wake_at
        if wake_at is not None:
            self._task = asyncio.create_task(self._sleep_until(wake_at))

    async def _sleep_until(self, wake_at: datetime) -> None:
        delay = self._clock.wall(wake_at) - workflow.now()
        await workflow.sleep(max(delay, timedelta(milliseconds=1)), summary=f"until {wake_at:%d %b %H:%M} UTC")
        self._tell(Woke())


class RunningCommand:
    """A command being brought about on one circuit."""

    def __init__(self, handle: workflow.ActivityHandle[CommandOutcome]) -> None:
        self.handle = handle
        self.is_cancelled = False
        self.settling: asyncio.Task[None] | None = None


class ActivityRunner:
    """Activities of one pump; every end becomes an event."""

    def __init__(
        self,
        clock: SteeringClock,
        patience: Patience,
        state: PumpState,
        tell: Tell,
        is_current: Callable[[Command], bool],
    ) -> None:
        """`is_current`: whether a command's mode is still the target."""
        self._is_current = is_current
        self._clock = clock
        self._patience = patience
        self._oem = state.oem
        self._tell = tell
        self._attempts: dict[Circuit, RunningCommand] = {}
        self._storing: asyncio.Task[None] | None = None

    @property
    def is_storing(self) -> bool:
        """Whether decisions are on their way to the ledger."""
        return self._storing is not None and not self._storing.done()

    def start(self, command: Command, state: PumpState) -> None:
        """Begin to write and verify; what waits for the ledger in `state` rides along.

        The activity is started here and not inside a task: a task cancelled before its first step would never tell.
        """
        remaining = command.expires_at + contracts.VERIFY_GRACE - self._clock.steered(workflow.now())
        given = ApplyCommand(clock=self._clock, command=command, outbox=state.outbox, journal=state.journal)
        handle = workflow.start_activity_method(
            PumpActivities.apply_command,
            given,
            task_queue=contracts.oem_queue(self._oem),
            schedule_to_close_timeout=self._clock.wall_duration(remaining) + timedelta(seconds=self._patience.task_s),
            start_to_close_timeout=timedelta(seconds=self._patience.start_to_close_s),
            retry_policy=contracts.command_retry(self._clock),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            priority=contracts.ROUTINE if command.authority is Authority.PLAN else contracts.URGENT,
            summary=f"{command.mode} by {command.authority}" + (f" r{command.revision}" if command.revision else ""),
        )
        attempt = RunningCommand(handle)
        attempt.settling = asyncio.create_task(self._settle(given, attempt))
        self._attempts[command.circuit] = attempt

    def cancel(self, circuit: Circuit) -> None:
        """End the attempt: at once where it waits to try again, after its answer where it is in flight."""
        if attempt := self._attempts.get(circuit):
            attempt.is_cancelled = True
            attempt.handle.cancel()

    async def _settle(self, given: ApplyCommand, attempt: RunningCommand) -> None:
        try:
            outcome = await attempt.handle
        except (asyncio.CancelledError, ActivityError) as error:
            outcome = await self._end_of(given, error, cancelled=attempt.is_cancelled)
        self._tell(CommandSettled(outcome=outcome))

    async def _end_of(self, given: ApplyCommand, error: BaseException, *, cancelled: bool) -> CommandOutcome:
        """How an attempt without an answer ended: cancelled, or out of time; never guessed to be done.

        A cancel around an attempt in flight surfaces as that attempt's own error, so the cancel counts first. Out of
        time in the queue it may have been tried or not, which the ledger knows.
        """
        cause = error.cause if isinstance(error, ActivityError) else error
        if cancelled or isinstance(cause, asyncio.CancelledError | CancelledError):
            state, reason = CommandState.SUPERSEDED, "a newer target came; perhaps written"
        elif isinstance(cause, ActivityTimeout) and not self._is_current(given.command):
            state, reason = CommandState.SUPERSEDED, "the target moved on before its turn came; perhaps written"
        elif isinstance(cause, ActivityTimeout):
            closed: CommandOutcome = await self.do(PumpActivities.close_command, given, "its time ran out in the queue")
            return closed
        else:
            state, reason = CommandState.UNVERIFIED, str(cause)[:200]
        now, command_id = self._clock.steered(workflow.now()), given.command.command_id
        return CommandOutcome(command_id=command_id, state=state, at=now, reason=reason, recorded=False)

    def store(self, state: PumpState) -> None:
        """Bring to the ledger what no command carries there."""
        self._storing = asyncio.create_task(self._store(state))

    async def finish_storing(self, state: PumpState) -> None:
        """Wait until everything is in the ledger."""
        if self._storing is not None:
            await self._storing
        if state.outbox or state.journal:
            await self._store(state)

    async def _store(self, state: PumpState) -> None:
        given = StoreDecisions(events=state.outbox, journal=state.journal)
        await self.do(PumpActivities.store_decisions, given, "store what was decided")
        keys = (*(event.key for event in state.outbox), *(entry.key for entry in state.journal))
        self._tell(Kept(keys=keys))

    async def do(self, act: Any, given: Value, summary: str) -> Any:
        """A piece of book-keeping, tried until it is done."""
        patience = timedelta(seconds=self._patience.start_to_close_s)
        return await workflow.execute_activity_method(act, given, start_to_close_timeout=patience, summary=summary)
