"""The watch over prices: plans an area's day again as soon as its plan's prices are no longer the newest.

Protects: a plan made on estimated prices is renewed when the published ones arrive, however late; no timer of its own,
and a handful of events a day while nothing changes.
"""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, ChildWorkflowError

from activities.price_watch import PriceWatchActivities, Renewal, WatchPrices
from domain.planning.renewal import Tried
from workflows import contracts
from workflows.area_planning import AreaPlanning
from workflows.contracts import AreaPlanningInput, PlanningInput, PriceWatchInput


@workflow.defn
class PriceWatch:
    """`price-watch`: never ends by itself."""

    @workflow.run
    async def run(self, given: PriceWatchInput) -> None:
        tried = given.tried
        for _ in range(contracts.PRICE_WATCH_ROUNDS):
            found = await self._watch(given.planning, tried)
            if found:
                tried = await self._renew(given.planning, found)
            if workflow.info().is_continue_as_new_suggested():
                break
        workflow.continue_as_new(given.model_copy(update={"tried": tried}))

    async def _watch(self, planning: PlanningInput, tried: tuple[Tried, ...]) -> tuple[Renewal, ...]:
        clock, patience = planning.clock, planning.patience
        try:
            return await workflow.execute_activity_method(
                PriceWatchActivities.watch_prices,
                WatchPrices(
                    clock=clock,
                    check_every=contracts.PRICE_LOOK,
                    watch_for=contracts.PRICE_WATCH,
                    tried=tried,
                ),
                start_to_close_timeout=clock.wall_duration(contracts.PRICE_WATCH) + timedelta(minutes=5),
                heartbeat_timeout=timedelta(seconds=patience.heartbeat_s * contracts.GUARD_BEATS),
                retry_policy=contracts.GUARD_RETRY,
                summary="watch prices",
            )
        except ActivityError as error:
            workflow.logger.warning("watching anew after %s", error.cause or error)
            return ()

    async def _renew(self, planning: PlanningInput, found: tuple[Renewal, ...]) -> tuple[Tried, ...]:
        """Plan all of them; gives what was tried."""
        named = "; ".join(f"{one.area.price_area} {one.day}: {one.reason}" for one in found)
        workflow.set_current_details(f"renewed {self._now(planning):%d %b %H:%M} UTC: {named}"[:800])
        await asyncio.gather(*(self._plan(planning, one) for one in found))
        at = self._now(planning)
        return tuple(Tried(price_area=one.area.price_area, day=one.day, version=one.version, at=at) for one in found)

    async def _plan(self, planning: PlanningInput, one: Renewal) -> None:
        area = one.area
        try:
            await workflow.execute_child_workflow(
                AreaPlanning.run,
                AreaPlanningInput(planning=planning, area=area, tz=one.tz, day=one.day, price_version=one.version),
                id=f"{workflow.info().workflow_id}/{area.price_area}/{one.day}/{one.version}",
                execution_timeout=max(planning.clock.wall_duration(contracts.RENEWAL_PATIENCE), timedelta(minutes=30)),
                static_summary=f"{area.price_area}, {one.day}: {one.reason}"[:180],
            )
        except ChildWorkflowError as error:
            workflow.logger.warning("%s not renewed for %s: %s", area.price_area, one.day, error.cause)

    def _now(self, planning: PlanningInput) -> datetime:
        return planning.clock.steered(workflow.now())


async def start_price_watch(client: Client, planning: PlanningInput) -> None:
    """Start the watch over all areas, planning as the Schedule's runs do; one that runs is left alone."""
    await client.start_workflow(
        PriceWatch.run,
        PriceWatchInput(planning=planning),
        id=contracts.PRICE_WATCH_ID,
        task_queue=contracts.PLANNER_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        task_timeout=timedelta(seconds=planning.patience.task_s),
        static_summary="renews plans on late or changed prices",
    )
