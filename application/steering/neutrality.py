"""Whether a fleet that was stopped is seen in neutral.

Protects: a stop is done when the pumps were seen in neutral, not when they were told, and a pump that was not read
lately was not seen.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from application.access import Access
from application.errors import UseCaseError
from application.fan_out import some_at_a_time
from application.pump_workflows import status
from application.steering.orders import OrderResult
from domain.commands.command import Authority, EventKind
from domain.modes import Circuit, HotWaterMode, Mode, neutral_of
from domain.steering.arbitration import target_at
from domain.steering.orders import Order
from domain.steering.pump_state import CircuitState
from domain.steering.sweep_policy import PASS
from workflows.contracts import PumpStatus

OBEYED = (EventKind.APPLIED.value, EventKind.EFFECTIVE.value)
LOOK_EVERY_S = 1.0
"""Wall seconds between queries of the ledger while a stop is waited for."""


@dataclass(frozen=True)
class Neutrality:
    """How a fleet stands towards neutral."""

    verified: tuple[str, ...] = ()
    by_others: Mapping[str, str] = field(default_factory=dict)
    """Pumps that do what outranks a stop: an override, a grid limit, a manual change."""
    stragglers: Mapping[str, str] = field(default_factory=dict)
    """Pumps not seen in neutral, and why."""


async def wait_for_neutral(
    access: Access, given: OrderResult, wait: timedelta, on_look: Callable[[Neutrality], None]
) -> Neutrality:
    """Wait until every pump of an order was seen in neutral, or the wait (steered) is over."""
    deadline = access.now() + wait
    while True:
        found = await neutrality(access, given)
        on_look(found)
        if not found.stragglers or access.now() >= deadline:
            return found
        await asyncio.sleep(LOOK_EVERY_S)


async def neutrality(access: Access, given: OrderResult) -> Neutrality:
    """Which pumps were seen in neutral: by the ledger, or else by the pump's own workflow, which says why not.

    A pump that is in neutral by the ledger and was not read lately is a straggler all the same.
    """
    pump_ids = [profile.enrolment.pump_id for profile in given.profiles]
    newest = await access.ledger.history.newest_by_circuit()
    away = {row["pump_id"] for row in newest if not _is_neutral(row)}
    undelivered = {pump for pump in given.delivery.problems if pump in away}
    others: dict[str, str] = {}
    stragglers = {pump: given.delivery.problems[pump] for pump in sorted(undelivered)}

    async def ask(pump_id: str) -> None:
        try:
            now = await status(access, pump_id)
        except UseCaseError as error:
            stragglers[pump_id] = str(error)
            return
        why, is_ours = _not_neutral(now, given.order)
        if why:
            (stragglers if is_ours else others)[pump_id] = why

    await some_at_a_time([pump for pump in pump_ids if pump in away - undelivered], ask)
    for pump_id, why in (await _unseen(access, given, newest)).items():
        if pump_id not in others:
            stragglers.setdefault(pump_id, why)
    verified = tuple(pump for pump in pump_ids if pump not in others and pump not in stragglers)
    return Neutrality(verified, dict(sorted(others.items())), dict(sorted(stragglers.items())))


async def _unseen(access: Access, given: OrderResult, newest: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Pumps of an order that are silent, or were read neither since a pass of the sweep before it nor since they last
    obeyed: what they were seen in by then may be long over."""
    since = given.order.since - PASS
    obeyed: dict[str, datetime] = {}
    for row in newest:
        if row["kind"] in OBEYED:
            obeyed[row["pump_id"]] = max(row["at"], obeyed.get(row["pump_id"], row["at"]))
    records = await access.ledger.sweep_records.records([profile.enrolment.pump_id for profile in given.profiles])
    unseen = {}
    for profile in given.profiles:
        pump_id, record = profile.enrolment.pump_id, records.get(profile.enrolment.pump_id)
        seen_at = record.as_of if record is not None else None
        is_silent = record is not None and record.is_silent
        obeyed_at = obeyed.get(pump_id)
        # Seeing it obey was a read of it, though the sweep may not have come by since.
        reads = [seen_at is not None and seen_at >= min(since, obeyed_at or since)]
        reads.append(obeyed_at is not None and obeyed_at >= since)
        if is_silent or not any(reads):
            unseen[pump_id] = f"not seen since {seen_at:%d %b %H:%M} UTC" if seen_at else "never seen yet"
    return unseen


def _is_neutral(row: Mapping[str, Any]) -> bool:
    """Whether the newest event of a circuit's newest command says that the pump is in neutral."""
    if row["kind"] == EventKind.TOUCHED.value:
        return True
    return row["kind"] in OBEYED and row["mode"] in (Mode.LOW.value, HotWaterMode.NORMAL.value)


def _not_neutral(now: PumpStatus, order: Order) -> tuple[str, bool]:
    """Why a pump is not known to be in neutral, empty where it is; and whether the stop should change that."""
    by_others = ""
    for circuit, had in now.state.circuits:
        target = target_at(now.state, now.now, circuit)
        is_neutral = had.open is None and had.settled is neutral_of(circuit)
        if is_neutral or (order.revision is not None and target.revision not in (None, order.revision)):
            continue  # a plan that the order does not name is left alone
        why = _why(now, circuit, had)
        if target.mode is neutral_of(circuit) or target.authority is Authority.PLAN:
            return why, True
        by_others = by_others or why
    return by_others, False


def _why(now: PumpStatus, circuit: Circuit, had: CircuitState) -> str:
    watch, target = now.state.watch, target_at(now.state, now.now, circuit)
    what = "" if circuit is Circuit.HEATING else "hot water: "
    if target.mode is not neutral_of(circuit):
        return f"{what}{target.mode.value} is wanted by {target.authority.value}" + (
            f" ({target.reason})" if target.reason else ""
        )
    if watch.silent_since is not None:
        return f"{what}it has not reported since {watch.silent_since:%d %b %H:%M} UTC"
    if target.is_held:
        return f"{what}nothing may be written now ({target.reason})"
    if had.failed is not None:
        return f"{what}failed {had.failed.count}x: {had.failed.reason}"
    if had.open is not None:
        return f"{what}{had.open.command.command_id} is being written and verified"
    if had.drift is not None:
        return f"{what}it keeps falling to {had.drift.level.value}"
    return f"{what}it was last seen in {had.settled.value if had.settled else 'an unknown setting'}"
