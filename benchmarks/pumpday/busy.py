"""A busy day on the clock: twelve changes on two circuits, a household's override and two hours without the cloud.

Protects: the stack is the one that `heatsteer demo` starts, with guard and sweep; its idle hours are left out, for
they would cost a pump nothing but time.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
from temporalio.client import WorkflowHistory

from application.access import Access
from application.pump_workflows import handle_of
from benchmarks.pumpday.meter import HEARTBEATS, REPORTED_WITHIN_S, UPSERTS, ActionMeter, find_meter
from demo import stage
from demo.billing import Bill, bill_of, histories_of, pending_retries_of
from demo.simulator_client import SimulatorClient
from demo.stage import Staging
from domain.modes import HotWaterMode, Mode
from domain.planning.price_plan import HotWaterSegment, ModeSegment, PricePlan
from domain.steering.overrides import Override, OverrideSource
from embedded.stack import Stack, StackOptions
from simulator.faults.outages import Outage
from simulator.vendors.registry import VENDORS
from workflows.contracts import PlanEnvelope, guard_workflow_id, pump_workflow_id, sweep_workflow_id
from workflows.heat_pump import HeatPumpWorkflow

EPOCH = datetime(2026, 1, 15, 3, tzinfo=UTC)
SPEED = 240.0
LEAD = timedelta(seconds=30)
"""Wall time for enrolment, before steered time runs."""
PUMPS = 8
OEM = next(iter(VENDORS))
"""The vendor of a simulated fleet that names none."""
HEATING: Sequence[tuple[float, float, Mode]] = (
    (0.5, 1.5, Mode.MAX),
    (2.0, 3.0, Mode.MIN),
    (5.0, 7.25, Mode.MAX),
    (7.75, 8.5, Mode.MIN),
)
"""Hours from the epoch: eight changes, as close as dwell allows, one of them due while the cloud is down."""
HOT_WATER: Sequence[tuple[float, float, HotWaterMode]] = (
    (1.0, 2.5, HotWaterMode.HOLD),
    (7.5, 10.0, HotWaterMode.BOOST),
)
"""Three changes before the end."""
OVERRIDE = (2.5, 3.1, Mode.MAX)
"""One change more; it outlasts the plan's edge at 3.0 by more than the longest jitter, so that its end is that edge."""
OUTAGE = (4.0, 6.0)
ENDS = 9.25
METER_LATE_S = 1.0
"""Wall seconds between two readings of the meter."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class PumpDay:
    """What the day cost one pump."""

    pump: str
    model: str
    has_hot_water: bool
    """Whether it had the whole day: a unit without that lever has nine changes of the twelve."""
    changes: int
    bill: Bill
    histories: Sequence[WorkflowHistory]


@dataclass(frozen=True)
class FleetDay:
    """What the day cost all of them, and what the server counted."""

    pumps: Sequence[PumpDay]
    watchers: Mapping[str, Bill]
    """Guard and sweep, without their heartbeats."""
    calls: int
    metered: Mapping[str, int]


def at(hours: float) -> datetime:
    """So many steered hours after the epoch."""
    return EPOCH + timedelta(hours=hours)


def the_plan() -> PricePlan:
    """The day's only revision, the same for all."""
    return PricePlan(
        revision=1,
        segments=tuple(ModeSegment(start=at(a), end=at(b), mode=mode) for a, b, mode in HEATING),
        hot_water=tuple(HotWaterSegment(start=at(a), end=at(b), mode=mode) for a, b, mode in HOT_WATER),
        first_slot=EPOCH - timedelta(minutes=15),
        valid_until=at(12),
    )


async def busy_day(folder: Path, say: Say, speed: float = SPEED) -> FleetDay:
    """Run the whole day; raises StackError where the stack fails."""
    outage = Outage(oem=OEM, starts=at(OUTAGE[0]), ends=at(OUTAGE[1]))
    staging = Staging(
        pumps=PUMPS, seed=7, speed=speed, day=date(2026, 1, 15), epoch=EPOCH, lead=LEAD, outages=(outage,)
    )
    async with (
        Stack(StackOptions(folder=folder, ephemeral=True)) as stack,
        httpx.AsyncClient() as http,
        stage.opened(stack, staging) as staged,
    ):
        await staged.start_worker(f"pumps,oem:{OEM}")
        await staged.enrol_everybody()
        meter = await find_meter(http, stack.temporal)
        return await stack.guard(_live(staged.access, staged.world, meter, say))


async def _live(access: Access, world: SimulatorClient, meter: ActionMeter, say: Say) -> FleetDay:
    pumps = sorted(row["pump_id"] for row in await access.ledger.reports.pumps())
    before, opened_at = await _settled(access, meter), datetime.now(UTC)
    plan = PlanEnvelope(plan=the_plan().model_dump(mode="json"))
    await asyncio.gather(*(handle_of(access, pump).signal("price_plan", plan) for pump in pumps))
    await _until(access, OVERRIDE[0], say)
    await asyncio.gather(*(_override(access, pump) for pump in pumps))
    for hours in (*OUTAGE, ENDS):
        await _until(access, hours, say)
    return FleetDay(
        pumps=[await _pump_day(access, pump, opened_at) for pump in pumps],
        watchers={
            "guard": await _bill(access, guard_workflow_id(OEM), opened_at),
            "sweep": await _bill(access, sweep_workflow_id(OEM), opened_at),
        },
        calls=sum((await world.calls_by_minute(OEM, EPOCH, access.now())).values()),
        metered=await meter.read() - before,
    )


async def _settled(access: Access, meter: ActionMeter) -> Counter[str]:
    """The meter once the start of pumps, guard and sweep has gone into it, read before the day begins.

    Every pump has shown itself and nothing but heartbeats, which go on all day, was counted for a while.
    """
    before = await meter.read()
    while datetime.now(UTC) < access.clock.wall(EPOCH) - timedelta(seconds=METER_LATE_S + REPORTED_WITHIN_S):
        await asyncio.sleep(METER_LATE_S)
        now = await meter.read()
        is_quiet = all(now[kind] == before[kind] for kind in now if kind != HEARTBEATS)
        before = now
        if is_quiet and now[UPSERTS] >= PUMPS:
            break
    return before


async def _override(access: Access, pump: str) -> None:
    starts, until, mode = OVERRIDE
    target = Override(
        override_id=f"busy-{pump}",
        source=OverrideSource.HOUSEHOLD,
        mode=mode,
        requested_at=at(starts),
        until=at(until),
        who="resident",
        why="cold feet",
    )
    await handle_of(access, pump).execute_update(HeatPumpWorkflow.request_override, target)


async def _until(access: Access, hours: float, say: Say) -> None:
    while (left := access.clock.wall(at(hours)) - datetime.now(UTC)) > timedelta():
        await asyncio.sleep(min(left.total_seconds(), 30.0))
        say(f"busy day: {max(0.0, (access.now() - EPOCH) / timedelta(hours=1)):.1f} of {ENDS} hours")


async def _bill(access: Access, workflow_id: str, since: datetime) -> Bill:
    retries = await pending_retries_of(access.client, workflow_id)
    return bill_of(await histories_of(access.client, workflow_id), since, retries)


async def _pump_day(access: Access, pump: str, since: datetime) -> PumpDay:
    profile = await access.ledger.pumps.profile(pump)
    rows = [row for row in await access.ledger.runs.command_lines() if row["pump"] == pump]
    return PumpDay(
        pump=pump,
        model=profile.model,
        has_hot_water=profile.hot_water is not None,
        changes=len({row["command"] for row in rows if row["event"] == "applied"}),
        bill=await _bill(access, pump_workflow_id(pump), since),
        histories=await histories_of(access.client, pump_workflow_id(pump)),
    )
