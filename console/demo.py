"""`heatsteer demo`: a market day at speed, from an empty folder to a report.

Protects: every number in the report comes from what ran; a run that could not finish says why and leaves no process.
"""

import asyncio
import contextlib
import json
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from console import histories, stage
from console.access import Access, open_access
from console.complaints import Failed
from console.demo_order import CELL, DemoOrder
from console.planning import create_schedule, plan_day, wait_for_plan
from console.progress import Board, Snapshot
from console.report import Run, build_report
from console.world import World
from domain.enrolment import PumpProfile
from domain.overrides import Override
from domain.plans import MAX_JITTER
from domain.series import PriceSeries, WeatherSeries
from domain.slots import SLOT
from embedded.stack import Stack, StackOptions
from worker import connect_temporal, settings_from_environment
from workflows.contracts import PlanningInput, PlanningResult

PLAN_BUDGET_S = 40.0
SETTLE = timedelta(minutes=4)
LONGEST_DRAIN = timedelta(hours=4)
"""Steered time after the end in which open commands may still settle; longer than any command lives."""
BOARD_EVERY_S = 1.0


@dataclass
class _Scene:
    order: DemoOrder
    stack: Stack
    access: Access
    world: World
    planned: PlanningResult | None = None
    planning_s: float = 0.0


async def run_demo(
    order: DemoOrder,
    board: Board,
    on_report: Callable[[dict[str, Any]], None],
    on_kept: Callable[[str], None],
) -> None:
    """Run the day and hand over the report; with `keep`, the stack then stays up until it is interrupted."""
    async with (
        Stack(StackOptions(folder=_folder(order), ephemeral=True)) as stack,
        _opened(order, stack, board) as scene,
    ):
        try:
            report = await stack.guard(_steer(scene, board))
        finally:
            _leave_logs(order)
        _leave_files(order, report, await scene.access.reports.command_events())
        on_report(report)
        if order.keep:
            on_kept(stack.temporal.ui_url)
            await stack.guard(_forever())


async def _forever() -> None:
    await asyncio.Event().wait()


def _folder(order: DemoOrder) -> Path:
    assert order.folder is not None, "an order is run in a folder"
    return order.folder


@contextlib.asynccontextmanager
async def _opened(order: DemoOrder, stack: Stack, board: Board) -> AsyncIterator[_Scene]:
    """Bring the world, the workers and the pumps up."""
    board.say("stack up: PostgreSQL and Temporal answer")
    environment = await stage.prepare(stack)
    os.environ.update(environment)
    clock = stage.make_clock(order.staging)
    stack.set_clock(clock)
    client_secret = stage.new_client_secret()
    await stage.start_world(stack, order.staging, clock, client_secret)
    extra = stage.worker_environment(stack, order.staging)
    os.environ.update(extra)
    settings = settings_from_environment()
    client = await connect_temporal()
    async with open_access(settings, client, clock, stack.temporal.ui_url) as access, httpx.AsyncClient() as http:
        await stage.ready_namespace(access)
        for role in ("pumps,oem:nibe", "planner"):
            await stack.start_worker(role, extra)
        world = World(http, stage.simulator_url(stack))
        enrolled = await stage.enrol_everybody(access, settings, world, http, order.staging, client_secret)
        board.say(f"{enrolled} pumps enrolled; Web UI at {stack.temporal.ui_url}")
        yield _Scene(order=order, stack=stack, access=access, world=world)


async def _steer(scene: _Scene, board: Board) -> dict[str, Any]:
    await _plan(scene, board)
    clock = scene.access.clock
    while (now := clock.steered(datetime.now(UTC))) < scene.order.end:
        board.show(await _snapshot(scene, now))
        await asyncio.sleep(BOARD_EVERY_S)
    await _drain(scene, board)
    return await _report(scene)


async def _plan(scene: _Scene, board: Board) -> None:
    """Plan by a backfill of the Schedule, at its nominal time the afternoon before."""
    staging, client = scene.order.staging, scene.access.client
    tz = ZoneInfo(staging.tz)
    begun = time.monotonic()
    given = PlanningInput(
        clock=scene.access.clock,
        zone=staging.price_area,
        tz=staging.tz,
        weather_cell=CELL,
        oems=("nibe",),
        cap_share=stage.CAP_SHARE,
        until=scene.order.end,
        budget_s=PLAN_BUDGET_S,
        patience=staging.patience,
    )
    await create_schedule(client, given, paused=True)
    await plan_day(client, staging.day, tz)
    scene.planned = await wait_for_plan(client, staging.day, tz, patience_s=4 * PLAN_BUDGET_S)
    scene.planning_s = time.monotonic() - begun
    if scene.planned.revision is None:
        board.say(f"no plan: {scene.planned.reason}")
    else:
        board.say(
            f"plan revision {scene.planned.revision} handed to {scene.planned.delivered} pumps "
            f"after {scene.planning_s:.1f} s"
        )


async def _snapshot(scene: _Scene, now: datetime) -> Snapshot:
    reports = scene.access.reports
    pumps = await reports.pumps()
    seen = await reports.modes_seen()
    newest = await scene.access.ledger.observations.newest([p["pump_id"] for p in pumps])
    modes: dict[str, int] = {}
    for pump in pumps:
        mode = seen.get(pump["pump_id"], "LOW")
        modes[mode] = modes.get(mode, 0) + 1
    rooms = [r.room_c for r in newest.values() if r.room_c is not None]
    return Snapshot(
        now=now,
        start=scene.order.staging.epoch,
        end=scene.order.end,
        price_eur_per_mwh=await _price_at(scene, now),
        modes=modes,
        rooms=rooms,
        states=await reports.states(),
    )


async def _price_at(scene: _Scene, now: datetime) -> float | None:
    plan = await scene.access.reports.newest_plan()
    if plan is None:
        return None
    prices = await scene.access.ledger.series.prices(plan["price_version"])
    index = (now - prices.start) // SLOT
    return prices.price_eur_per_mwh[index] if 0 <= index < len(prices.price_eur_per_mwh) else None


async def _drain(scene: _Scene, board: Board) -> None:
    """Wait until every pump has been let go to neutral and nothing is open any more."""
    board.say("day over: every pump goes back to its own control")
    clock, end = scene.access.clock, scene.order.end
    await _sleep_until(scene, end + MAX_JITTER + SETTLE)
    quiet = 0
    while quiet < 2 and clock.steered(datetime.now(UTC)) < end + LONGEST_DRAIN:
        states = await scene.access.reports.states()
        open_now = sum(states.get(name, 0) for name in ("planned", "sent", "accepted"))
        quiet = quiet + 1 if open_now == 0 else 0
        await asyncio.sleep(0.5)


async def _sleep_until(scene: _Scene, steered: datetime) -> None:
    remaining = (scene.access.clock.wall(steered) - datetime.now(UTC)).total_seconds()
    await asyncio.sleep(max(0.0, remaining))


async def _report(scene: _Scene) -> dict[str, Any]:
    order, access = scene.order, scene.access
    reports = access.reports
    plan = await reports.newest_plan()
    pumps = await reports.pumps()
    trail = await reports.audit_trail()
    counted = await histories.count(access.client)
    run = Run(
        start=order.staging.epoch,
        end=order.end,
        seed=order.staging.seed,
        speed=order.staging.speed,
        events=await reports.command_events(),
        truth_lines=read_jsonl(_folder(order) / "truth.jsonl"),
        truth=await scene.world.summary(order.staging.epoch, order.end),
        profiles={p["pump_id"]: PumpProfile.model_validate(p["profile"]) for p in pumps},
        plans=await reports.price_plans(),
        overrides=overrides_of(trail),
        retired_at={row["subject"]: row["at"] for row in trail if row["act"] == "retire"},
        plan_row=plan,
        prices=_priced(await access.ledger.series.prices(plan["price_version"]), order) if plan else None,
        price_version=plan["price_version"] if plan else None,
        weather=_named(await access.ledger.series.weather(plan["weather_version"]), order) if plan else None,
        planning_s=scene.planning_s,
        temporal={"ui": access.ui_url, **counted},
    )
    return build_report(run)


def _priced(prices: PriceSeries, order: DemoOrder) -> PriceSeries:
    """The prices with the file behind the demo's endpoint; generated ones are labelled by the endpoint itself."""
    file = order.staging.prices_file
    return prices if file is None else prices.model_copy(update={"source": f"{prices.source} (file {file.name})"})


def _named(weather: WeatherSeries, order: DemoOrder) -> WeatherSeries:
    """The forecast with what stands behind the demo's endpoint: a file, or the generator, labelled as such."""
    file = order.staging.weather_file
    behind = f"file {file.name}" if file else f"synthetic: heatsteer generator, seed {order.staging.seed}"
    return weather.model_copy(update={"source": f"{weather.source} ({behind})"})


def overrides_of(trail: Sequence[Mapping[str, Any]]) -> dict[str, list[Override]]:
    """Every override of the audit trail by pump; one that a person ended ends then."""
    overrides: dict[str, list[Override]] = {}
    for row in trail:
        wishes = overrides.setdefault(row["subject"], [])
        if row["act"] == "override":
            wishes.append(Override.model_validate(row["detail"]))
        elif row["act"] == "end-override":
            ended = row["detail"]["override_id"]
            wishes[:] = [
                o.model_copy(update={"until": min(o.until, row["at"])}) if ended in (None, o.override_id) else o
                for o in wishes
            ]
    return overrides


def _leave_files(order: DemoOrder, report: Mapping[str, Any], events: Any) -> None:
    """Write what DIR is promised to hold."""
    if order.out is None:
        return
    order.out.mkdir(parents=True, exist_ok=True)
    (order.out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    (order.out / "truth.jsonl").write_bytes((_folder(order) / "truth.jsonl").read_bytes())
    with (order.out / "commands.jsonl").open("w") as file:
        for event in events:
            file.write(json.dumps(event, default=_plain) + "\n")


def _leave_logs(order: DemoOrder) -> None:
    """The children's logs are kept beside the report, also of a run that failed."""
    if order.out is not None:
        shutil.copytree(_folder(order) / "logs", order.out / "logs", dirs_exist_ok=True)


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSON-lines file; a last line still being written is left out."""
    lines = []
    for text in path.read_text().splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            lines.append(json.loads(text))
    return lines


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise Failed(f"{type(value).__name__} cannot be written as JSON")
