"""Daily settlement: yesterday, and again the days before it, for late reports and revised prices.

Protects: a run repeats nothing that did not change, so that it can be started again at will; one area's missing prices
hold up no other, and nor do meters that cannot be read.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey
from temporalio.exceptions import ActivityError

from activities.house_meters import MeterActivities, MetersRead, ReadMeters
from activities.planning import AreaToPlan, PlanningActivities
from activities.settlement import DaySettled, MakeClaim, SettleDay, SettlementActivities
from domain.slots import delivery_day
from workflows.contracts import AreaSettled, SettlementInput, SettlementResult

SCHEDULED_AT = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")
SETTLE_FOR = timedelta(minutes=30)
"""Wall, for one area and day."""
READ_FOR = timedelta(minutes=20)
"""Wall, for the meters of one area."""
METERS_ARE_READ = "meters-are-read"
"""Runs from before it settle without."""
RETRY = RetryPolicy(maximum_interval=timedelta(minutes=1), maximum_attempts=10)

READ_AGAIN = RetryPolicy(maximum_interval=timedelta(minutes=1), maximum_attempts=3)
"""For a worker that died and a ledger that does not answer; services are asked again tomorrow, for these days too."""
LONGEST_REASON = 600


@workflow.defn
class DailySettlement:
    """Settle the newest days of every price area, and claim what the month saved."""

    @workflow.run
    async def run(self, given: SettlementInput) -> SettlementResult:
        areas = await workflow.execute_activity_method(
            PlanningActivities.find_areas,
            start_to_close_timeout=timedelta(seconds=given.patience.start_to_close_s),
            retry_policy=RETRY,
            summary="which price areas there are",
        )
        settled = [await self._settle(given, area) for area in areas if area.tz is not None]
        result = SettlementResult(areas=tuple(settled))
        workflow.set_current_details(result.summary)
        return result

    def _yesterday(self, given: SettlementInput, tz: str) -> date:
        nominal = workflow.info().typed_search_attributes.get(SCHEDULED_AT)
        now: datetime = nominal if nominal is not None else given.clock.steered(workflow.now())
        return delivery_day(now, tz) - timedelta(days=2)

    async def _settle(self, given: SettlementInput, area: AreaToPlan) -> AreaSettled:
        assert area.tz is not None
        name = area.area.price_area
        last = given.day or self._yesterday(given, area.tz)
        days = [last - timedelta(days=n) for n in reversed(range(given.again_days + 1))]
        meters = await self._read_meters(given, name, days) if workflow.patched(METERS_ARE_READ) else MetersRead()
        settled = [await self._day(given, name, day) for day in days]
        newest = settled[-1]
        changed = [day for day, one in zip(days, settled, strict=True) if one.changed or day == last]
        ends = {min(last, _month_end(day)) for day in changed}
        claims = [await self._claim(given, name, end) for end in sorted(ends)]
        return AreaSettled(
            price_area=name,
            day=last,
            pumps=newest.pumps,
            settled=newest.settled,
            changed=sum(one.changed for one in settled),
            saved_eur=claims[-1],
            reason="; ".join(part for part in (newest.reason, *meters.problems) if part)[:LONGEST_REASON],
        )

    async def _read_meters(self, given: SettlementInput, price_area: str, days: Sequence[date]) -> MetersRead:
        try:
            return await workflow.execute_activity_method(
                MeterActivities.read_meters,
                ReadMeters(clock=given.clock, price_area=price_area, first_day=days[0], last_day=days[-1]),
                start_to_close_timeout=READ_FOR,
                schedule_to_close_timeout=2 * READ_FOR,
                heartbeat_timeout=timedelta(seconds=given.patience.heartbeat_s * 4),
                retry_policy=READ_AGAIN,
                summary=f"{price_area}, meters from {days[0]} to {days[-1]}",
            )
        except ActivityError as error:
            return MetersRead(problems=(f"no meters were read ({error.cause})",))

    async def _day(self, given: SettlementInput, price_area: str, day: date) -> DaySettled:
        try:
            return await workflow.execute_activity_method(
                SettlementActivities.settle_day,
                SettleDay(clock=given.clock, price_area=price_area, day=day),
                start_to_close_timeout=SETTLE_FOR,
                heartbeat_timeout=timedelta(seconds=given.patience.heartbeat_s * 4),
                retry_policy=RETRY,
                summary=f"{price_area}, {day}",
            )
        except ActivityError as error:
            return DaySettled(pumps=0, reason=f"{day} was not settled ({error.cause})"[:400])

    async def _claim(self, given: SettlementInput, price_area: str, last: date) -> float | None:
        try:
            claim = await workflow.execute_activity_method(
                SettlementActivities.claim_savings,
                MakeClaim(clock=given.clock, price_area=price_area, first_day=last.replace(day=1), last_day=last),
                start_to_close_timeout=SETTLE_FOR,
                heartbeat_timeout=timedelta(seconds=given.patience.heartbeat_s * 4),
                retry_policy=RETRY,
                summary=f"{price_area}, the month to {last}",
            )
        except ActivityError:
            return None
        return None if claim is None or claim.total_eur is None else claim.total_eur.mean


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
