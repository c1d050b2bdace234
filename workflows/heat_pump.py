"""One heat pump's durable life: feeds `decide`, arms one timer, carries out its commands.

Protects: handlers only append to the inbox and one loop drains it, so nothing interleaves; a newer wish waits for the
attempt in flight, so an old write never lands after a new one.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, TimeoutType
from temporalio.exceptions import TimeoutError as ActivityTimeout

from activities.pumps import ApplyCommand, PumpActivities, RecordEvents, RetirePump
from domain.base import Value
from domain.commands import Authority, Command, CommandEvent, CommandOutcome, CommandState
from domain.overrides import Override, problem_with, strongest
from domain.plans import PricePlan
from domain.steering import (
    CommandSettled,
    Decision,
    Event,
    Kept,
    MessageRefused,
    Observed,
    OverrideEnded,
    OverrideRequested,
    PlanArrived,
    RetireRequested,
    Woke,
    decide,
    wish_at,
)
from workflows import contracts
from workflows.contracts import EndOverride, OverrideAnswer, PlanEnvelope, PumpInput, PumpStatus, Retire
from workflows.operator_view import alert_of, authority_of, details_of


@workflow.defn
class HeatPumpWorkflow:
    """`pump-<id>`: lives from enrolment until it is retired."""

    @workflow.init
    def __init__(self, given: PumpInput) -> None:
        self._clock = given.clock
        self._patience = given.patience
        self._state = given.state
        self._inbox: list[Event] = [Woke()]
        self._drained = 0
        self._started_at = self._now()
        self._attempt: workflow.ActivityHandle[CommandOutcome] | None = None
        self._work: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at: datetime | None = None
        self._shown: tuple[str, str] = ("", "")

    @workflow.run
    async def run(self, given: PumpInput) -> None:
        while not self._state.retired:
            await workflow.wait_condition(lambda: bool(self._inbox))
            while self._inbox:
                self._carry_out(decide(self._state, self._inbox.pop(0), self._now()))
                self._drained += 1
            self._show()
            if self._may_continue_as_new():
                await workflow.wait_condition(workflow.all_handlers_finished)
                if not self._inbox:
                    workflow.continue_as_new(given.model_copy(update={"state": self._state}))
        await self._say_goodbye()

    # --- messages: append, never act ------------------------------------------------------------------------------

    @workflow.signal
    def price_plan(self, envelope: PlanEnvelope) -> None:
        """A price plan; a bad one is refused where an operator sees it."""
        try:
            self._inbox.append(PlanArrived(plan=PricePlan.model_validate(envelope.plan)))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            self._inbox.append(MessageRefused(reason=f"a price plan was refused: {where or 'plan'}: {first['msg']}"))

    @workflow.signal
    def observed(self, seen: Observed) -> None:
        """A believed observation of the lever."""
        self._inbox.append(seen)

    @workflow.update
    async def request_override(self, override: Override) -> OverrideAnswer:
        """Take a person's wish; answers with the command it led to, before that is verified."""
        await self._handle(OverrideRequested(override=override))
        now, state = self._now(), self._state
        in_force = strongest(state.overrides, now)
        command = state.open.command if state.open else state.last
        serves = command and command.authority is Authority.OVERRIDE and command.mode is override.mode
        return OverrideAnswer(
            override_id=override.override_id,
            in_force=in_force is not None and in_force.override_id == override.override_id,
            command_id=command.command_id if command and serves else None,
            already=state.open is None and state.settled is override.mode,
        )

    @request_override.validator
    def _check_override(self, override: Override) -> None:
        self._refuse_if_retiring()
        if problem := problem_with(override, self._now()):
            raise ApplicationError(problem, type="Refused", non_retryable=True)

    @workflow.update
    async def end_override(self, given: EndOverride) -> PumpStatus:
        """End one override or all; the plan takes over again."""
        await self._handle(OverrideEnded(override_id=given.override_id))
        return self.status()

    @end_override.validator
    def _check_end_override(self, given: EndOverride) -> None:
        self._refuse_if_retiring()
        running = {o.override_id for o in self._state.overrides}
        if given.override_id is None and not running:
            raise ApplicationError("no override is in force on this pump", type="Refused", non_retryable=True)
        if given.override_id is not None and given.override_id not in running:
            raise ApplicationError(
                f"override {given.override_id} is not in force: {', '.join(sorted(running)) or 'none'} is",
                type="Refused",
                non_retryable=True,
            )

    @workflow.update
    async def retire(self, given: Retire) -> PumpStatus:  # noqa: ARG002 -- who and why stay in the history
        """Back to neutral, then steer no more."""
        await self._handle(RetireRequested())
        return self.status()

    @retire.validator
    def _check_retire(self, given: Retire) -> None:  # noqa: ARG002
        self._refuse_if_retiring()

    @workflow.query
    def status(self) -> PumpStatus:
        """The whole state, for support."""
        now = self._now()
        return PumpStatus(
            now=now,
            authority=authority_of(self._state, now),
            wish=wish_at(self._state, now).mode.value,
            alert=alert_of(self._state),
            state=self._state,
        )

    def _refuse_if_retiring(self) -> None:
        if self._state.retiring or self._state.retired:
            raise ApplicationError("this pump is retired and steered no more", type="Refused", non_retryable=True)

    async def _handle(self, event: Event) -> None:
        self._inbox.append(event)
        mark = self._drained + len(self._inbox)
        await workflow.wait_condition(lambda: self._drained >= mark)

    # --- carrying out ---------------------------------------------------------------------------------------------

    def _now(self) -> datetime:
        return self._clock.steered(workflow.now())

    def _carry_out(self, decision: Decision) -> None:
        self._state = decision.state
        if decision.cancel and self._attempt is not None:
            self._attempt.cancel()
        if decision.start is not None:
            # Started here and not inside a task: a task that is cancelled before its first step would never tell.
            self._attempt = self._start(decision.start)
            self._work = asyncio.create_task(self._settle(decision.start, self._attempt))
        elif self._state.outbox and self._state.open is None and (self._keeping is None or self._keeping.done()):
            self._keeping = asyncio.create_task(self._keep(self._state.outbox))
        self._arm(decision.wake_at)

    def _start(self, command: Command) -> workflow.ActivityHandle[CommandOutcome]:
        remaining = command.expires_at + contracts.VERIFY_GRACE - self._now()
        return workflow.start_activity_method(
            PumpActivities.apply_command,
            ApplyCommand(clock=self._clock, command=command, outbox=self._state.outbox),
            task_queue=contracts.oem_queue(self._state.oem),
            schedule_to_close_timeout=self._clock.wall_duration(remaining) + timedelta(seconds=self._patience.task_s),
            start_to_close_timeout=timedelta(seconds=self._patience.start_to_close_s),
            retry_policy=contracts.COMMAND_RETRY,
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            priority=contracts.ROUTINE if command.authority is Authority.PLAN else contracts.URGENT,
            summary=f"{command.mode} by {command.authority}" + (f" r{command.revision}" if command.revision else ""),
        )

    async def _settle(self, command: Command, attempt: workflow.ActivityHandle[CommandOutcome]) -> None:
        try:
            outcome = await attempt
        except (asyncio.CancelledError, CancelledError):
            outcome = self._ended(command, CommandState.SUPERSEDED, "a newer wish came while it waited")
        except ActivityError as error:
            outcome = self._ended_badly(command, error)
        self._inbox.append(CommandSettled(outcome=outcome))

    def _ended(self, command: Command, state: CommandState, reason: str) -> CommandOutcome:
        return CommandOutcome(command_id=command.command_id, state=state, at=self._now(), reason=reason, recorded=False)

    def _ended_badly(self, command: Command, error: ActivityError) -> CommandOutcome:
        """Out of time, or cancelled around an attempt in flight: neither is guessed to be done."""
        cause = error.cause
        if self._state.open is not None and self._state.open.cancelling:
            return self._ended(command, CommandState.SUPERSEDED, "a newer wish came; perhaps written")
        if isinstance(cause, ActivityTimeout) and cause.type is TimeoutType.SCHEDULE_TO_START:
            return self._ended(command, CommandState.EXPIRED, "nobody took it up in its time")
        reason = "time ran out before it was seen" if isinstance(cause, ActivityTimeout) else str(cause or error)[:200]
        return self._ended(command, CommandState.UNVERIFIED, reason)

    async def _keep(self, events: tuple[CommandEvent, ...]) -> None:
        await self._bookkeeping(PumpActivities.record_events, RecordEvents(events=events), "keep what was decided")
        self._inbox.append(Kept(keys=tuple(event.key for event in events)))

    async def _bookkeeping(self, act: Any, given: Value, summary: str) -> None:
        patience = timedelta(seconds=self._patience.start_to_close_s)
        await workflow.execute_activity_method(act, given, start_to_close_timeout=patience, summary=summary)

    def _arm(self, wake_at: datetime | None) -> None:
        """Keep one timer armed, for `wake_at`; leave it alone where it is right already."""
        if wake_at == self._alarm_at and (self._alarm is None or not self._alarm.done()):
            return
        if self._alarm is not None and not self._alarm.done():
            self._alarm.cancel()
        self._alarm, self._alarm_at = None, wake_at
        if wake_at is not None:
            self._alarm = asyncio.create_task(self._sleep_until(wake_at))

    async def _sleep_until(self, wake_at: datetime) -> None:
        delay = self._clock.wall(wake_at) - workflow.now()
        await workflow.sleep(max(delay, timedelta(milliseconds=1)), summary=f"until {wake_at:%d %b %H:%M} UTC")
        self._inbox.append(Woke())

    # --- what people see, and the end ------------------------------------------------------------------------------

    def _show(self) -> None:
        """Write search attributes (only on change: each costs an action) and current details (free), in one place."""
        now = self._now()
        shown = (authority_of(self._state, now), alert_of(self._state))
        if shown != self._shown:
            updates = [contracts.PUMP_AUTHORITY.value_set(shown[0]), contracts.PUMP_ALERT.value_set(shown[1])]
            workflow.upsert_search_attributes(updates)
            self._shown = shown
        workflow.set_current_details(details_of(self._state, now))

    def _may_continue_as_new(self) -> bool:
        keeping = self._keeping is not None and not self._keeping.done()
        if self._inbox or self._state.open is not None or self._state.retired or keeping:
            return False
        old = self._now() - self._started_at >= contracts.ONE_DAY
        return old or workflow.info().is_continue_as_new_suggested()

    async def _say_goodbye(self) -> None:
        if self._keeping is not None:
            await self._keeping
        if self._state.outbox:
            await self._keep(self._state.outbox)
        retired = RetirePump(pump_id=self._state.pump_id, at=self._now())
        await self._bookkeeping(PumpActivities.retire_pump, retired, "steered no more")
        await workflow.wait_condition(workflow.all_handlers_finished)
