"""The planning of one price area: wait for its prices and weather, read its pumps, solve and deliver shard by shard.

Protects: a cell without weather, a shard that cannot be solved and a pump that cannot be reached cost the others
nothing; and a finished shard is never solved again, whatever dies.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

from activities.market import FetchPrices, FetchWeather, MarketActivities, NewestPrices
from activities.planning import (
    ClosePlan,
    DeliverShard,
    OpenPlan,
    PlanningActivities,
    PlanOpened,
    SolveShard,
    TakeSubmission,
)
from activities.pumps import ObserveFleet, PumpActivities
from domain.planning.extremes import COLD_SNAP_SLOTS
from domain.planning.fleet_plan import PlanFigures
from domain.planning.series import Basis
from domain.slots import SLOT, bounds_of, slot_start
from workflows import contracts
from workflows.contracts import AreaPlanned, AreaPlanningInput, PlanningInput

PRICE_PATIENCE = timedelta(hours=9)
"""Steered: from the scheduled afternoon until late evening; the next firing is a day away."""
PRICE_PATIENCE_WITHIN = timedelta(minutes=10)
"""Steered, of a day that has begun: every hour without a plan costs more than one that is renewed later."""
PRICE_PATIENCE_JUDGING = timedelta(minutes=1)
"""Steered, for a submitted plan: who made it waits for the answer, and no price decides whether it keeps the rules."""
WEATHER_PATIENCE = timedelta(minutes=30)
FIRST_ASK_AGAIN = timedelta(minutes=1)
LONGEST_ASK_AGAIN = timedelta(minutes=3)
"""Late prices must be planned with within five minutes."""
FORECASTS_AT_ONCE = 16
"""A price area may have hundreds of weather cells; a forecast service need not answer for all of them in one moment."""
SOLVED_AT_ONCE = 4
"""Shards of an area that are being solved; each takes a core and memory of some planner worker."""
DELIVERED_AT_ONCE = 8
SOLVE_ATTEMPTS = 5
OPEN_PATIENCE = timedelta(minutes=10)


@dataclass
class _Horizon:
    """The slots that are planned."""

    day: date
    first_slot: datetime
    end: datetime

    @property
    def slots(self) -> int:
        return (self.end - self.first_slot) // SLOT


@dataclass
class _Shards:
    """What became of the shards so far, and how many are worked on at a time."""

    count: int
    solved: int = 0
    delivered: int = 0
    failed: dict[int, str] = field(default_factory=dict)
    is_withheld: bool = False
    """Nobody is given anything of it: a preview, or a submitted plan that is not taken."""
    solving: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SOLVED_AT_ONCE))
    delivering: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(DELIVERED_AT_ONCE))

    def fail(self, number: int, problem: str) -> None:
        """One more problem of a shard."""
        self.failed[number] = f"{self.failed[number]}; {problem}" if number in self.failed else problem


@workflow.defn
class AreaPlanning:
    """One planning run for one market day of one price area."""

    def __init__(self) -> None:
        self._stage = "starting"

    @workflow.run
    async def run(self, area: AreaPlanningInput) -> AreaPlanned:
        given = area.planning
        day_start, end = bounds_of(area.day, area.tz)
        self._say(f"waiting for the prices of {area.day}")
        price_version = area.price_version or await self._prices(area, day_start)
        horizon = _Horizon(area.day, self._first_slot(given, day_start), end)
        if horizon.slots < 1:
            return self._left(area, f"{area.day} is over: nothing left to plan")
        self._say(f"asking for the weather of {area.day}")
        weather = await self._weather(area, horizon)
        if not weather:
            return self._left(area, f"no weather for {area.day}: pumps stay neutral")
        if not given.is_preview and area.price_version is None:  # a renewal is no reason to spend their quota
            self._say("reading the pumps")
            await asyncio.gather(*(self._observe(area, oem) for oem in area.area.oems))
        opened = await self._open(area, horizon, price_version, weather)
        shards = _Shards(count=opened.shards, is_withheld=given.is_preview)
        if given.submission is None:
            await self._solve_and_deliver(given, opened, shards)
        else:
            await self._judge_and_deliver(given, opened, shards)
        figures = await self._close(given, opened, shards)
        return self._planned(area, horizon, opened, shards, figures)

    def _say(self, stage: str) -> None:
        self._stage = stage
        workflow.set_current_details(stage)

    def _left(self, area: AreaPlanningInput, reason: str) -> AreaPlanned:
        self._say(reason)
        return AreaPlanned(price_area=area.area.price_area, day=area.day, pumps=area.area.pumps, reason=reason)

    def _first_slot(self, given: PlanningInput, day_start: datetime) -> datetime:
        """The first slot that has not begun; the whole day where it is still ahead."""
        now = given.clock.steered(workflow.now())
        return day_start if now <= day_start else slot_start(now) + SLOT

    async def _prices(self, area: AreaPlanningInput, day_start: datetime) -> int:
        given, price_area = area.planning, area.area.price_area
        is_ahead = given.clock.steered(workflow.now()) < day_start
        patience = PRICE_PATIENCE if is_ahead else PRICE_PATIENCE_WITHIN
        if given.submission is not None:
            patience = PRICE_PATIENCE_JUDGING
        try:
            return await workflow.execute_activity_method(
                MarketActivities.fetch_prices,
                FetchPrices(clock=given.clock, price_area=price_area, tz=area.tz, day=area.day),
                schedule_to_close_timeout=self._wall(given, patience),
                start_to_close_timeout=timedelta(seconds=given.patience.start_to_close_s),
                retry_policy=self._growing(given),
                summary=f"{price_area} prices of {area.day}",
            )
        except ActivityError:
            return await workflow.execute_activity_method(
                MarketActivities.newest_prices,
                NewestPrices(clock=given.clock, price_area=price_area, tz=area.tz, day=area.day),
                start_to_close_timeout=timedelta(seconds=given.patience.start_to_close_s),
                summary=f"the last good, estimated or flat prices of {price_area}",
            )

    async def _weather(self, area: AreaPlanningInput, horizon: _Horizon) -> dict[str, int]:
        """The version of every cell that has a forecast."""
        lane = asyncio.Semaphore(FORECASTS_AT_ONCE)

        async def of(cell: str) -> int | None:
            async with lane:
                return await self._forecast(area, cell, horizon)

        cells = area.area.weather_cells
        versions = await asyncio.gather(*(of(cell) for cell in cells))
        return {cell: version for cell, version in zip(cells, versions, strict=True) if version is not None}

    async def _forecast(self, area: AreaPlanningInput, cell: str, horizon: _Horizon) -> int | None:
        given = area.planning
        try:
            return await workflow.execute_activity_method(
                MarketActivities.fetch_weather,
                FetchWeather(
                    clock=given.clock,
                    price_area=area.area.price_area,
                    cell=cell,
                    first_slot=horizon.first_slot,
                    slots=max(horizon.slots, COLD_SNAP_SLOTS),
                ),
                schedule_to_close_timeout=self._wall(given, WEATHER_PATIENCE),
                start_to_close_timeout=timedelta(seconds=given.patience.start_to_close_s),
                retry_policy=self._growing(given),
                summary=f"forecast for {cell}",
            )
        except ActivityError as error:
            workflow.logger.warning("no forecast for %s: %s", cell, error.cause)
            return None

    async def _observe(self, area: AreaPlanningInput, oem: str) -> None:
        """Pumps that cannot be read are planned from what is known; that is no reason not to plan."""
        given = area.planning
        try:
            await workflow.execute_activity_method(
                PumpActivities.observe_fleet,
                ObserveFleet(clock=given.clock, oem=oem, price_area=area.area.price_area),
                task_queue=contracts.oem_queue(oem),
                schedule_to_close_timeout=self._wall(given, timedelta(minutes=45)),
                start_to_close_timeout=timedelta(minutes=30),
                heartbeat_timeout=timedelta(seconds=given.patience.start_to_close_s),
                summary=f"read every {oem} pump of {area.area.price_area}",
            )
        except ActivityError as error:
            workflow.logger.warning("pumps not read: %s", error.cause)

    async def _open(
        self, area: AreaPlanningInput, horizon: _Horizon, price_version: int, weather: dict[str, int]
    ) -> PlanOpened:
        given, info = area.planning, workflow.info()
        return await workflow.execute_activity_method(
            PlanningActivities.open_plan,
            OpenPlan(
                clock=given.clock,
                key=f"{info.workflow_id}/{info.run_id}",
                price_area=area.area.price_area,
                price_version=price_version,
                weather_versions=weather,
                first_slot=horizon.first_slot,
                slots=horizon.slots,
                until=min(horizon.end, given.until) if given.until else horizon.end,
                caps=given.caps,
                is_preview=given.is_preview,
                keeps_nomination=given.keeps_nomination,
                most_pumps=given.most_pumps_per_shard,
                submission=given.submission,
            ),
            schedule_to_close_timeout=OPEN_PATIENCE,
            heartbeat_timeout=timedelta(seconds=given.patience.heartbeat_s),
            summary="divide the pumps into shards",
        )

    async def _solve_and_deliver(self, given: PlanningInput, opened: PlanOpened, shards: _Shards) -> None:
        async def one(number: int) -> None:
            await self._solve_one(given, opened, shards, number)
            if not shards.is_withheld:  # also of a shard that failed: some of its parts may be planned
                await self._deliver_one(given, opened, shards, number)

        self._show(opened, shards)
        await asyncio.gather(*(one(number) for number in range(opened.shards)))

    async def _judge_and_deliver(self, given: PlanningInput, opened: PlanOpened, shards: _Shards) -> None:
        """As `_solve_and_deliver`, but no pump is given anything before all of them were judged."""
        self._show(opened, shards)
        await asyncio.gather(*(self._solve_one(given, opened, shards, number) for number in range(opened.shards)))
        is_whole = given.despite_refusals or not shards.failed
        shards.is_withheld = shards.is_withheld or not (is_whole and await self._take(given, opened))
        if not shards.is_withheld:
            await asyncio.gather(*(self._deliver_one(given, opened, shards, number) for number in range(opened.shards)))

    async def _solve_one(self, given: PlanningInput, opened: PlanOpened, shards: _Shards, number: int) -> None:
        async with shards.solving:
            if problem := await self._solve(given, opened, number):
                shards.fail(number, problem)
            else:
                shards.solved += 1
            self._show(opened, shards)

    async def _deliver_one(self, given: PlanningInput, opened: PlanOpened, shards: _Shards, number: int) -> None:
        async with shards.delivering:
            taken, problem = await self._deliver(given, opened, number)
            shards.delivered += taken
            if problem:
                shards.fail(number, problem)
        self._show(opened, shards)

    async def _take(self, given: PlanningInput, opened: PlanOpened) -> bool:
        return await workflow.execute_activity_method(
            PlanningActivities.take_submission,
            TakeSubmission(revision=opened.revision, despite_refusals=given.despite_refusals),
            schedule_to_close_timeout=OPEN_PATIENCE,
            start_to_close_timeout=timedelta(seconds=given.patience.start_to_close_s),
            summary=f"take submission {given.submission}"[:180],
        )

    def _show(self, opened: PlanOpened, shards: _Shards) -> None:
        failed = f", {len(shards.failed)} failed" if shards.failed else ""
        self._say(
            f"revision {opened.revision}: {shards.solved} of {shards.count} shards solved{failed}; "
            f"{shards.delivered} of {opened.pumps} pumps have their plan"
        )

    async def _solve(self, given: PlanningInput, opened: PlanOpened, number: int) -> str:
        """What went wrong, or nothing."""
        try:
            await workflow.execute_activity_method(
                PlanningActivities.solve_shard,
                SolveShard(clock=given.clock, revision=opened.revision, shard=number, budget_s=given.budget_s),
                start_to_close_timeout=timedelta(seconds=given.budget_s * 3 + 60),
                heartbeat_timeout=timedelta(seconds=given.patience.heartbeat_s),
                retry_policy=RetryPolicy(maximum_attempts=SOLVE_ATTEMPTS),
                summary=f"solve shard {number}",
            )
        except ActivityError as error:
            return f"not solved: {error.cause}"[:400]
        return ""

    async def _deliver(self, given: PlanningInput, opened: PlanOpened, number: int) -> tuple[int, str]:
        """How many pumps took their plan, and what went wrong."""
        try:
            taken = await workflow.execute_activity_method(
                PlanningActivities.deliver_shard,
                DeliverShard(revision=opened.revision, shard=number),
                schedule_to_close_timeout=timedelta(hours=2),
                start_to_close_timeout=timedelta(hours=1),
                heartbeat_timeout=timedelta(seconds=given.patience.heartbeat_s),
                summary=f"deliver shard {number}",
            )
        except ActivityError as error:
            return 0, f"not delivered: {error.cause}"[:400]
        return taken, ""

    async def _close(self, given: PlanningInput, opened: PlanOpened, shards: _Shards) -> PlanFigures:
        return await workflow.execute_activity_method(
            PlanningActivities.close_plan,
            ClosePlan(clock=given.clock, revision=opened.revision, failed=dict(sorted(shards.failed.items()))),
            schedule_to_close_timeout=OPEN_PATIENCE,
            start_to_close_timeout=timedelta(seconds=given.patience.start_to_close_s),
            summary=f"close revision {opened.revision}",
        )

    def _planned(
        self, area: AreaPlanningInput, horizon: _Horizon, opened: PlanOpened, shards: _Shards, figures: PlanFigures
    ) -> AreaPlanned:
        made, reasons = figures.certificate, [shards.failed[number] for number in sorted(shards.failed)]
        if opened.price_basis is not Basis.PUBLISHED:
            reasons.insert(0, f"prices are {opened.price_basis.value}: the market was silent")
        if not_planned := opened.pumps - figures.pumps:
            why = "no weather, or not solved" if area.planning.submission is None else "refused, or not judged"
            reasons.insert(0, f"{not_planned} of {opened.pumps} pumps have no plan: {why}")
        not_taken = 0 if shards.is_withheld else figures.pumps - shards.delivered
        if not_taken:
            reasons.insert(0, f"{not_taken} of {figures.pumps} pumps did not take it: retired, or not reached")
        if area.planning.submission is not None and shards.is_withheld and not area.planning.is_preview:
            reasons.insert(0, "nothing was taken of the submitted plan")
        summary = f"revision {opened.revision}: {shards.delivered} of {opened.pumps} pumps"
        if made is not None:
            summary += f", {made.cost_eur:.2f} EUR, at most {made.gap_pct:.2f} % above the bound"
        if figures.cold_snap_pumps:
            summary += f"; cold snap: {figures.cold_snap_pumps} pumps at neutral or above"
        self._say("; ".join([summary, *reasons])[:800])
        return AreaPlanned(
            price_area=area.area.price_area,
            day=horizon.day,
            revision=opened.revision if made is not None or area.planning.submission is not None else None,
            pumps=opened.pumps,
            delivered=shards.delivered,
            cold_snap_pumps=figures.cold_snap_pumps,
            shards=shards.count,
            failed_shards=len(shards.failed),
            reason="; ".join(_without_repetition(reasons))[:800],
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


def _without_repetition(reasons: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(reasons))
