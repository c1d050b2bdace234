"""A vendor's guard: keeps its breaker, and the rate of its queue as the breaker says.

Protects: the rate is set anew whenever a watch begins, so that neither a lost worker nor a restarted server leaves a
queue at a rate that nobody means; a person's hold ends by a person only.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, ApplicationError

from activities.guard import ApplyBreaker, FindBreaker, GuardActivities, WatchVendor
from domain.clock import SteeringClock
from domain.oem.breaker import Breaker, held, released
from workflows import contracts
from workflows.contracts import GuardInput, GuardStatus, Hold, Patience


@workflow.defn
class OemGuard:
    """`oem-guard-<vendor>`: never ends by itself."""

    @workflow.init
    def __init__(self, given: GuardInput) -> None:
        self._given = given
        self._breaker = given.breaker
        self._applied: Breaker | None = None
        self._rate_per_min = 0.0

    @workflow.run
    async def run(self, given: GuardInput) -> None:
        if self._breaker is None:
            found = await self._do(GuardActivities.find_breaker, FindBreaker(clock=given.clock, oem=given.oem))
            self._breaker = self._breaker or found
        while True:
            await self._apply(self._breaker)
            if workflow.info().is_continue_as_new_suggested():
                # A person who comes now waits for the next round of this loop, so this must not wait for that person.
                await workflow.wait_condition(lambda: workflow.all_handlers_finished() or self._is_overtaken)
                if not self._is_overtaken:
                    workflow.continue_as_new(given.model_copy(update={"breaker": self._breaker}))
            if not self._is_overtaken:
                await self._watch(self._breaker)

    @property
    def _is_overtaken(self) -> bool:
        """Whether a person changed the breaker while an older one was being applied."""
        return self._applied is not self._breaker

    async def _apply(self, breaker: Breaker) -> None:
        given = ApplyBreaker(clock=self._given.clock, oem=self._given.oem, breaker=breaker)
        self._rate_per_min = await self._do(GuardActivities.apply_breaker, given, breaker.state.value)
        self._applied = breaker
        workflow.set_current_details(
            f"{self._given.oem} is {breaker.state.value} since {breaker.since:%d %b %H:%M} UTC: {breaker.reason}; "
            f"at most {self._rate_per_min:g} attempts a minute"
        )

    async def _watch(self, breaker: Breaker) -> None:
        """Until the activity says so, or a person does: whoever changes the breaker first has it."""
        clock, patience = self._given.clock, self._given.patience
        watch_for = clock.wall_duration(contracts.GUARD_WATCH)
        watching = workflow.start_activity_method(
            GuardActivities.watch_vendor,
            WatchVendor(
                clock=clock,
                oem=self._given.oem,
                breaker=breaker,
                rate_per_min=self._rate_per_min,
                look_every=contracts.GUARD_LOOK,
                watch_for=contracts.GUARD_WATCH,
            ),
            start_to_close_timeout=watch_for + timedelta(minutes=5),
            heartbeat_timeout=timedelta(seconds=patience.heartbeat_s * contracts.GUARD_BEATS),
            retry_policy=contracts.GUARD_RETRY,
            summary=f"watch while {breaker.state.value}",
        )
        await workflow.wait_condition(lambda: watching.done() or self._breaker is not breaker)
        if self._breaker is not breaker:
            watching.cancel()
            with suppress(ActivityError):
                await watching  # a cancel counts at once: the activity, which only reads, ends at its next heartbeat
            return
        try:
            self._breaker = await watching
        except ActivityError as error:
            workflow.logger.warning("watching anew after %s", error.cause or error)

    async def _take(self, breaker: Breaker) -> GuardStatus:
        self._breaker = breaker
        await workflow.wait_condition(lambda: self._applied is breaker or self._breaker is not breaker)
        return self.status()

    def _now(self) -> datetime:
        return self._given.clock.steered(workflow.now())

    def _known(self) -> Breaker:
        if self._breaker is None:
            raise ApplicationError("its guard is just starting: ask again in a moment", type="Refused")
        return self._breaker

    def _refuse_unless(self, change: Callable[[Breaker], Breaker]) -> None:
        try:
            change(self._known())
        except ValueError as error:
            raise ApplicationError(str(error), type="Refused", non_retryable=True) from error

    async def _do(self, act: Any, given: Any, summary: str | None = None) -> Any:
        patience = timedelta(seconds=self._given.patience.start_to_close_s)
        return await workflow.execute_activity_method(
            act, given, start_to_close_timeout=patience, retry_policy=contracts.GUARD_RETRY, summary=summary
        )

    # --- people -----------------------------------------------------------------------------------------------------

    @workflow.update
    async def hold(self, given: Hold) -> GuardStatus:
        """Stop everything on the vendor's queue, urgent commands too; answers once it is stopped."""
        return await self._take(held(self._known(), given.who, given.why, self._now()))

    @hold.validator
    def _check_hold(self, given: Hold) -> None:
        self._refuse_unless(lambda breaker: held(breaker, given.who, given.why, self._now()))

    @workflow.update
    async def release(self, given: Hold) -> GuardStatus:
        """End a person's hold; the vendor is tried slowly first. Answers once it is."""
        return await self._take(released(self._known(), given.who, given.why, self._now()))

    @release.validator
    def _check_release(self, given: Hold) -> None:
        self._refuse_unless(lambda breaker: released(breaker, given.who, given.why, self._now()))

    @workflow.query
    def status(self) -> GuardStatus:
        """The breaker and its rate."""
        return GuardStatus(oem=self._given.oem, breaker=self._known(), rate_per_min=self._rate_per_min)


async def start_guard(client: Client, clock: SteeringClock, oem: str, patience: Patience) -> None:
    """Start a vendor's guard; one that runs is left alone."""
    await client.start_workflow(
        OemGuard.run,
        GuardInput(clock=clock, oem=oem, patience=patience),
        id=contracts.guard_workflow_id(oem),
        task_queue=contracts.GUARD_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        task_timeout=timedelta(seconds=patience.task_s),
        static_summary=f"breaker of {oem}",
    )
