"""Gathers what the report of a demo is made from, while its stack still runs.

Protects: every figure is read back from the ledger, the simulator and Temporal; nothing is remembered.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import Client

from application.access import Access
from demo.billing import fleet_bill
from demo.files import read_jsonl
from demo.order import DemoOrder
from demo.report.recording import AccountUse, OutageSeen, Run
from demo.simulator_client import SimulatorClient
from domain.clock import SteeringClock
from domain.homes.enrolment import PumpProfile
from domain.oem.quota import QuotaScope
from domain.planning.series import WeatherSeries, WholesalePrices
from domain.slots import SLOT
from ledger.oem.vendors import AccountLoad, VendorSummary

_AT_A_TIME = 8
_MINUTE = timedelta(minutes=1)


async def gather(
    order: DemoOrder, access: Access, world: SimulatorClient, planning_s: float, kills: Sequence[tuple[datetime, str]]
) -> Run:
    """Everything a report is made from, at this moment."""
    reports, runs, start = access.ledger.reports, access.ledger.runs, order.staging.epoch
    plan = await reports.newest_plan()
    profiles = {p["pump_id"]: PumpProfile.model_validate(p["profile"]) for p in await reports.pumps()}
    bill, workflow_runs = await fleet_bill(access.client)
    return Run(
        start=start,
        end=order.end,
        seed=order.staging.seed,
        speed=order.staging.speed,
        events=[_line(line, access.clock) for line in await runs.command_lines()],
        truth_lines=read_jsonl(order.place / "truth.jsonl"),
        truth=await world.summary(start, order.end),
        profiles=profiles,
        plans=await reports.price_plans(),
        journal=await access.ledger.journal.by_pump(),
        plan_row=plan,
        prices=await _prices(order, access, plan) if plan else None,
        price_version=plan["price_version"] if plan else None,
        weather=_named(await access.ledger.series.weather(plan["weather_version"]), order) if plan else None,
        planning_s=planning_s,
        temporal={"ui": access.ui_url, "actions": bill.total, "events": bill.events, "runs": workflow_runs},
        breakers=await runs.breakers(),
        kills=kills,
        given=order.given(),
        outage=await _outage_seen(order, access, world) if order.staging.outages else None,
        accounts=await _accounts(order, access),
    )


def _line(line: Mapping[str, Any], clock: SteeringClock) -> dict[str, Any]:
    """A line as it is left to the reader: `known_at` is the steered time at which the ledger had it."""
    told = dict(line)
    return told | {"known_at": clock.steered(told.pop("recorded_at"))}


async def _accounts(order: DemoOrder, access: Access) -> Sequence[AccountUse]:
    """What every account with pumps was granted and used."""
    span = order.end - order.staging.epoch
    calls = await access.ledger.runs.calls_by_account(order.staging.epoch, order.end)
    return [
        AccountUse(vendor.oem, one.account_id, calls.get(one.account_id, 0), _granted(one, vendor, span))
        for vendor in await access.ledger.vendors.status(access.now())
        for one in vendor.accounts
    ]


def _granted(account: AccountLoad, vendor: VendorSummary, span: timedelta) -> float | None:
    """The most calls of an account in a span; what is granted to the client is shared by its accounts."""
    shared = {QuotaScope.CLIENT: len(vendor.accounts)}
    return min((q.most_in(span) / shared.get(q.scope, 1) for q in account.quotas), default=None)


async def _outage_seen(order: DemoOrder, access: Access, world: SimulatorClient) -> OutageSeen:
    outages = order.staging.outages
    first = min(outage.starts for outage in outages)
    begin = first - (first - order.staging.epoch) % SLOT
    rooms = await world.summary(begin, order.end)
    now = access.clock.steered(datetime.now(UTC))
    calls: Counter[datetime] = Counter()
    granted = 0.0
    for oem in sorted({outage.oem for outage in outages}):
        calls.update(await world.calls_by_minute(oem, order.staging.epoch, now + _MINUTE))
        granted += await access.ledger.vendors.burst_per_min(oem) or 0.0
    return OutageSeen(
        calls_by_minute=calls,
        granted_per_min=round(granted, 2),
        max_events_per_pump=await most_events(
            access.client, [(access.clock.wall(o.starts), access.clock.wall(o.ends)) for o in outages]
        ),
        room_min_c={p.pump: p.room_min_c for p in rooms.pumps if p.room_min_c is not None},
    )


async def most_events(client: Client, spans: Sequence[tuple[datetime, datetime]]) -> int:
    """The most history events that one pump's workflow had inside the wall-time spans, continued runs included."""
    gate = asyncio.Semaphore(_AT_A_TIME)

    async def within(workflow_id: str, run_id: str) -> tuple[str, int]:
        async with gate:
            history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
        times = [event.event_time.ToDatetime(tzinfo=UTC) for event in history.events]
        return workflow_id, sum(any(begin <= at < end for begin, end in spans) for at in times)

    listed = [w async for w in client.list_workflows("WorkflowType = 'HeatPumpWorkflow'")]
    counts: dict[str, int] = {}
    for workflow_id, events in await asyncio.gather(*(within(w.id, w.run_id) for w in listed)):
        counts[workflow_id] = counts.get(workflow_id, 0) + events
    return max(counts.values(), default=0)


async def _prices(order: DemoOrder, access: Access, plan: Mapping[str, Any]) -> WholesalePrices | None:
    """What the newest plan was made with; of a run over several days, what was published for them, None with a gap."""
    if len(order.market_days) == 1:
        return _priced(await access.ledger.series.prices(plan["price_version"]), order)
    area, start = order.staging.price_area, order.staging.epoch
    days = await access.ledger.series.published_days(area, start, order.end)
    if len(days) < len(order.market_days):
        return None
    values = tuple(price for day in days for price in day.price_eur_per_mwh)
    return _priced(days[0].model_copy(update={"price_eur_per_mwh": values, "later_eur_per_mwh": ()}), order)


def _priced(prices: WholesalePrices, order: DemoOrder) -> WholesalePrices:
    """The prices with the file behind the demo's endpoint; generated ones are labelled by the endpoint itself."""
    file = order.staging.prices_file
    return prices if file is None else prices.model_copy(update={"source": f"{prices.source} (file {file.name})"})


def _named(weather: WeatherSeries, order: DemoOrder) -> WeatherSeries:
    """The forecast with what stands behind the demo's endpoint: a file, or the generator, labelled as such."""
    file = order.staging.weather_file
    behind = f"file {file.name}" if file else f"synthetic: heatsteer generator, seed {order.staging.seed}"
    return weather.model_copy(update={"source": f"{weather.source} ({behind})"})
