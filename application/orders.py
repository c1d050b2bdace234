"""Orders for many pumps at once: given, lifted, and waited for until every pump is seen to obey.

Protects: an order is written down before the first pump hears of it, so that an interruption leaves it standing and
never half forgotten; a stop is done when the pumps were seen in neutral, not when they were told, and a pump that
nobody looked at lately was not seen.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from application.errors import Complaint, WrongInput
from application.overrides import Actor, audited, update
from application.pumps import status
from application.scopes import covers, meant
from console.access import Access
from domain.commands.command import Authority, EventKind
from domain.homes.enrolment import PumpProfile
from domain.modes import Circuit, HotWaterMode, Mode, neutral_of
from domain.steering.arbitration import target_at
from domain.steering.orders import Order, OrderKind, problem_with_order
from domain.steering.pump_state import CircuitState, OrderGiven, OrderLifted
from domain.steering.sweep_policy import PASS
from workflows.contracts import Act, PumpStatus, first_problem
from workflows.heat_pump import HeatPumpWorkflow

AT_A_TIME = 32
OBEYED = (EventKind.APPLIED.value, EventKind.EFFECTIVE.value)
LOOK_EVERY_S = 1.0
"""Wall seconds between looks at the ledger while a stop is waited for."""

Tally = Callable[[int, int], None]
"""Told after each pump: how many of how many."""


@dataclass(frozen=True)
class Delivery:
    """What became of telling many pumps one thing."""

    done: tuple[str, ...]
    problems: Mapping[str, str]
    """By pump, in a sentence."""


@dataclass(frozen=True)
class OrderResult:
    """An order, the pumps it is for, and what became of telling them."""

    order: Order
    profiles: Sequence[PumpProfile]
    told: Delivery
    is_new: bool


@dataclass(frozen=True)
class Neutrality:
    """How a fleet stands towards neutral."""

    verified: tuple[str, ...] = ()
    by_others: Mapping[str, str] = field(default_factory=dict)
    """Pumps that do what outranks a stop: a person's wish, a grid limit, somebody at the unit."""
    stragglers: Mapping[str, str] = field(default_factory=dict)
    """Pumps not seen in neutral, and why."""


async def give(
    access: Access,
    kind: OrderKind,
    scope: str,
    by: Actor,
    *,
    cap: Mode | None = None,
    end: Callable[[datetime], datetime] | None = None,
    on_given: Callable[[Order], None] = lambda _: None,
    tally: Tally = lambda _done, _all: None,
) -> OrderResult:
    """Impose an order on the pumps of a scope. One of the same words that stands already is given again, not doubled.

    Raises WrongInput before anything is written down where the order could not be taken or is for nobody.
    """
    now = access.now()
    profiles = meant(scope, await access.ledger.pumps.active())
    revision = int(scope.removeprefix("plan:")) if scope.startswith("plan:") else None
    if revision is not None:
        planned = await access.trails.with_revision(revision)
        profiles = [profile for profile in profiles if profile.enrolment.pump_id in planned]
        if not profiles:
            raise WrongInput(f"no steered pump was made a plan of revision {revision}")
    try:
        order = Order(
            order_id=f"{kind.value}-{uuid.uuid4().hex[:10]}",
            kind=kind,
            scope=scope,
            cap=cap,
            revision=revision,
            since=now,
            until=end(now) if end else None,
            who=by.who,
            why=by.why,
        )
    except ValidationError as error:
        raise WrongInput(first_problem(error)) from error
    if problem := problem_with_order(order, now):
        raise WrongInput(problem)
    standing = [o for o in await access.orders.standing(now) if _same(o, order)]
    chosen = standing[0] if standing else order

    async def do() -> Delivery:
        await access.orders.give(chosen, now)
        on_given(chosen)
        act = Act(event=OrderGiven(order=chosen), who=by.who, why=by.why)
        return await tell(access, profiles, act, f"give-{chosen.order_id}", tally)

    told = await audited(access, "order", scope, by, chosen.model_dump(mode="json"), do)
    return OrderResult(order=chosen, profiles=profiles, told=told, is_new=not standing)


def _same(one: Order, other: Order) -> bool:
    words = ("kind", "scope", "cap", "revision", "until")
    return all(getattr(one, word) == getattr(other, word) for word in words)


async def lift(access: Access, orders: Sequence[Order], by: Actor, tally: Tally) -> dict[str, Delivery]:
    """Lift orders on the pumps they are for, then in the ledger; one that a pump did not hear of stays standing."""
    profiles = await access.ledger.pumps.active()
    outcome = {}
    for order in orders:

        async def do(order: Order = order) -> Delivery:
            act = Act(event=OrderLifted(order_id=order.order_id), who=by.who, why=by.why)
            under = [profile for profile in profiles if covers(order, profile)]
            told = await tell(access, under, act, f"lift-{order.order_id}-{uuid.uuid4().hex[:6]}", tally)
            if not told.problems:
                await access.orders.lift(order.order_id, access.now())
            return told

        detail = {"order_id": order.order_id}
        outcome[order.order_id] = await audited(access, "lift-order", order.scope, by, detail, do)
    return outcome


async def standing_of(access: Access, scope: str, kinds: Sequence[OrderKind]) -> list[Order]:
    """The orders of a scope that stand; WrongInput with those that do where none does."""
    standing = [o for o in await access.orders.standing(access.now()) if o.kind in kinds]
    found = [o for o in standing if o.scope == scope]
    if found:
        return found
    others = ", ".join(f"{o.order_id} ({o.scope})" for o in standing)
    raise WrongInput(f"nothing of that kind stands for {scope}" + (f"; what stands: {others}" if others else ""))


async def order_named(access: Access, order_id: str) -> Order:
    """A standing order by its id; WrongInput where it does not stand."""
    for order in await access.orders.standing(access.now()):
        if order.order_id == order_id:
            return order
    raise WrongInput(f"order {order_id} does not stand: `heatsteer fleet orders` lists those that do")


async def tell(access: Access, profiles: Sequence[PumpProfile], act: Act, update_id: str, tally: Tally) -> Delivery:
    """Tell many pumps one thing, some at a time; what could not be told is said by pump, and ends nothing."""
    done: list[str] = []
    problems: dict[str, str] = {}

    async def one(pump_id: str) -> None:
        try:
            await update(access, pump_id, HeatPumpWorkflow.act, act, update_id)
            done.append(pump_id)
        except Complaint as complaint:
            problems[pump_id] = str(complaint).removeprefix(f"{pump_id}: ")
        tally(len(done) + len(problems), len(profiles))

    await some_at_a_time([profile.enrolment.pump_id for profile in profiles], one)
    return Delivery(done=tuple(sorted(done)), problems=dict(sorted(problems.items())))


async def some_at_a_time[T](items: Sequence[str], one: Callable[[str], Awaitable[T]]) -> list[T]:
    """Bounded concurrency; the answers in the order of the items."""
    gate = asyncio.Semaphore(AT_A_TIME)

    async def gated(item: str) -> T:
        async with gate:
            return await one(item)

    return list(await asyncio.gather(*(gated(item) for item in items)))


async def wait_for_neutral(
    access: Access, given: OrderResult, wait: timedelta, on_look: Callable[[Neutrality], None]
) -> Neutrality:
    """Look until every pump of an order was seen in neutral, or the wait (steered) is over."""
    deadline = access.now() + wait
    while True:
        found = await neutrality(access, given)
        on_look(found)
        if not found.stragglers or access.now() >= deadline:
            return found
        await asyncio.sleep(LOOK_EVERY_S)


async def neutrality(access: Access, given: OrderResult) -> Neutrality:
    """Who was seen in neutral: by the ledger, and where that says no, by the pump's own workflow, which says why.

    Whoever is in neutral by what was written down, and was not looked at lately, is a straggler all the same.
    """
    pump_ids = [profile.enrolment.pump_id for profile in given.profiles]
    newest = await access.trails.newest_by_circuit()
    away = {row["pump_id"] for row in newest if not _is_neutral(row)}
    unheard = {pump for pump in given.told.problems if pump in away}
    others: dict[str, str] = {}
    stragglers = {pump: given.told.problems[pump] for pump in sorted(unheard)}

    async def ask(pump_id: str) -> None:
        try:
            now = await status(access, pump_id)
        except Complaint as complaint:
            stragglers[pump_id] = str(complaint)
            return
        why, is_ours = _not_neutral(now, given.order)
        if why:
            (stragglers if is_ours else others)[pump_id] = why

    await some_at_a_time([pump for pump in pump_ids if pump in away - unheard], ask)
    for pump_id, why in (await _unseen(access, given, newest)).items():
        if pump_id not in others:
            stragglers.setdefault(pump_id, why)
    verified = tuple(pump for pump in pump_ids if pump not in others and pump not in stragglers)
    return Neutrality(verified, dict(sorted(others.items())), dict(sorted(stragglers.items())))


async def _unseen(access: Access, given: OrderResult, newest: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Pumps of an order that are silent, or were looked at neither since a pass of the sweep before it nor since they
    last obeyed: what they were seen in by then may be long over."""
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
        # Seeing it obey was a look at it, though the sweep may not have come by since.
        looks = [seen_at is not None and seen_at >= min(since, obeyed_at or since)]
        looks.append(obeyed_at is not None and obeyed_at >= since)
        if is_silent or not any(looks):
            unseen[pump_id] = f"not seen since {seen_at:%d %b %H:%M} UTC" if seen_at else "never seen yet"
    return unseen


def _is_neutral(row: Mapping[str, Any]) -> bool:
    """Whether the newest command of a circuit and what was written down of it last say that the pump is in neutral."""
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
        return f"{what}{target.mode.value} is wished by {target.authority.value}" + (
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
