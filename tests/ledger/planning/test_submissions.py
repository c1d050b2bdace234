"""Submitted plans in the ledger: stored once, previews until taken, taken once, and never in the way of our own."""

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.modes import Mode
from domain.planning.fleet_plan import Refusal
from domain.planning.price_plan import ModeSegment
from domain.submission import SubmittedPlan
from ledger.load_curves import LedgerLoadCurves
from ledger.models import PlanSubmission, SubmittedSchedule
from ledger.plans import LedgerPlans
from ledger.queries.fleet import LedgerFleet
from ledger.queries.history import LedgerHistory
from ledger.queries.plans import LedgerPlanQueries
from tests.builders import at
from tests.ledger.builders import count, enrol_pumps
from tests.ledger.planning.test_plans import PUMPS, outline, plans_of, shards, solved

pytestmark = pytest.mark.servers

REFUSED = Refusal(subject="p-0002", slot=at(7), problem="MAX too short", way_out="hold it")
RAISED = ModeSegment(start=at(6), end=at(8), mode=Mode.MAX)
PLAN = SubmittedPlan(
    price_area="DE-LU", day=date(2026, 1, 15), planned_by="", pumps={"p-0001": (RAISED,), "p-9999": (RAISED,)}
)


async def judged(
    engine: AsyncEngine, key: str, at_opening: tuple[Refusal, ...] = (), at_judging: tuple[Refusal, ...] = ()
) -> int:
    """The submission under a revision, with a schedule for p-0001."""
    plans, (first, _) = LedgerPlans(engine), await shards(engine)
    await plans.store_submission(PLAN, "another optimiser", at(5))
    of_submission = (await outline(engine)).model_copy(update={"is_preview": True, "submission": PLAN.key})
    revision = await plans.open_plan(key, of_submission, (first,), at(5), at_opening)
    part = first.parts[0]
    refusing = solved(part).model_copy(update={"refused": at_judging})
    assert await plans.store_part(revision, 0, 0, refusing, plans_of(part, revision), at(5))
    return revision


async def test_the_same_plan_is_kept_once_and_read_back_by_pump(engine: AsyncEngine) -> None:
    plans = LedgerPlans(engine)
    await plans.store_submission(PLAN, "a trial", at(4))
    await plans.store_submission(PLAN, "another optimiser", at(5))
    assert (await count(engine, PlanSubmission), await count(engine, SubmittedSchedule)) == (1, 2)
    assert await plans.submitted(PLAN.key) == ["p-0001", "p-9999"]
    assert await plans.submitted_schedules(PLAN.key, ["p-0001", "p-0002"]) == {"p-0001": (RAISED,)}


async def test_a_judged_submission_is_a_preview_until_it_is_taken_and_says_whose_it_is(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, *PUMPS)
    plans, queries = LedgerPlans(engine), LedgerPlanQueries(engine)
    revision = await judged(engine, "run-1")
    assert await queries.newest_of_pump("p-0001") is None
    assert await queries.taken(PLAN.key) is None
    assert await plans.standing_plans(["p-0001"], at(6), at(16)) == {}
    assert await plans.take_submission(revision, despite_refusals=False)
    assert await plans.take_submission(revision, despite_refusals=False), "an attempt may be repeated"
    newest = await queries.newest_of_pump("p-0001")
    assert newest is not None
    assert (newest["revision"], newest["planned_by"]) == (revision, "another optimiser")
    taken = await queries.taken(PLAN.key)
    assert taken is not None
    assert (taken["revision"], taken["submission"], taken["is_preview"]) == (revision, PLAN.key, False)
    (known,) = await LedgerHistory(engine).plans("p-0001", at(20))
    assert known["planned_by"] == "another optimiser"
    assert set(await plans.standing_plans(["p-0001", "p-0002"], at(6), at(16))) == {"p-0001"}
    assert await plans.standing_plans(["p-0001"], at(16), at(40)) == {}, "of another day"
    await plans.store_submission(PLAN, "somebody later", at(9))
    (again,) = await LedgerHistory(engine).plans("p-0001", at(20))
    assert again["planned_by"] == "another optimiser", "whose it was when it was taken"


async def test_refusals_keep_it_from_being_taken_unless_that_was_agreed_to(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, *PUMPS)
    plans, queries = LedgerPlans(engine), LedgerPlanQueries(engine)
    unknown = Refusal(subject="p-9999", problem="is not enrolled", way_out="leave it out")
    revision = await judged(engine, "run-1", (unknown,), (REFUSED,))
    assert await queries.refusals(revision) == [unknown, REFUSED]
    assert not await plans.take_submission(revision, despite_refusals=False)
    assert await queries.newest_of_pump("p-0001") is None
    assert await plans.take_submission(revision, despite_refusals=True)


async def test_a_submission_is_taken_under_one_revision_only_and_never_for_nobody(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, *PUMPS)
    plans = LedgerPlans(engine)
    first, second = await judged(engine, "run-1"), await judged(engine, "run-2")
    assert await plans.take_submission(second, despite_refusals=True)
    assert not await plans.take_submission(first, despite_refusals=True)
    other = PLAN.model_copy(update={"planned_by": "nobody's"})
    await plans.store_submission(other, "nobody's", at(5))
    nobodys = (await outline(engine)).model_copy(update={"is_preview": True, "submission": other.key})
    assert not await plans.take_submission(await plans.open_plan("run-3", nobodys, (), at(5)), despite_refusals=True)


async def test_a_taken_submission_hides_none_of_our_own_plans_from_watch_curve_and_alert(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, *PUMPS)
    plans, ours = LedgerPlans(engine), await outline(engine)
    revision, (first, _) = await plans.open_plan("ours", ours, await shards(engine), at(4)), await shards(engine)
    for place, part in enumerate(first.parts):
        await plans.store_part(revision, 0, place, solved(part), plans_of(part, revision), at(4))
    theirs = await judged(engine, "run-1")
    assert await plans.take_submission(theirs, despite_refusals=False)
    assert await plans.newest_outlines(at(7)) == [(ours, at(4))]
    planned_kw = await LedgerLoadCurves(engine).planned_kw("DE-LU", at(6), at(7))
    assert set(planned_kw.values()) == {3.0}, "both pumps' load, not the submitted one's alone"
    async with engine.begin() as connection:
        await connection.execute(
            text("UPDATE fleet_plans SET until = :until WHERE submission IS NOT NULL"), {"until": at(40)}
        )
    assert await LedgerFleet(engine).plans_end() == {"DE-LU": at(16)}
