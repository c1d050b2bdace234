"""The use case behind metrics, alerts and `top`: what is true of the fleet now.

Protects: figures are read one question at a time, so that who watches takes no connections from who steers.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest

from application.access import Access
from application.steering.dead_letters import dead_letters
from application.vendors import VendorView, vendors
from domain.commands.command import Authority, CommandState, EventKind
from domain.fleet_figures import AreaFigures, FleetFigures, PlanFigures, QueueFigures, VendorFigures
from domain.planning.fleet_plan import Certificate, merged
from domain.slots import SLOT, slot_start
from ledger.queries.fleet import Rooms, SeriesTimes
from workflows.contracts import PLANNER_QUEUE, PUMP_ALERT, PUMP_AUTHORITY, PUMPS_QUEUE, oem_queue
from workflows.operator_view import Alert

UNKNOWN = "unknown"
OWN_CONTROL = "LOW"
"""A pump that was never commanded."""
_KINDS = {
    "activity": TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
    "workflow": TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
}


async def fleet_figures(access: Access) -> FleetFigures:
    """Everything, now; raises what the ledger and Temporal raise where they do not answer."""
    now = access.now()
    by_vendor = await _vendors(access, now)
    weather = await access.ledger.fleet.weather_stored()
    return FleetFigures(
        at=now,
        vendors=by_vendor,
        areas=await _areas(access, now),
        weather_age_s=None if weather is None else (now - weather).total_seconds(),
        quarantined=dict(await access.ledger.fleet.quarantined()),
        authorities=await _running(access, PUMP_AUTHORITY.name, [one.value for one in Authority]),
        alerts=await _running(access, PUMP_ALERT.name, [one.value for one in Alert]),
        queues=await _queues(access, [one.oem for one in by_vendor]),
    )


async def _vendors(access: Access, now: datetime) -> tuple[VendorFigures, ...]:
    fleet = access.ledger.fleet
    steered, seen = await fleet.steered(), await access.ledger.reports.modes_seen()
    modes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for pump_id, oem in steered.items():
        modes[oem][seen.get(pump_id, OWN_CONTROL)] += 1
    letters = Counter(steered.get(letter.pump, UNKNOWN) for letter in await dead_letters(access))
    commands, notes = await fleet.commands(now), await fleet.notes(now)
    offline, rooms = await fleet.offline(), await fleet.rooms(now)
    return tuple(
        _vendor(
            view,
            modes=dict(modes[view.status.oem]),
            offline=offline.get(view.status.oem, 0),
            commands=commands.get(view.status.oem, {}),
            notes={kind: count for (oem, kind), count in notes.items() if oem == view.status.oem},
            letters=letters[view.status.oem],
            rooms=rooms.get(view.status.oem, Rooms()),
        )
        for view in await vendors(access)
    )


def _vendor(
    view: VendorView,
    *,
    modes: dict[str, int],
    offline: int,
    commands: dict[CommandState, int],
    notes: Mapping[EventKind, int],
    letters: int,
    rooms: Rooms,
) -> VendorFigures:
    within = view.drift_found_within
    return VendorFigures(
        oem=view.status.oem,
        modes=modes,
        offline=offline,
        commands_24h=commands,
        drifted_24h=notes.get(EventKind.DRIFTED, 0),
        touched_24h=notes.get(EventKind.TOUCHED, 0),
        dead_letters=letters,
        accounts_waiting=len(view.status.asks),
        breaker=None if view.status.breaker is None else view.status.breaker.state.value,
        quota_used=view.status.share_used,
        beyond_quota=view.status.pumps_beyond_quota,
        drift_found_within_s=None if within is None else within.total_seconds(),
        rooms_read=rooms.read,
        rooms_below_floor=rooms.below_floor,
        room_lowest_c=rooms.lowest_c,
        room_mean_c=rooms.mean_c,
    )


async def _areas(access: Access, now: datetime) -> tuple[AreaFigures, ...]:
    fleet = access.ledger.fleet
    times, ends = await fleet.price_times(), await fleet.plans_end()
    names = sorted({area.price_area for area in await access.ledger.pumps.price_areas()})
    return tuple([await _area(access, name, times.get(name), ends.get(name), now) for name in names])


async def _area(
    access: Access, name: str, times: SeriesTimes | None, plans_end: datetime | None, now: datetime
) -> AreaFigures:
    return AreaFigures(
        price_area=name,
        plan=None if plans_end is None else await _plan(access, name, plans_end, now),
        prices_age_s=None if times is None else (now - times.stored_at).total_seconds(),
        prices_remaining_s=None if times is None else (times.ends_at - now).total_seconds(),
        price_eur_per_mwh=await _price(access, name, now),
    )


async def _price(access: Access, price_area: str, now: datetime) -> float | None:
    slot, series = slot_start(now), access.ledger.series
    version = await series.newest_prices(price_area, slot, slot + SLOT)
    if version is None:
        return None
    prices = await series.prices(version)
    return prices.price_eur_per_mwh[(slot - prices.start) // SLOT]


async def _plan(access: Access, price_area: str, plans_end: datetime, now: datetime) -> PlanFigures | None:
    plans = access.ledger.plan_queries
    newest = await plans.newest_of_area(price_area)
    if newest is None:
        return None
    parts, shards = await plans.parts(newest["revision"]), await plans.shards(newest["revision"])
    whole = merged([Certificate.model_validate(part["certificate"]) for part in parts])
    return PlanFigures(
        revision=newest["revision"],
        age_s=(now - newest["created_at"]).total_seconds(),
        remaining_s=(plans_end - now).total_seconds(),
        wanted=newest["pumps"],
        planned=sum(part["pumps"] for part in parts),
        delivered=sum(shard["delivered"] or 0 for shard in shards),
        cost_eur=whole.cost_eur,
        neutral_cost_eur=whole.neutral_cost_eur,
        lower_bound_eur=whole.lower_bound_eur,
        gap=whole.gap_pct / 100,
        gap_of_gain=whole.gap_of_gain_pct / 100,
        overflow_kwh=whole.overflow_kwh,
        kelvin_hours=whole.kelvin_hours,
        solve_s=whole.seconds,
        paid_eur_per_mwh=_paid(newest["first_slot"], parts, now),
    )


def _paid(first_slot: datetime, parts: Sequence[Mapping[str, Any]], now: datetime) -> tuple[float, float] | None:
    place = (slot_start(now) - first_slot) // SLOT
    prices = [part["price_eur_per_mwh"] for part in parts]
    paid = [series[place] for series in prices if 0 <= place < len(series)]
    return (min(paid), max(paid)) if paid else None


async def _running(access: Access, attribute: str, values: Sequence[str]) -> dict[str, int]:
    """Running pump workflows by a search attribute's value."""
    running = "WorkflowType = 'HeatPumpWorkflow' AND ExecutionStatus = 'Running'"
    return {
        value: (await access.client.count_workflows(f"{running} AND {attribute} = '{value}'")).count for value in values
    }


async def _queues(access: Access, oems: Sequence[str]) -> tuple[QueueFigures, ...]:
    asked = [(queue, kind) for queue in (PUMPS_QUEUE, PLANNER_QUEUE) for kind in _KINDS]
    asked += [(oem_queue(oem), "activity") for oem in oems]
    return tuple([await _queue(access, queue, kind) for queue, kind in asked])


async def _queue(access: Access, queue: str, kind: str) -> QueueFigures:
    asked: Any = DescribeTaskQueueRequest(
        namespace=access.client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=_KINDS[kind],
        report_stats=True,
    )
    stats = (await access.client.workflow_service.describe_task_queue(asked)).stats
    return QueueFigures(
        queue=queue,
        kind=kind,
        backlog=stats.approximate_backlog_count,
        age_s=stats.approximate_backlog_age.ToTimedelta().total_seconds(),
    )
