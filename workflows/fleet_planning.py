"""The daily planning run: wait for prices, look at the fleet, solve, hand out.

Protects: the delivery day comes from the scheduled time, never from now; the run's patience ends before the next
firing, so that tomorrow's run is never skipped for today's sake.
"""

from datetime import date, datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey
from temporalio.exceptions import ActivityError

from activities.market import FetchPrices, FetchWeather, MarketActivities, NewestPrices
from activities.planning import DeliverPlan, PlanMade, PlanningActivities, SolveFleet
from activities.pumps import ObserveFleet, PumpActivities
from domain.planning.extremes import COLD_SNAP_SLOTS
from domain.slots import SLOT, bounds_of, delivery_day, slot_start
from workflows import contracts
from workflows.contracts import PlanningInput, PlanningResult

SCHEDULED_AT = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")
PRICE_PATIENCE = timedelta(hours=9)
"""Steered: from the scheduled afternoon until late evening; the next firing is a day away."""
WEATHER_PATIENCE = timedelta(minutes=30)
FIRST_ASK_AGAIN = timedelta(minutes=1)
LONGEST_ASK_AGAIN = timedelta(minutes=15)


@workflow.defn
class FleetPlanning:
    """One planning run for one market day."""

    def __init__(self) -> None:
        self._stage = "starting"

    @workflow.run
    async def run(self, given: PlanningInput) -> PlanningResult:
        day = delivery_day(self._scheduled(given), given.tz)
        day_start, end = bounds_of(day, given.tz)
        self._say(f"waiting for the prices of {day}")
        price_version = await self._prices(given, day)
        if price_version is None:
            return PlanningResult(
                day=day, revision=None, delivered=0, reason=f"no prices for {day}: pumps stay neutral"
            )
        first_slot = self._first_slot(given, day_start)
        slots = (end - first_slot) // SLOT
        if slots < 1:
            return PlanningResult(day=day, revision=None, delivered=0, reason=f"{day} is over: nothing left to plan")
        self._say(f"asking for the weather of {day}")
        weather_version = await self._weather(given, first_slot, max(slots, COLD_SNAP_SLOTS))
        if weather_version is None:
            return PlanningResult(
                day=day, revision=None, delivered=0, reason=f"no weather for {day}: pumps stay neutral"
            )
        self._say("looking at the fleet")
        await self._observe(given)
        self._say(f"solving {slots} slots of {day}")
        made = await self._solve(given, price_version, weather_version, first_slot, end)
        self._say(
            f"handing out revision {made.revision}: {made.pumps} pumps, {made.cost_eur:.2f} EUR, "
            f"at most {made.gap_pct:.2f} % above the bound"
            + (f"; cold snap: {made.cold_snap_pumps} pumps at neutral or above" if made.cold_snap_pumps else "")
        )
        delivered = await self._deliver(given, made)
        self._say(f"{self._stage}; handed to {delivered}")
        without = made.pumps - delivered
        reason = f"{without} of {made.pumps} pumps did not take it: retired, or not reached" if without else ""
        return PlanningResult(day=day, revision=made.revision, delivered=delivered, reason=reason)

    def _say(self, stage: str) -> None:
        self._stage = stage
        workflow.set_current_details(stage)

    def _scheduled(self, given: PlanningInput) -> datetime:
        """The nominal (steered) time of this run; a run started by hand counts as scheduled now."""
        nominal = workflow.info().typed_search_attributes.get(SCHEDULED_AT)
        return nominal if nominal is not None else given.clock.steered(workflow.now())

    def _first_slot(self, given: PlanningInput, day_start: datetime) -> datetime:
        """The first slot that has not begun; the whole day where it is still ahead."""
        now = given.clock.steered(workflow.now())
        return day_start if now <= day_start else slot_start(now) + SLOT

    async def _prices(self, given: PlanningInput, day: date) -> int | None:
        fetch = FetchPrices(clock=given.clock, price_area=given.price_area, tz=given.tz, day=day)
        try:
            return await workflow.execute_activity_method(
                MarketActivities.fetch_prices,
                fetch,
                schedule_to_close_timeout=self._wall(given, PRICE_PATIENCE),
                start_to_close_timeout=timedelta(seconds=given.patience.start_to_close_s),
                retry_policy=self._growing(given),
                summary=f"prices of {day}",
            )
        except ActivityError:
            start, end = bounds_of(day, given.tz)
            wanted = NewestPrices(price_area=given.price_area, start=start, end=end)
            return await workflow.execute_activity_method(
                MarketActivities.newest_prices,
                wanted,
                start_to_close_timeout=timedelta(seconds=given.patience.start_to_close_s),
                summary="the last good prices",
            )

    async def _weather(self, given: PlanningInput, first_slot: datetime, slots: int) -> int | None:
        fetch = FetchWeather(
            clock=given.clock,
            price_area=given.price_area,
            cell=given.weather_cell,
            first_slot=first_slot,
            slots=slots,
        )
        try:
            return await workflow.execute_activity_method(
                MarketActivities.fetch_weather,
                fetch,
                schedule_to_close_timeout=self._wall(given, WEATHER_PATIENCE),
                start_to_close_timeout=timedelta(seconds=given.patience.start_to_close_s),
                retry_policy=self._growing(given),
                summary="forecast",
            )
        except ActivityError:
            return None

    async def _observe(self, given: PlanningInput) -> None:
        """A fleet that cannot be looked at is planned from what is known; that is no reason not to plan."""
        for oem in given.oems:
            try:
                await workflow.execute_activity_method(
                    PumpActivities.observe_fleet,
                    ObserveFleet(clock=given.clock, oem=oem),
                    task_queue=contracts.oem_queue(oem),
                    schedule_to_close_timeout=self._wall(given, timedelta(minutes=45)),
                    start_to_close_timeout=timedelta(minutes=30),
                    heartbeat_timeout=timedelta(seconds=given.patience.start_to_close_s),
                    summary=f"read every {oem} pump",
                )
            except ActivityError as error:
                workflow.logger.warning("fleet not read: %s", error.cause)

    async def _solve(
        self, given: PlanningInput, price_version: int, weather_version: int, first_slot: datetime, end: datetime
    ) -> PlanMade:
        info = workflow.info()
        slots = (end - first_slot) // SLOT
        return await workflow.execute_activity_method(
            PlanningActivities.solve_fleet,
            SolveFleet(
                clock=given.clock,
                key=f"{info.workflow_id}/{info.run_id}",
                price_version=price_version,
                weather_version=weather_version,
                first_slot=first_slot,
                slots=slots,
                until=min(end, given.until) if given.until else end,
                cap_share=given.cap_share,
                budget_s=given.budget_s,
            ),
            start_to_close_timeout=timedelta(seconds=given.budget_s * 3 + 60),
            heartbeat_timeout=timedelta(seconds=given.patience.heartbeat_s),
            retry_policy=RetryPolicy(maximum_attempts=5),
            summary=f"plan {slots} slots",
        )

    async def _deliver(self, given: PlanningInput, made: PlanMade) -> int:
        return await workflow.execute_activity_method(
            PlanningActivities.deliver_plan,
            DeliverPlan(clock=given.clock, revision=made.revision),
            schedule_to_close_timeout=timedelta(hours=2),
            start_to_close_timeout=timedelta(hours=1),
            heartbeat_timeout=timedelta(seconds=given.patience.heartbeat_s),
            summary=f"hand out revision {made.revision}",
        )

    def _wall(self, given: PlanningInput, steered: timedelta) -> timedelta:
        return max(given.clock.wall_duration(steered), timedelta(seconds=given.patience.start_to_close_s))

    def _growing(self, given: PlanningInput) -> RetryPolicy:
        shortest = timedelta(milliseconds=50)
        return RetryPolicy(
            initial_interval=max(given.clock.wall_duration(FIRST_ASK_AGAIN), shortest),
            maximum_interval=max(given.clock.wall_duration(LONGEST_ASK_AGAIN), shortest),
            backoff_coefficient=1.5,
        )
