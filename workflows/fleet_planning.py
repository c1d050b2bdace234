"""The daily planning run: finds the price areas that pumps are enrolled in and plans each in a run of its own.

Protects: the delivery day comes from the scheduled time, never from now; the run's patience ends before the next
firing, so that tomorrow's run is never skipped for today's sake; and an area whose market is silent stalls no other.
"""

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey
from temporalio.exceptions import ChildWorkflowError

from activities.planning import AreaToPlan, PlanningActivities
from domain.slots import delivery_day
from workflows.area_planning import AreaPlanning
from workflows.contracts import AreaPlanned, AreaPlanningInput, PlanningInput, PlanningResult

SCHEDULED_AT = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")
RUN_PATIENCE = timedelta(hours=22)
"""Steered, for one area from start to end: longer than all patience within it, and over before the next firing."""
LEAST_RUN_PATIENCE = timedelta(minutes=30)
"""Wall: in a sped-up run a day is a minute, and nothing fires by the wall's clock there."""


@workflow.defn
class FleetPlanning:
    """One planning run for one market day of every price area."""

    @workflow.run
    async def run(self, given: PlanningInput) -> PlanningResult:
        found = await workflow.execute_activity_method(
            PlanningActivities.find_areas,
            start_to_close_timeout=timedelta(seconds=given.patience.start_to_close_s),
            retry_policy=RetryPolicy(maximum_interval=timedelta(seconds=30)),
            schedule_to_close_timeout=LEAST_RUN_PATIENCE,
            summary="which price areas there are",
        )
        wanted = [one for one in found if given.price_area in (None, one.area.price_area)]
        scheduled = self._scheduled(given)
        names = ", ".join(one.area.price_area for one in wanted) or "nothing"
        workflow.set_current_details(f"planning {names}; each area's own run says how far it is")
        planned = await asyncio.gather(*(self._plan(given, one, scheduled) for one in wanted))
        result = PlanningResult(areas=tuple(planned))
        workflow.set_current_details(result.summary)
        return result

    def _scheduled(self, given: PlanningInput) -> datetime:
        """The nominal (steered) time of this run; a run started by hand counts as scheduled now."""
        nominal = workflow.info().typed_search_attributes.get(SCHEDULED_AT)
        return nominal if nominal is not None else given.clock.steered(workflow.now())

    async def _plan(self, given: PlanningInput, one: AreaToPlan, scheduled: datetime) -> AreaPlanned:
        area = one.area
        if one.tz is None:
            reason = f"price area {area.price_area} is not known: pumps stay neutral"
            return AreaPlanned(price_area=area.price_area, pumps=area.pumps, reason=reason)
        day = given.day or delivery_day(scheduled, one.tz)
        try:
            return await workflow.execute_child_workflow(
                AreaPlanning.run,
                AreaPlanningInput(planning=given, area=area, tz=one.tz, day=day),
                id=f"{workflow.info().workflow_id}/{area.price_area}",
                execution_timeout=max(given.clock.wall_duration(RUN_PATIENCE), LEAST_RUN_PATIENCE),
                static_summary=f"{area.price_area}, {day}",
            )
        except ChildWorkflowError as error:
            reason = f"the run of {area.price_area} for {day} failed ({error.cause}): pumps keep the plans they have"
            return AreaPlanned(price_area=area.price_area, day=day, pumps=area.pumps, reason=reason[:400])
