"""Orders for many pumps at once: given and lifted.

Protects: an order is written down before the first pump is told of it, so that an interruption leaves it in force and
never half forgotten.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from application.access import Access
from application.audit_log import Actor, audited
from application.errors import ErrorCode, Refused, UseCaseError
from application.fan_out import Delivery, Progress, no_progress, some_at_a_time
from application.pump_workflows import update
from application.scopes import covers, meant
from domain.homes.dimming import problem_with_dimming
from domain.homes.enrolment import PumpProfile
from domain.modes import Mode
from domain.steering.orders import Order, OrderKind, problem_with_order
from domain.steering.pump_state import OrderGiven, OrderLifted
from workflows.contracts import Act, first_problem
from workflows.heat_pump import HeatPumpWorkflow


@dataclass(frozen=True)
class OrderResult:
    """An order, the pumps it is for, and what became of sending it to them."""

    order: Order
    profiles: Sequence[PumpProfile]
    delivery: Delivery
    is_new: bool


async def give(
    access: Access,
    kind: OrderKind,
    scope: str,
    by: Actor,
    *,
    cap: Mode | None = None,
    limit_kw: float | None = None,
    connected_kw: float | None = None,
    end: Callable[[datetime], datetime] | None = None,
    on_given: Callable[[Order], None] = lambda _: None,
    on_progress: Progress = no_progress,
) -> OrderResult:
    """Impose an order on the pumps of a scope; an equal one that is in force already is sent again, not doubled.

    Raises Refused before anything is written down where the order cannot be taken or is for no pump. `end` gives the
    end from the steered time at which the order is given; `on_given` is called once it is in force. `limit_kw` is for a
    dimming, and `connected_kw` the pumps' connection power under it, where that is known.
    """
    now = access.now()
    profiles = meant(scope, await access.ledger.pumps.active())
    revision = int(scope.removeprefix("plan:")) if scope.startswith("plan:") else None
    if revision is not None:
        planned = await access.ledger.history.with_revision(revision)
        profiles = [profile for profile in profiles if profile.enrolment.pump_id in planned]
        if not profiles:
            sentence = f"no steered pump has a plan of revision {revision}"
            raise Refused(ErrorCode.UNKNOWN_SCOPE, sentence, kind="plan", name=str(revision), known=())
    if limit_kw is not None:
        problems = (problem_with_dimming(limit_kw, profile.enrolment, connected_kw) for profile in profiles)
        if problem := next(filter(None, problems), None):
            raise Refused(ErrorCode.INVALID_REQUEST, problem)
    try:
        order = Order(
            order_id=f"{kind.value}-{uuid.uuid4().hex[:10]}",
            kind=kind,
            scope=scope,
            cap=cap,
            limit_kw=limit_kw,
            revision=revision,
            since=now,
            until=end(now) if end else None,
            who=by.who,
            why=by.why,
        )
    except ValidationError as error:
        raise Refused(ErrorCode.INVALID_REQUEST, first_problem(error)) from error
    if problem := problem_with_order(order, now):
        raise Refused(ErrorCode.INVALID_REQUEST, problem)
    standing = [o for o in await access.ledger.orders.standing(now) if _same(o, order)]
    chosen = standing[0] if standing else order

    async def do() -> Delivery:
        await access.ledger.orders.give(chosen, now)
        on_given(chosen)
        act = Act(event=OrderGiven(order=chosen), who=by.who, why=by.why)
        return await send(access, profiles, act, f"give-{chosen.order_id}", on_progress)

    delivery = await audited(access, "order", scope, by, chosen.model_dump(mode="json"), do)
    return OrderResult(order=chosen, profiles=profiles, delivery=delivery, is_new=not standing)


def _same(one: Order, other: Order) -> bool:
    words = ("kind", "scope", "cap", "limit_kw", "revision", "until")
    return all(getattr(one, word) == getattr(other, word) for word in words)


async def lift(access: Access, orders: Sequence[Order], by: Actor, on_progress: Progress) -> dict[str, Delivery]:
    """Lift orders on the pumps they are for, then in the ledger; an order that did not reach a pump stays in force."""
    profiles = await access.ledger.pumps.active()
    outcome = {}
    for order in orders:

        async def do(order: Order = order) -> Delivery:
            act = Act(event=OrderLifted(order_id=order.order_id), who=by.who, why=by.why)
            under = [profile for profile in profiles if covers(order, profile)]
            delivery = await send(access, under, act, f"lift-{order.order_id}-{uuid.uuid4().hex[:6]}", on_progress)
            if not delivery.problems:
                await access.ledger.orders.lift(order.order_id, access.now())
            return delivery

        detail = {"order_id": order.order_id}
        outcome[order.order_id] = await audited(access, "lift-order", order.scope, by, detail, do)
    return outcome


async def list_orders(access: Access, *, every: bool = False) -> Sequence[Order]:
    """The orders in force; with `every` also those lifted or ended."""
    return await (access.ledger.orders.given() if every else access.ledger.orders.standing(access.now()))


async def standing_of(access: Access, scope: str, kinds: Sequence[OrderKind]) -> list[Order]:
    """The orders of a scope in force; raises Refused with the others where there is none."""
    standing = [o for o in await access.ledger.orders.standing(access.now()) if o.kind in kinds]
    found = [o for o in standing if o.scope == scope]
    if found:
        return found
    others = ", ".join(f"{o.order_id} ({o.scope})" for o in standing)
    sentence = f"nothing of that kind is in force for {scope}" + (f"; in force: {others}" if others else "")
    raise Refused(ErrorCode.NOTHING_STANDS, sentence, scope=scope, standing=[o.order_id for o in standing])


async def order_named(access: Access, order_id: str) -> Order:
    """An order in force by its id; raises Refused where it is not in force."""
    for order in await access.ledger.orders.standing(access.now()):
        if order.order_id == order_id:
            return order
    raise Refused(ErrorCode.UNKNOWN_ORDER, f"order {order_id} is not in force", order_id=order_id)


async def send(
    access: Access, profiles: Sequence[PumpProfile], act: Act, update_id: str, on_progress: Progress
) -> Delivery:
    """Send one act to many pumps, some at a time; a pump that cannot be reached does not stop the rest."""
    done: list[str] = []
    problems: dict[str, str] = {}

    async def one(pump_id: str) -> None:
        try:
            await update(access, pump_id, HeatPumpWorkflow.act, act, update_id)
            done.append(pump_id)
        except UseCaseError as error:
            problems[pump_id] = str(error).removeprefix(f"{pump_id}: ")
        on_progress(len(done) + len(problems), len(profiles))

    await some_at_a_time([profile.enrolment.pump_id for profile in profiles], one)
    return Delivery(done=tuple(sorted(done)), problems=dict(sorted(problems.items())))
