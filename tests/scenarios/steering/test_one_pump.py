"""One pump on the real server, the real ledger and a vendor's cloud: truth and ledger tell the same story."""

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError
from temporalio.worker import Replayer

from demo.report.figures import commands_figures
from domain.modes import Mode
from domain.planning.price_plan import ModeSegment, PricePlan
from domain.steering.pump_state import OverrideEnded, PumpState, RetireRequested
from tests.builders import MIDNIGHT, an_override
from tests.world import TestWorld, a_world
from worker import workflow_runner
from workflows.contracts import Act
from workflows.heat_pump import HeatPumpWorkflow

pytestmark = pytest.mark.servers


def plan_from(world: TestWorld, revision: int, *modes: Mode, hours: float = 6) -> PricePlan:
    """A plan that begins a quarter of an hour ago, two hours a mode, so that its first mode is due at once."""
    start = world.now() - timedelta(minutes=15)
    step = timedelta(hours=2)
    segments = tuple(
        ModeSegment(start=start + i * step, end=start + (i + 1) * step, mode=mode) for i, mode in enumerate(modes)
    )
    return PricePlan(
        revision=revision,
        segments=segments,
        first_slot=start,
        valid_until=start + timedelta(hours=max(hours, 2 * len(modes))),
    )


async def test_a_plan_is_obeyed_verified_and_written_down_as_it_truly_was(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=3, speed=240) as world:
        pumps = [world.pump(n) for n in (1, 2, 3)]
        for pump in pumps:
            await world.send(pump, plan_from(world, 1, Mode.MAX))
        for pump in pumps:
            await world.until(partial(_is_in, world, pump, Mode.MAX))
            profile = await world.access.ledger.pumps.profile(pump)
            assert world.setting(pump) == profile.heating.setting_for(Mode.MAX)
            kinds = await world.kinds(pump)
            assert kinds == ["planned", "sent", "accepted", "applied"]
            assert [r["cause"] for r in world.requests(pump)] == ["accepted"]
            assert [c["value"] for c in world.changes(pump)] == [profile.heating.setting_for(Mode.MAX)]
            events = {e["event"]: e for e in await world.events(pump)}
            change = world.changes(pump)[0]
            assert events["sent"]["at"].isoformat() <= change["at"] <= events["applied"]["at"].isoformat()


async def _is_in(world: TestWorld, pump: str, mode: Mode) -> bool:
    status = await world.status(pump)
    return status.state.heating.settled is mode and status.state.heating.open is None


async def test_an_override_is_answered_at_once_verified_later_and_ends_by_a_person(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=1, speed=240) as world:
        pump = world.pump(1)
        await world.send(pump, plan_from(world, 1, Mode.MIN))
        await world.until(lambda: _is_in(world, pump, Mode.MIN))
        hours = (world.now() - an_override().requested_at) / timedelta(hours=1)
        target = an_override(Mode.MAX, hours, hours + 3)
        answer = await world.handle(pump).execute_update(HeatPumpWorkflow.request_override, target)
        assert answer.in_force
        assert answer.command_id == f"{pump}-c00002"
        again = await world.handle(pump).execute_update(HeatPumpWorkflow.request_override, target)
        assert again.command_id == answer.command_id
        await world.until(lambda: _is_in(world, pump, Mode.MAX))
        assert (await world.status(pump)).authority == "override"
        end = Act(event=OverrideEnded(), who="resident", why="warm again")
        await world.handle(pump).execute_update(HeatPumpWorkflow.act, end)
        await world.until(lambda: _is_in(world, pump, Mode.MIN))
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await world.handle(pump).execute_update(HeatPumpWorkflow.act, end)
        assert "no override is in force" in str(refused.value.cause)


async def test_targets_that_pile_up_before_a_worker_comes_end_in_the_strongest_and_all_are_written_down(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path, pumps=1, speed=240, workers=()) as world:
        pump = world.pump(1)
        hours = (world.now() - MIDNIGHT) / timedelta(hours=1)
        await world.send(pump, plan_from(world, 1, Mode.MAX))
        target = an_override(Mode.MIN, hours, hours + 6)
        asked = asyncio.create_task(world.handle(pump).execute_update(HeatPumpWorkflow.request_override, target))
        await asyncio.sleep(0.5)
        await world.start_workers()
        assert (await asked).in_force
        await world.until(partial(_is_in, world, pump, Mode.MIN))
        figures = commands_figures(await world.events(pump))
        assert figures["unresolved"] == 0
        assert figures["applied"] == 1
        assert all(e["mode"] for e in await world.events(pump)), "every command has its row"
        profile = await world.access.ledger.pumps.profile(pump)
        assert world.setting(pump) == profile.heating.setting_for(Mode.MIN)


async def test_a_retired_pump_is_left_neutral_and_a_late_plan_does_not_resurrect_it(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=1, speed=240) as world:
        pump = world.pump(1)
        await world.send(pump, plan_from(world, 1, Mode.MAX))
        await world.until(lambda: _is_in(world, pump, Mode.MAX))
        await world.handle(pump).execute_update(
            HeatPumpWorkflow.act, Act(event=RetireRequested(), who="resident", why="moving out")
        )
        await asyncio.wait_for(world.handle(pump).result(), 20)
        profile = await world.access.ledger.pumps.profile(pump)
        assert world.setting(pump) == profile.heating.baseline
        with pytest.raises(RPCError, match="already completed"):
            await world.send(pump, plan_from(world, 2, Mode.MAX))
        assert list(await world.access.ledger.pumps.active()) == []


async def test_bad_messages_are_refused_visibly_and_the_pump_stays_as_it_was(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=1, speed=240) as world:
        pump = world.pump(1)
        good = plan_from(world, 3, Mode.MAX)
        await world.send(pump, good)
        await world.until(lambda: _is_in(world, pump, Mode.MAX))
        overlapping = good.model_dump(mode="json") | {"revision": 4}
        overlapping["segments"] = overlapping["segments"] * 2
        for bad, sentence in (
            ({"revision": 4, "segments": [{"mode": "TURBO"}]}, "segments"),
            (overlapping, "overlap or are out of order"),
            ("not a plan", "valid"),
        ):
            await world.send(pump, bad)
            await world.until(partial(_refusal_holds, world, pump, sentence))
        await world.send(pump, plan_from(world, 2, Mode.MIN))
        await asyncio.sleep(0.5)
        status = await world.status(pump)
        assert status.state.plan == good
        assert status.state.heating.settled is Mode.MAX


async def _refusal_holds(world: TestWorld, pump: str, sentence: str) -> bool:
    return sentence in (await world.status(pump)).state.refusal


async def test_a_pump_survives_continue_as_new_with_its_plan_and_overrides_and_its_history_replays(
    tmp_path: Path,
) -> None:
    config = {"limit.historyCount.suggestContinueAsNew": "15"}
    async with a_world(tmp_path, pumps=1, speed=240, dynamic_config=config) as world:
        pump = world.pump(1)
        hours = (world.now() - an_override().requested_at) / timedelta(hours=1)
        await world.handle(pump).execute_update(
            HeatPumpWorkflow.request_override, an_override(Mode.MIN, hours, hours + 8)
        )
        for revision in range(1, 8):
            await world.send(pump, plan_from(world, revision, Mode.MAX))
        await world.until(lambda: _is_in(world, pump, Mode.MIN))
        await world.until(lambda: _has_continued(world, pump))
        state: PumpState = (await world.status(pump)).state
        assert state.plan is not None
        assert state.plan.revision == 7
        assert [o.mode for o in state.overrides] == [Mode.MIN]
        assert commands_figures(await world.events(pump))["planned"] == 1
        histories = [
            await world.access.client.get_workflow_handle(w.id, run_id=w.run_id).fetch_history()
            async for w in world.access.client.list_workflows(f"WorkflowId = 'pump-{pump}'")
        ]
        replayer = Replayer(
            workflows=[HeatPumpWorkflow],
            data_converter=world.access.client.data_converter,
            workflow_runner=workflow_runner(sandbox=True),
        )
        for history in histories:
            await replayer.replay_workflow(history)
        assert len(histories) >= 2


async def _has_continued(world: TestWorld, pump: str) -> bool:
    runs = [w async for w in world.access.client.list_workflows(f"WorkflowId = 'pump-{pump}'")]
    return len(runs) >= 2
