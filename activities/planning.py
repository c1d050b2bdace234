"""Activities of the planning: find what there is to plan, solve it shard by shard, and deliver every pump its plan.

Protects: a repeated attempt never makes a second revision nor solves a stored part again, a part that cannot be
solved does not cost the others of its shard their plan, and a fan-out goes on where the lost attempt was.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.plan_requests import RequestSources, cold_snap_pumps
from activities.steered import steered_now
from activities.submissions import judged, not_to_be_judged, speaking_of
from domain.base import Value
from domain.clock import SteeringClock
from domain.planning.fleet_plan import (
    Judged,
    PlanFigures,
    PlanningRequest,
    PlanOutline,
    Refusal,
    price_plan,
    pumps_by_mode,
)
from domain.planning.price_plan import PricePlan
from domain.planning.scope import EnrolledArea, GridCaps
from domain.planning.series import Basis
from domain.planning.shards import SHARD_PUMPS, Part, Shard, SolvedPart, nominated_shards, shards_of
from domain.ports import Judge, Nominations, PlanDelivery, Planner, PlanStore

log = structlog.get_logger(__name__)

BEAT_EVERY_S = 1.0
"""Wall seconds between heartbeats while the solver thinks."""
BATCH = 200
"""Price plans read from the ledger at a time."""
DELIVER_AGAIN = 2
"""A pump that could not be reached is tried again so often; then it waits for the next plan, in neutral."""
DELIVER_AGAIN_AFTER_S = 5.0
"""Wall seconds: a server that was away for a moment is back."""
LEAST_BUDGET_S = 0.5
"""Wall seconds for a part, however few pumps it has."""


class AreaToPlan(Value):
    """A price area with steered pumps."""

    area: EnrolledArea
    tz: str | None
    """Its market day's time zone; None where nothing is known of such an area."""


class OpenPlan(Value):
    """Divide a price area's pumps into shards under a new revision."""

    clock: SteeringClock
    key: str
    """What asks for it; a repeated attempt with the same key gets the same revision."""
    price_area: str
    price_version: int
    weather_versions: Mapping[str, int]
    """By weather cell; pumps of a cell without one are left out."""
    first_slot: datetime
    slots: int
    until: datetime
    caps: GridCaps
    is_preview: bool = False
    keeps_nomination: bool = True
    """Whether what was nominated for its slots binds it."""
    most_pumps: int = SHARD_PUMPS
    submission: str | None = None
    """A submitted plan to be judged, by its key; None where we plan. Opened as a preview, until it is taken."""


class PlanOpened(Value):
    """A revision that waits to be solved."""

    revision: int
    shards: int
    pumps: int
    """Steered pumps of the area, those left out included."""
    price_basis: Basis = Basis.PUBLISHED
    """What the prices rest on that it is solved with."""


class SolveShard(Value):
    """Plan the pumps of one shard."""

    clock: SteeringClock
    revision: int
    shard: int
    budget_s: float
    """Wall seconds for the whole shard."""


class DeliverShard(Value):
    """Hand one shard's plans out."""

    revision: int
    shard: int


class TakeSubmission(Value):
    """Make a judged submission a plan that pumps are given."""

    revision: int
    despite_refusals: bool


class ClosePlan(Value):
    """Nothing more comes of a revision."""

    clock: SteeringClock
    revision: int
    failed: Mapping[int, str] = {}
    """Shards that failed, with the reason."""


class PlanningActivities:
    """Divide, solve and deliver."""

    def __init__(
        self,
        sources: RequestSources,
        plans: PlanStore,
        planner: Planner,
        deliver: PlanDelivery,
        tz_of: Callable[[str], str],
        judge: Judge | None = None,
        nominations: Nominations | None = None,
    ) -> None:
        """`tz_of` names the time zone of a price area's market day; LookupError where the area is not known.

        `judge` is None where nobody else's plans are taken, `nominations` where nothing is ever nominated.
        """
        self._judge = judge
        self._nominations = nominations
        self._sources = sources
        self._plans = plans
        self._planner = planner
        self._deliver = deliver
        self._tz_of = tz_of

    @activity.defn
    async def find_areas(self) -> list[AreaToPlan]:
        """The price areas that pumps are enrolled in, and what each needs before it can be planned."""
        found = []
        for area in await self._sources.pumps.price_areas():
            try:
                tz = self._tz_of(area.price_area)
            except LookupError as error:
                log.warning("price area not planned", price_area=area.price_area, reason=str(error))
                found.append(AreaToPlan(area=area, tz=None))
            else:
                found.append(AreaToPlan(area=area, tz=tz))
        return found

    @activity.defn
    async def open_plan(self, given: OpenPlan) -> PlanOpened:
        """Divide the area's pumps into shards and store them under a revision."""
        return await with_heartbeat(self._open(given))

    async def _open(self, given: OpenPlan) -> PlanOpened:
        enrolments = await self._sources.pumps.enrolments(given.price_area)
        shards = shards_of(enrolments, given.caps, given.weather_versions, given.most_pumps)
        pumps = len(enrolments)
        refused: tuple[Refusal, ...] = ()
        if given.submission is not None:
            wanted = await self._plans.submitted(given.submission)
            refused = await not_to_be_judged(self._sources.pumps, given.price_area, wanted, enrolments, shards)
            pumps, shards = len(wanted), speaking_of(shards, wanted)
        if self._nominations is not None and given.keeps_nomination:
            for one in await self._nominations.nominations(given.price_area, given.first_slot):
                expected = await self._nominations.expected_loads(one)
                shards = nominated_shards(shards, enrolments, one, expected, given.first_slot, given.slots)
        outline = PlanOutline(
            price_area=given.price_area,
            price_version=given.price_version,
            first_slot=given.first_slot,
            slots=given.slots,
            until=given.until,
            pumps=pumps,
            is_preview=given.is_preview or given.submission is not None,
            submission=given.submission,
        )
        revision = await self._plans.open_plan(given.key, outline, shards, steered_now(given.clock)(), refused)
        # An earlier attempt may have stored it, of the pumps that there were then: what is stored counts.
        kept = await self._plans.outline(revision)
        prices = await self._sources.series.prices(kept.price_version)
        shards_kept = await self._plans.shard_count(revision)
        return PlanOpened(revision=revision, shards=shards_kept, pumps=kept.pumps, price_basis=prices.basis)

    @activity.defn
    async def solve_shard(self, given: SolveShard) -> int:
        """Solve and store the parts of a shard that are not stored yet; returns how many pumps it has plans for."""
        return await with_heartbeat(self._solve(given))

    async def _solve(self, given: SolveShard) -> int:
        outline = await self._plans.outline(given.revision)
        shard = await self._plans.shard(given.revision, given.shard)
        stored = dict(await self._plans.stored_parts(given.revision, given.shard))
        problems = []
        for place, part in enumerate(shard.parts):
            if place in stored:
                continue
            try:
                stored[place] = await self._solve_part(given, outline, shard, place, part)
            except Exception as error:  # noqa: BLE001 -- one part's bad numbers must not cost the others their plan
                reason = str(error).partition("\n")[0][:240]
                problems.append(f"{part.scope.grid_area} at {part.scope.weather_cell}: {reason}")
                log.warning("part not planned", plan=given.revision, shard=given.shard, part=place, reason=reason)
        if problems:
            raise ApplicationError("; ".join(problems)[:400], type="PartNotPlanned")
        return sum(stored.values())

    async def _solve_part(self, given: SolveShard, outline: PlanOutline, shard: Shard, place: int, part: Part) -> int:
        now = steered_now(given.clock)
        budget_s = max(LEAST_BUDGET_S, given.budget_s * len(part.pump_ids) / shard.pumps)
        request = await self._sources.request(outline, part, budget_s, now())
        schedules = await self._schedules(outline, part, request)
        result = schedules.result
        floors = {p.profile.enrolment.pump_id: p.floor for p in request.pumps}
        plans = {
            planned.pump_id: price_plan(given.revision, request, planned, outline.until, floors[planned.pump_id])
            for planned in result.pumps
        }
        solved = SolvedPart(
            asked=part,
            pumps=len(plans),
            cold_snap_pumps=cold_snap_pumps(pump for pump in request.pumps if pump.profile.enrolment.pump_id in plans),
            certificate=result.certificate,
            price_eur_per_mwh=request.prices.price_eur_per_mwh,
            cap_price_eur_per_mwh=result.cap_price_eur_per_mwh,
            neutral_load_kw=result.neutral_load_kw,
            power_kw={planned.pump_id: planned.expected_power_kw for planned in result.pumps},
            pumps_by_mode=pumps_by_mode(result.pumps),
            refused=schedules.refused,
        )
        is_new = await self._plans.store_part(given.revision, given.shard, place, solved, plans, now())
        log.info(
            "part planned" if is_new else "part was planned meanwhile",
            plan=given.revision,
            shard=given.shard,
            part=place,
            grid_area=part.scope.grid_area,
            pumps=len(plans),
            gap_pct=round(result.certificate.gap_pct, 3),
        )
        return len(plans)

    async def _schedules(self, outline: PlanOutline, part: Part, request: PlanningRequest) -> Judged:
        """Our own schedules of a part, or those of a submitted plan that keep our rules."""
        if outline.submission is None:
            return Judged(result=await self._planner(request), refused=())
        if self._judge is None:
            raise ApplicationError("this planner takes nobody else's plans", type="NoJudge", non_retryable=True)
        return await judged(self._plans, self._judge, outline, part, request)

    @activity.defn
    async def take_submission(self, given: TakeSubmission) -> bool:
        """Make a judged submission a plan; whether it was one to be taken."""
        return await self._plans.take_submission(given.revision, despite_refusals=given.despite_refusals)

    @activity.defn
    async def deliver_shard(self, given: DeliverShard) -> int:
        """Signal every pump of a shard its price plan; returns how many took it.

        A pump that cannot be reached costs the others nothing, and is tried again after them. Heartbeats carry the last
        pump tried, how many took it, and who is still to be tried again.
        """
        known = activity.info().heartbeat_details
        out = _FanOut(*known) if known else _FanOut()
        revision, shard = given.revision, given.shard
        while batch := await self._plans.price_plans(revision, shard, out.after, BATCH):
            await out.deliver(batch, self._deliver)
        for _ in range(DELIVER_AGAIN):
            if not out.missed:
                break
            await asyncio.sleep(DELIVER_AGAIN_AFTER_S)
            among, out.missed = out.missed, []
            await out.deliver(await self._plans.price_plans(revision, shard, "", len(among), among), self._deliver)
        if out.failed is not None and out.delivered == 0:
            raise out.failed  # nobody was reached: that is no matter of one pump
        await self._plans.note_delivered(revision, shard, out.delivered)
        return out.delivered

    @activity.defn
    async def close_plan(self, given: ClosePlan) -> PlanFigures:
        """Write down which shards failed, and sum up what was solved."""
        await self._plans.close_plan(given.revision, given.failed, steered_now(given.clock)())
        figures = await self._plans.figures(given.revision)
        log.info("fleet plan closed", plan=given.revision, pumps=figures.pumps, failed=len(given.failed))
        return figures


@dataclass
class _FanOut:
    """How far a shard was handed out."""

    after: str = ""
    delivered: int = 0
    missed: list[str] = field(default_factory=list)
    failed: Exception | None = None

    async def deliver(self, batch: Sequence[tuple[str, PricePlan]], deliver: PlanDelivery) -> None:
        for pump_id, plan in batch:
            try:
                self.delivered += await deliver(pump_id, plan)
            except Exception as error:  # noqa: BLE001 -- one unreachable pump must not cost the others their plan
                self.failed = error
                self.missed.append(pump_id)
                log.warning("price plan not delivered", pump=pump_id, plan=plan.revision, reason=str(error)[:200])
            self.after = max(self.after, pump_id)
            activity.heartbeat(self.after, self.delivered, self.missed)


async def with_heartbeat[T](work: Awaitable[T]) -> T:
    """Beat while the work goes on, so that a dead planner is noticed long before its time is out."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(BEAT_EVERY_S)

    beating = asyncio.create_task(beat())
    try:
        return await work
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
