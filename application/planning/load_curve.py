"""The load of an area before gate closure: planned as a preview at estimated prices, and stored as a version.

Protects: a curve is made by the very planning that plans its day later, under the same limits, and reaches no pump.
"""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from temporalio.client import WorkflowFailureError

from application.access import Access
from application.errors import ErrorCode, Failed, Refused
from application.planning.plans import RUN_PATIENCE_S, usual_planning
from domain.planning.estimate import (
    LOOK_BACK,
    days_like,
    estimated_prices,
    flat_prices,
    prices_as_on,
    prices_at_level,
)
from domain.planning.load_curve import LoadCurve, LoadError, Scenario, added, load_error
from domain.planning.scope import EnrolledArea
from domain.planning.series import Basis, WholesalePrices
from domain.slots import bounds_of
from workflows.area_planning import AreaPlanning
from workflows.contracts import PLANNER_QUEUE, PLANNING_WORKFLOW_ID, AreaPlanningInput

SCENARIOS_AT_ONCE = 2
DAYS_LIKE_IT = 4
"""More of them say little more of how prices may turn out, and each is a plan of the whole area."""


@dataclass(frozen=True)
class StoredCurve:
    """A curve with its version."""

    version: int
    curve: LoadCurve


@dataclass(frozen=True)
class _Planned:
    """What a preview says of the area."""

    scenario: Scenario
    neutral_kw: tuple[float, ...]
    outdoor_c: tuple[float, ...]
    first_slot: datetime
    pumps: int
    weather_versions: tuple[int, ...]


async def make_load_curve(
    access: Access, area: str, day: date | None, levels: Sequence[float], tz_of: Callable[[str], str]
) -> StoredCurve:
    """Plan a market day (tomorrow where none is given) of a grid area or price area without telling any pump, and store
    its load: at the published prices where there are some, else at estimated ones.

    `levels` are means in EUR/MWh that the day's prices are moved to as well; `tz_of` names the time zone of a price
    area's market day. Raises Refused for an area without pumps or a day that is over, Failed where planning failed.
    """
    within = await market_area(access, area)
    tz = tz_of(within.price_area)
    made_at = access.now()
    usual, local = await usual_planning(access, day)
    chosen = day or made_at.astimezone(local).date() + timedelta(days=1)
    if bounds_of(chosen, tz)[1] <= made_at:
        sentence = f"{chosen} is over: a load curve is made of a day that is still to come"
        raise Refused(ErrorCode.INVALID_VALUE, sentence, field="day", value=str(chosen), problem="is over")
    version, like = await _prices(access, within.price_area, chosen, tz)
    prices = await access.ledger.series.prices(version)
    preview = usual.model_copy(
        update={"price_area": within.price_area, "day": chosen, "is_preview": True, "keeps_nomination": False}
    )
    asked = AreaPlanningInput(planning=preview, area=within, tz=tz, day=chosen)
    named = {f"as on {_date(one, tz)}": prices_as_on(one, chosen, tz) for one in like}
    named |= {f"mean {level:g}": prices_at_level(prices, level) for level in levels}
    versions = {"base": version} | {
        name: await access.ledger.series.store_prices(scenario, made_at) for name, scenario in named.items()
    }
    planned = await _plan_all(access, asked, area, versions)
    base = planned["base"]
    curve = LoadCurve.of(
        base.neutral_kw,
        base.outdoor_c,
        base.first_slot,
        area=area,
        price_area=within.price_area,
        day=chosen,
        made_at=made_at,
        pumps=base.pumps,
        basis=prices.basis,
        base=base.scenario,
        weather_versions=base.weather_versions,
        days_like_it=tuple(planned[name].scenario for name in versions if name.startswith("as on ")),
        levels=tuple(planned[name].scenario for name in versions if name.startswith("mean ")),
    )
    return StoredCurve(await access.ledger.load_curves.store(curve), curve)


async def load_errors(
    access: Access, area: str, first: date, last: date, tz_of: Callable[[str], str]
) -> Sequence[LoadError]:
    """How far the newest curve of each of these days was from what its pumps' plans came to be, oldest day first.

    Days without a curve or a plan are missing. Raises Refused for an area without pumps.
    """
    within = await market_area(access, area)
    tz, found = tz_of(within.price_area), []
    for version, curve in await access.ledger.load_curves.newest_by_day(area, first, last):
        came_kw = await access.ledger.load_curves.planned_kw(area, *bounds_of(curve.day, tz))
        error = load_error(version, curve, dict(came_kw))
        found += [] if error is None else [error]
    return found


async def market_area(access: Access, area: str) -> EnrolledArea:
    """The price area of this name, or the one that the grid area of this name lies in."""
    areas = {one.price_area: one for one in await access.ledger.pumps.price_areas()}
    if area in areas:
        return areas[area]
    holds = {p.enrolment.price_area for p in await access.ledger.pumps.active() if p.enrolment.grid_area == area}
    if len(holds) == 1 and (name := holds.pop()) in areas:
        return areas[name]
    problem = f"several price areas have a grid area {area}" if holds else f"no steered pump is enrolled in {area}"
    sentence = f"{problem}: price areas are {', '.join(areas) or 'none'}"
    raise Refused(ErrorCode.UNKNOWN_SCOPE, sentence, kind="area", name=area, known=list(areas))


async def _prices(access: Access, price_area: str, day: date, tz: str) -> tuple[int, Sequence[WholesalePrices]]:
    """The version of the day's prices, and the days that they may turn out like where they are not published."""
    series, (start, end) = access.ledger.series, bounds_of(day, tz)
    published = await series.newest_prices(price_area, start, end)
    if published is not None:
        return published, ()
    known = await series.published_days(price_area, start - LOOK_BACK, start)
    estimate = estimated_prices(known, day, tz) or flat_prices(known, price_area, day, tz)
    version = await series.store_prices(estimate, access.now())
    return version, () if estimate.basis is Basis.FLAT else days_like(known, day, tz, DAYS_LIKE_IT)


def _date(prices: WholesalePrices, tz: str) -> date:
    return prices.start.astimezone(ZoneInfo(tz)).date()


async def _plan_all(
    access: Access, asked: AreaPlanningInput, area: str, versions: Mapping[str, int]
) -> Mapping[str, _Planned]:
    """A preview at each version of prices, by name; their single pumps' plans are not kept."""
    lane = asyncio.Semaphore(SCENARIOS_AT_ONCE)

    async def plan(name: str, version: int) -> _Planned:
        async with lane:
            revision = await _preview(access, asked.model_copy(update={"price_version": version}))
            return await _planned(access, area, name, version, revision)

    found = await asyncio.gather(*(plan(name, version) for name, version in versions.items()))
    await access.ledger.load_curves.forget_pumps([one.scenario.revision for one in found])
    return dict(zip(versions, found, strict=True))


async def _preview(access: Access, asked: AreaPlanningInput) -> int:
    workflow_id = f"{PLANNING_WORKFLOW_ID}-load-curve-{uuid.uuid4().hex[:12]}"
    facts: dict[str, Any] = {"day": asked.day, "workflow_id": workflow_id}
    try:
        made = await asyncio.wait_for(
            access.client.execute_workflow(AreaPlanning.run, asked, id=workflow_id, task_queue=PLANNER_QUEUE),
            RUN_PATIENCE_S,
        )
    except TimeoutError:
        sentence = f"planning {asked.day} did not end within {RUN_PATIENCE_S:.0f} s ({workflow_id})"
        raise Failed(ErrorCode.PLANNING_FAILED, sentence, **facts) from None
    except WorkflowFailureError as error:
        sentence = f"planning {asked.day} failed: {error.cause}; its history says why ({workflow_id})"
        raise Failed(ErrorCode.PLANNING_FAILED, sentence, **facts) from error
    if made.revision is None:
        raise Failed(ErrorCode.PLANNING_FAILED, f"no load curve of {asked.day}: {made.reason}", **facts)
    return made.revision


async def _planned(access: Access, area: str, name: str, version: int, revision: int) -> _Planned:
    """What a revision says of the area, its parts added up."""
    queries = access.ledger.plan_queries
    outline = await queries.revision(revision)
    assert outline is not None
    parts = [p for p in await queries.parts(revision) if area in (outline["price_area"], p["grid_area"])]
    if not parts:
        sentence = f"no pump of {area} could be planned: no weather, or not solved (preview {revision})"
        raise Failed(ErrorCode.PLANNING_FAILED, sentence, day=None, workflow_id=str(revision))
    pumps, prices = sum(part["pumps"] for part in parts), await access.ledger.series.prices(version)
    outdoor = []
    for part in parts:
        weather = await access.ledger.series.weather(part["weather_version"])
        celsius = weather.cut(outline["first_slot"], outline["slots"]).outdoor_c
        outdoor.append([value * part["pumps"] / max(pumps, 1) for value in celsius])
    return _Planned(
        scenario=Scenario(
            name=name,
            price_version=version,
            revision=revision,
            mean_price_eur_per_mwh=round(sum(prices.price_eur_per_mwh) / len(prices.price_eur_per_mwh), 3),
            load_kw=added(part["load_kw"] for part in parts),
        ),
        neutral_kw=added(part["neutral_load_kw"] for part in parts),
        outdoor_c=added(outdoor),
        first_slot=outline["first_slot"],
        pumps=pumps,
        weather_versions=tuple(sorted({part["weather_version"] for part in parts})),
    )
