"""One heat pump's durable life: feeds `decide`, arms one timer, carries out its commands.

Protects: handlers only append to the inbox and one loop drains it, so nothing interleaves; a newer target waits for the
attempt in flight, so an old write never lands after a new one.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.pumps import PumpActivities, RetirePump
from domain.commands.command import Authority, Command
from domain.planning.price_plan import PricePlan
from domain.steering.arbitration import target_at
from domain.steering.decide import decide
from domain.steering.overrides import Override, strongest
from domain.steering.pump_state import Decision, Event, MessageRefused, Observed, OverrideRequested, PlanArrived, Woke
from domain.steering.requests import problem_with_act
from workflows import contracts
from workflows.contracts import Act, OverrideAnswer, PlanEnvelope, PumpInput, PumpStatus, first_problem
from workflows.operator_view import alert_of, authority_of, bounded_by, details_of
from workflows.pump_activities import ActivityRunner, WakeTimer

MOST_CHARACTERS = 20_000
"""Of what an update may carry; far more than any override or act needs."""


def _refuse_what_no_history_should_hold(given: Any) -> None:
    """All that a validator refuses: whatever is merely wrong is taken in, so that its refusal can be seen and kept."""
    if len(str(given)) > MOST_CHARACTERS:
        problem = f"an update carries at most {MOST_CHARACTERS} characters"
        raise ApplicationError(problem, type="Refused", non_retryable=True)


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
        self._activities = ActivityRunner(
            given.clock, given.patience, given.state, self._inbox.append, self._is_current
        )
        self._timer = WakeTimer(given.clock, self._inbox.append)
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
            self._inbox.append(MessageRefused(reason=f"a price plan was refused: {first_problem(error)}"))

    @workflow.signal
    def observed(self, seen: Any) -> None:
        """An observation that may matter: something drifted, went silent, came back or was touched."""
        try:
            self._inbox.append(Observed.model_validate(seen))
        except ValidationError as error:
            self._inbox.append(MessageRefused(reason=f"an observation was refused: {first_problem(error)}"))

    @workflow.update
    async def request_override(self, override: Any) -> OverrideAnswer:
        """Take a person's override, an `Override`; answers with the command it led to, before that is verified."""
        asked = await self._take("an override", lambda: OverrideRequested(override=Override.model_validate(override)))
        now, state = self._now(), self._state
        override = asked.override
        in_force = strongest(state.overrides, now)
        heating = state.heating
        command = heating.open.command if heating.open else heating.last
        serves = command and command.authority is not Authority.PLAN and command.mode is target_at(state, now).mode
        return OverrideAnswer(
            override_id=override.override_id,
            in_force=in_force is not None and in_force.override_id == override.override_id,
            command_id=command.command_id if command and serves else None,
            already=heating.open is None and heating.settled is target_at(state, now).mode,
            bounded_by=bounded_by(state, override, now),
        )

    @request_override.validator
    def _check_override(self, override: Any) -> None:
        _refuse_what_no_history_should_hold(override)

    @workflow.update
    async def act(self, given: Any) -> PumpStatus:
        """Any other `Act` of a person or an operator: end an override, impose or lift an order, opt out, retire, ..."""
        await self._take("an act", lambda: Act.model_validate(given).event)
        return self.status()

    @act.validator
    def _check_act(self, given: Any) -> None:
        _refuse_what_no_history_should_hold(given)

    @workflow.query
    def status(self) -> PumpStatus:
        """The whole state, for support."""
        now = self._now()
        return PumpStatus(
            now=now,
            authority=authority_of(self._state, now),
            target=target_at(self._state, now).mode.value,
            alert=alert_of(self._state, now),
            state=self._state,
        )

    async def _take[E: Event](self, what: str, read: Callable[[], E]) -> E:
        """Decide upon what was asked, or refuse it: to the asker, on the pump's page and in the ledger."""
        try:
            event = read()
            problem = problem_with_act(self._state, event, self._now())
        except ValidationError as error:
            problem = first_problem(error)
        if problem is not None:
            await self._decided(MessageRefused(reason=f"{what} was refused: {problem}"))
            raise ApplicationError(problem, type="Refused", non_retryable=True)
        await self._decided(event)
        return event

    async def _decided(self, event: Event) -> None:
        self._inbox.append(event)
        mark = self._drained + len(self._inbox)
        await workflow.wait_condition(lambda: self._drained >= mark or self._state.retired)

    # --- carrying out ---------------------------------------------------------------------------------------------

    def _now(self) -> datetime:
        return self._clock.steered(workflow.now())

    def _is_current(self, command: Command) -> bool:
        return target_at(self._state, self._now(), command.circuit).mode is command.mode

    def _carry_out(self, decision: Decision) -> None:
        self._state = decision.state
        for circuit in decision.cancels:
            self._activities.cancel(circuit)
        for command in decision.starts:
            self._activities.start(command, self._state)
        if self._state.owes_ledger and not self._state.has_open and not self._activities.is_storing:
            self._activities.store(self._state)
        self._timer.arm(decision.wake_at)

    # --- what people see, and the end ------------------------------------------------------------------------------

    def _show(self) -> None:
        """Write search attributes (only on change: each costs an action) and current details (free), in one place."""
        now = self._now()
        shown = (authority_of(self._state, now), alert_of(self._state, now))
        if shown != self._shown:
            updates = [contracts.PUMP_AUTHORITY.value_set(shown[0]), contracts.PUMP_ALERT.value_set(shown[1])]
            workflow.upsert_search_attributes(updates)
            self._shown = shown
        workflow.set_current_details(details_of(self._state, now))

    def _may_continue_as_new(self) -> bool:
        if self._inbox or self._state.has_open or self._state.retired or self._activities.is_storing:
            return False
        old = self._now() - self._started_at >= contracts.ONE_DAY
        return old or workflow.info().is_continue_as_new_suggested()

    async def _say_goodbye(self) -> None:
        await self._activities.finish_storing(self._state)
        retired = RetirePump(pump_id=self._state.pump_id, at=self._now())
        await self._activities.do(PumpActivities.retire_pump, retired, "steered no more")
        await workflow.wait_condition(workflow.all_handlers_finished)
