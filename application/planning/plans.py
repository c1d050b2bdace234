"""Plans by hand: made now for a day and an area, previewed, and shown for a pump or an area.

Protects: a run by hand plans as the Schedule's own runs do, under the same limits; a preview reaches no pump.
"""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from temporalio.client import ScheduleActionStartWorkflow, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from application.access import Access
from application.audit_log import Actor, audited
from application.errors import ErrorCode, Failed, Refused, Unanswered
from application.planning.segment_reasons import Reason, reasons_of
from domain.planning.fleet_plan import Certificate, merged
from domain.planning.load_curve import NominatedPower, Nomination, added
from domain.planning.price_plan import PricePlan
from domain.slots import SLOT_HOURS
from workflows.contracts import (
    PLANNER_QUEUE,
    PLANNING_SCHEDULE_ID,
    PLANNING_WORKFLOW_ID,
    PlanningInput,
    PlanningResult,
)
from workflows.fleet_planning import FleetPlanning

RUN_PATIENCE_S = 600.0
"""Wall seconds a person waits for a run; the run itself goes on until its own patience ends."""


@dataclass(frozen=True)
class PlannedDeviation:
    """How far a plan's load is from what was nominated, of the shown parts together, and what that costs."""

    curves: Sequence[int]
    """Versions of the load curves that were nominated."""
    nominated_kwh: float
    above_kwh: float
    below_kwh: float
    eur: float
    neutral_eur: float
    """The same with every pump neutral throughout."""


@dataclass(frozen=True)
class PlanView:
    """A revision as it stands in the ledger."""

    revision: int
    price_area: str
    first_slot: datetime
    until: datetime
    pumps: int
    """Steered pumps of the price area."""
    is_preview: bool
    price_version: int
    price_basis: str
    """published, or estimated where the market was silent."""
    created_at: datetime
    closed_at: datetime | None
    """None while it is being solved and delivered."""
    certificate: Certificate | None
    """Of the parts shown together; None where nothing is solved."""
    shards: Sequence[dict[str, Any]]
    """shard, pumps, delivered (None before), failure (None for none)."""
    parts: Sequence[dict[str, Any]]
    """shard, part, grid_area, weather_cell, tariff, pumps, cap_kw, certificate, price_eur_per_mwh,
    cap_price_eur_per_mwh, load_kw, pumps_by_mode, nominated (None for nothing) and more."""
    submission: str | None = None
    """The key of the submitted plan whose schedules these are; None for our own."""
    planned_by: str | None = None
    """Who made that one; None for our own."""
    deviation: PlannedDeviation | None = None
    """From what was nominated; None where nothing bound the plan."""
    nominated_since: Sequence[Nomination] = ()
    """What was nominated of its day after it was made, and does not bind it."""


@dataclass(frozen=True)
class PumpPlanView:
    """The newest plan that a pump was made."""

    pump_id: str
    revision: int
    created_at: datetime
    price_area: str
    grid_area: str
    weather_cell: str
    tariff: str
    cap_kw: float | None
    plan: PricePlan
    price_eur_per_mwh: Sequence[float]
    """What the home pays, by slot from the plan's first slot on."""
    cap_price_eur_per_mwh: Sequence[float]
    """What its grid area's limit and nomination add to that, by slot."""
    power_kw: Sequence[float]
    """Expected power of the heating, by slot."""
    reasons: Sequence[Reason] = ()
    """Why, for each segment of the plan."""
    planned_by: str | None = None
    """Who made the submitted plan that it is of; None for our own."""


@dataclass(frozen=True)
class MadePlans:
    """What a run by hand came to."""

    result: PlanningResult
    plans: Sequence[PlanView] = field(default=())


async def make_plans(access: Access, price_area: str | None, day: date | None, by: Actor) -> MadePlans:
    """Plan a market day (today where none is given) of one price area or of all, and deliver what was made.

    Raises Refused for a price area without pumps and Failed where the run did not end well.
    """
    given = await order_of(access, price_area, day)
    detail = {"day": str(given.day), "price_area": price_area}
    return await audited(access, "plan-run", price_area or "all", by, detail, lambda: _run(access, given))


async def preview_plans(access: Access, price_area: str | None, day: date | None) -> MadePlans:
    """As `make_plans`, with what is known of the pumps and without signalling any of them."""
    given = await order_of(access, price_area, day)
    return await _run(access, given.model_copy(update={"is_preview": True}))


async def show_plan(access: Access, subject: str) -> PlanView | PumpPlanView:
    """The newest plan of a pump, a price area or a grid area; raises Refused where there is none."""
    queries = access.ledger.plan_queries
    if (found := await queries.newest_of_pump(subject)) is not None:
        return _pump_view(subject, found)
    if (outline := await queries.newest_of_area(subject)) is not None:
        return await _view(access, outline, None if outline["price_area"] == subject else subject)
    areas = [area.price_area for area in await access.ledger.pumps.price_areas()]
    sentence = f"there is no plan of a pump, grid area or price area {subject}; price areas are {_listed(areas)}"
    raise Refused(ErrorCode.UNKNOWN_SCOPE, sentence, kind="plan", name=subject, known=areas)


async def order_of(access: Access, price_area: str | None, day: date | None) -> PlanningInput:
    """The Schedule's own input, for one area and day."""
    known = [area.price_area for area in await access.ledger.pumps.price_areas()]
    if price_area is not None and price_area not in known:
        sentence = f"no steered pump is enrolled in price area {price_area}: there are {_listed(known)}"
        raise Refused(ErrorCode.UNKNOWN_SCOPE, sentence, kind="price area", name=price_area, known=known)
    usual, tz = await usual_planning(access, day)
    chosen = day or access.now().astimezone(tz).date()
    given: PlanningInput = usual.model_copy(update={"price_area": price_area, "day": chosen})
    return given


async def usual_planning(access: Access, day: date | None = None) -> tuple[PlanningInput, ZoneInfo]:
    """The planning Schedule's own input and time zone; raises Failed where there is no Schedule."""
    try:
        described = await access.client.get_schedule_handle(PLANNING_SCHEDULE_ID).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        sentence = "there is no planning Schedule in this namespace"
        raise Failed(ErrorCode.PLANNING_FAILED, sentence, day=day, workflow_id=PLANNING_SCHEDULE_ID) from error
    action = described.schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)
    (usual,) = await access.client.data_converter.decode(action.args, [PlanningInput])
    return usual, ZoneInfo(described.schedule.spec.time_zone_name or "UTC")


async def _run(access: Access, given: PlanningInput) -> MadePlans:
    result = await run_to_the_end(access, given, f"by-hand-{uuid.uuid4().hex[:12]}")
    return MadePlans(result, [await view_of(access, revision) for revision in result.revisions])


async def run_to_the_end(access: Access, given: PlanningInput, name: str) -> PlanningResult:
    """Start a planning run, or join the one that goes by this name already, and wait for its end.

    Raises Failed where it did not end well and Unanswered where it goes on for longer than a person waits.
    """
    workflow_id = f"{PLANNING_WORKFLOW_ID}-{name}"
    handle = await access.client.start_workflow(
        FleetPlanning.run,
        given,
        id=workflow_id,
        task_queue=PLANNER_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    facts = {"day": given.day, "workflow_id": workflow_id}
    try:
        return await asyncio.wait_for(handle.result(), RUN_PATIENCE_S)
    except TimeoutError:
        sentence = f"planning {given.day} goes on, but did not end within {RUN_PATIENCE_S:.0f} s ({workflow_id})"
        raise Unanswered(ErrorCode.PLANNING_FAILED, sentence, **facts) from None
    except WorkflowFailureError as error:
        sentence = f"planning {given.day} failed: {error.cause}; its history says why ({workflow_id})"
        raise Failed(ErrorCode.PLANNING_FAILED, sentence, **facts) from error


async def view_of(access: Access, revision: int) -> PlanView:
    """A revision, previews included, with all its parts."""
    outline = await access.ledger.plan_queries.revision(revision)
    assert outline is not None
    return await _view(access, outline)


async def _view(access: Access, outline: dict[str, Any], grid_area: str | None = None) -> PlanView:
    """A revision with all its parts, or those of one grid area and their shards."""
    queries, revision = access.ledger.plan_queries, outline["revision"]
    parts = [part for part in await queries.parts(revision) if grid_area in (None, part["grid_area"])]
    within = {part["shard"] for part in parts}
    shards = [shard for shard in await queries.shards(revision) if grid_area is None or shard["shard"] in within]
    certificates = [Certificate.model_validate(part["certificate"]) for part in parts]
    return PlanView(
        revision=revision,
        price_area=outline["price_area"],
        first_slot=outline["first_slot"],
        until=outline["until"],
        pumps=outline["pumps"],
        is_preview=outline["is_preview"],
        submission=outline["submission"],
        planned_by=outline["planned_by"],
        price_version=outline["price_version"],
        price_basis=(await access.ledger.series.prices(outline["price_version"])).basis.value,
        created_at=outline["created_at"],
        closed_at=outline["closed_at"],
        certificate=merged(certificates) if certificates else None,
        shards=shards,
        parts=parts,
        deviation=_deviation(parts),
        nominated_since=[
            one
            for one in await access.ledger.load_curves.nominations(outline["price_area"], outline["first_slot"])
            if one.given_at > outline["created_at"] and grid_area in (None, one.area)
        ],
    )


def _deviation(parts: Sequence[Mapping[str, Any]]) -> PlannedDeviation | None:
    """Where a nomination was divided over parts, what one is above makes up for what another is below."""
    named = [part for part in parts if part["nominated"] is not None]
    if not named:
        return None
    above_kwh = below_kwh = eur = neutral_eur = kwh = 0.0
    curves = sorted({part["nominated"]["curve"] for part in named})
    for curve in curves:
        mine = [part for part in named if part["nominated"]["curve"] == curve]
        power = NominatedPower.model_validate(mine[0]["nominated"])
        of_area = power.model_copy(update={"power_kw": added(part["nominated"]["power_kw"] for part in mine)})
        above, below = of_area.deviation_kwh(added(part["load_kw"] for part in mine))
        above_kwh, below_kwh, kwh = above_kwh + above, below_kwh + below, kwh + sum(of_area.power_kw) * SLOT_HOURS
        eur += of_area.cost_eur(above, below)
        neutral_eur += of_area.cost_eur(*of_area.deviation_kwh(added(part["neutral_load_kw"] for part in mine)))
    return PlannedDeviation(curves, kwh, above_kwh, below_kwh, eur, neutral_eur)


def _pump_view(pump_id: str, found: dict[str, Any]) -> PumpPlanView:
    plan = PricePlan.model_validate(found["plan"])
    return PumpPlanView(
        pump_id=pump_id,
        revision=found["revision"],
        planned_by=found["planned_by"],
        created_at=found["created_at"],
        price_area=found["price_area"],
        grid_area=found["grid_area"],
        weather_cell=found["weather_cell"],
        tariff=found["tariff"],
        cap_kw=found["cap_kw"],
        plan=plan,
        price_eur_per_mwh=found["price_eur_per_mwh"],
        cap_price_eur_per_mwh=found["cap_price_eur_per_mwh"],
        power_kw=found["power_kw"],
        reasons=reasons_of(plan, found["price_eur_per_mwh"], found["cap_price_eur_per_mwh"])
        if found["planned_by"] is None
        else (Reason.SUBMITTED,) * len(plan.segments),
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
