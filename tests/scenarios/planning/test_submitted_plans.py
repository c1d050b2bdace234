"""Another optimiser's plan on the real servers: judged as a whole, given as our own are, outranked by the next."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from application.audit_log import Actor
from application.planning.plans import PlanView, PumpPlanView, make_plans, show_plan
from domain.modes import Mode
from domain.slots import SLOT, bounds_of, slot_start
from tests.scenarios.operating.test_command_line_on_a_stack import heatsteer
from tests.scenarios.planning.test_planning import DAY, every_history_replays
from tests.scenarios.planning.test_planning_scope import a_wide_world, plan_of, two_markets
from tests.world import TestWorld

pytestmark = pytest.mark.servers

BY = ("--who", "operator-1", "--why", "a tender")
START, END = bounds_of(DAY, "Europe/Vienna")


def a_schedule(*raised: tuple[datetime, datetime]) -> list[str]:
    """LOW but for MID in these hours; it needs no room that is known."""
    slots = [START + n * SLOT for n in range((END - START) // SLOT)]
    return ["MID" if any(first <= slot < last for first, last in raised) else "LOW" for slot in slots]


async def submit(
    world: TestWorld, folder: Path, pumps: Mapping[str, Sequence[str]], *words: str, day: date = DAY
) -> tuple[int, Any, str]:
    """Exit code, document and error of a submission for Austria."""
    file = folder / "plan.json"
    document = {"price_area": "AT", "day": str(day), "planned_by": "another optimiser", "pumps": pumps}
    file.write_text(json.dumps(document))
    done = await heatsteer(world, "plan", "submit", str(file), "--json", *words, *BY)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


async def plans_held(world: TestWorld) -> list[int]:
    held = [(await world.state(world.pump(n))).plan for n in range(1, 7)]
    return [plan.revision for plan in held if plan is not None]


async def test_another_optimisers_plan_is_judged_taken_followed_explained_and_outranked_by_our_next(
    tmp_path: Path,
) -> None:
    async with a_wide_world(tmp_path / "stack", two_markets()) as world:
        german, mine, other = world.pump(1), world.pump(5), world.pump(6)
        begins = slot_start(world.now()) + 6 * SLOT
        raised = a_schedule((begins, begins + timedelta(hours=3)))
        too_short = a_schedule((begins, begins + 2 * SLOT))
        faulty = {mine: raised, other: too_short, german: raised, "p-9999": raised}

        code, nothing, error = await submit(world, tmp_path, faulty, day=DAY - timedelta(days=1))
        assert (code, nothing) == (2, None)
        assert "the plan is for 2026-01-14, which is over: submit one for today or a day ahead" in error
        code, tried, _ = await submit(world, tmp_path, faulty, "--dry-run")
        assert (code, tried["is_taken"], tried["plan"]["is_preview"]) == (0, False, True)
        refused = {one["subject"]: one for one in tried["refused"]}
        assert set(refused) == {other, german, "p-9999"}, refused
        assert refused[other]["problem"] == "MID must be held for 60 min before LOW"
        assert datetime.fromisoformat(refused[other]["slot"]) == begins + 2 * SLOT
        assert refused[german]["problem"] == "is in price area DE-LU, not in AT"
        certificate = tried["plan"]["certificate"]
        assert certificate["lower_bound_eur"] < certificate["cost_eur"]

        code, judged, error = await submit(world, tmp_path, faulty)
        assert (code, judged["is_taken"]) == (2, False)
        assert {one["subject"] for one in judged["refused"]} == set(refused)
        assert "nothing was taken: 3 of 4 pumps cannot be given what it asks of them" in error
        assert "--accept-valid" in error
        assert await plans_held(world) == [], "nobody is given half a plan"

        code, taken, error = await submit(world, tmp_path, faulty, "--accept-valid")
        assert (code, taken["is_taken"], taken["is_repeated"]) == (0, True, False), error
        revision = taken["plan"]["revision"]
        plan = await plan_of(world, mine, revision)
        assert await plans_held(world) == [revision]
        assert [(s.start, s.end) for s in plan.segments if s.mode is Mode.MID] == [
            (begins, begins + timedelta(hours=3))
        ]
        shown = await show_plan(world.access, mine)
        assert isinstance(shown, PumpPlanView)
        assert (shown.revision, shown.planned_by) == (revision, "another optimiser")

        code, again, _ = await submit(world, tmp_path, faulty, "--accept-valid")
        assert (code, again["is_repeated"], again["plan"]["revision"]) == (0, True, revision)

        await world.settles(mine, Mode.MID, within=timedelta(hours=4))
        assert world.changes(other) == []
        why = await heatsteer(world, "why", mine)
        assert f"by the plan that another optimiser submitted (revision {revision})" in why.stdout
        acts = [row["act"] for row in await world.access.ledger.reports.audit_trail() if row["subject"] == "AT"]
        assert acts == ["plan-submit", "plan-submit:refused", "plan-submit", "plan-submit"]

        ours = await make_plans(world.access, "AT", DAY, Actor("operator", "as the test says"))
        (newer,) = ours.plans
        assert newer.revision > revision
        await plan_of(world, mine, newer.revision)
        area = await show_plan(world.access, "AT")
        assert isinstance(area, PlanView)
        assert (area.revision, area.planned_by) == (newer.revision, None)
        assert await every_history_replays(world) == 2 * 4 + 6
