"""One heat pump's durable life: feeds `decide`, arms one timer, carries out its commands.

Protects: handlers only append to the inbox and one loop drains it, so nothing interleaves; a newer wish waits for the
attempt in flight, so an old write never lands after a new one.
"""

from datetime import datetime

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.pumps import PumpActivities, RetirePump
from domain.commands import Authority
from domain.overrides import Override, problem_with, strongest
from domain.plans import PricePlan
from domain.pump import (
    Decision,
    Event,
    MessageRefused,
    Observed,
    OverrideEnded,
    OverrideRequested,
    PlanArrived,
    RetireRequested,
    Woke,
)
from domain.steering import decide, wish_at
from workflows import contracts
from workflows.contracts import EndOverride, OverrideAnswer, PlanEnvelope, PumpInput, PumpStatus, Retire
from workflows.deeds import Alarm, Deeds
from workflows.operator_view import alert_of, authority_of, details_of


@workflow.defn
class HeatPumpWorkflow:
    """`pump-<id>`: lives from enrolment until it is retired."""

    @workflow.init
    def __init__(self, given: PumpInput) -> None:
        self._clock = given.clock
        self._state = given.state
        self._inbox: list[Event] = [Woke()]
        self._drained = 0
        self._started_at = self._now()
        self._deeds = Deeds(given.clock, given.patience, given.state.oem, self._inbox.append)
        self._alarm = Alarm(given.clock, self._inbox.append)
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
        if decision.cancel:
            self._deeds.cancel()
        if decision.start is not None:
            self._deeds.start(decision.start, self._state.outbox)
        elif self._state.outbox and self._state.open is None and not self._deeds.is_keeping:
            self._deeds.keep(self._state.outbox)
        self._alarm.arm(decision.wake_at)

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
        if self._inbox or self._state.open is not None or self._state.retired or self._deeds.is_keeping:
            return False
        old = self._now() - self._started_at >= contracts.ONE_DAY
        return old or workflow.info().is_continue_as_new_suggested()

    async def _say_goodbye(self) -> None:
        await self._deeds.finish_keeping(self._state.outbox)
        retired = RetirePump(pump_id=self._state.pump_id, at=self._now())
        await self._deeds.do(PumpActivities.retire_pump, retired, "steered no more")
        await workflow.wait_condition(workflow.all_handlers_finished)
