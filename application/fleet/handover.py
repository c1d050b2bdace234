"""Hands the right to write to a pump from another system to us, and back.

Protects: there is one writer at a time: a pump is ours only once nobody else moves it, and theirs only once it was seen
without anything of ours.
"""

import asyncio
from datetime import timedelta

from application.access import Access
from application.audit_log import Actor, audited
from application.errors import ErrorCode, Failed, Refused
from application.fan_out import no_progress
from application.fleet.pumps import consent
from application.pump_workflows import status
from application.scopes import scope_of
from application.steering.orders import give, lift
from domain.modes import neutral_of
from domain.oem.readings import Condition
from domain.steering.orders import OrderKind
from workflows.contracts import PumpStatus

LOOK_EVERY_S = 0.5
"""Wall seconds between two questions to a pump's workflow."""


async def cut_over(access: Access, pump_id: str, by: Actor) -> PumpStatus:
    """Steer a pump from now on; the other system must have let go of it. Raises Refused where it cannot be steered."""
    now = await status(access, pump_id)
    if not now.state.is_shadowed(now.now):
        raise Refused(ErrorCode.NOT_SHADOWED, f"{pump_id} is not in shadow mode: it is ours already", pump=pump_id)
    watch = now.state.watch
    if watch.silent_since is not None:
        problem = f"it has not reported since {watch.silent_since:%d %b %H:%M} UTC"
        raise Refused(ErrorCode.DECLINED, f"{pump_id}: {problem}", subject=pump_id, problem=problem)
    if watch.condition is not Condition.NORMAL:
        problem = f"the unit says: {watch.condition.value}"
        raise Refused(ErrorCode.DECLINED, f"{pump_id}: {problem}", subject=pump_id, problem=problem)

    async def do() -> PumpStatus:
        scope = scope_of(pump=pump_id)
        standing = [o for o in await access.ledger.orders.standing(access.now()) if o.kind is OrderKind.SHADOW]
        shadows = [order for order in standing if order.scope == scope]
        if not shadows:
            others = ", ".join(sorted({order.scope for order in standing}))
            raise Refused(ErrorCode.NOT_SHADOWED, f"{pump_id} is in the shadow of {others or 'nobody'}", pump=pump_id)
        for delivery in (await lift(access, shadows, by, no_progress)).values():
            for problem in delivery.problems.values():
                raise Failed(ErrorCode.NOT_STEERED, f"{pump_id} was not cut over: {problem}", pump=pump_id)
        return await status(access, pump_id)

    return await audited(access, "cut-over", pump_id, by, {}, do)


async def hand_back(access: Access, pump_id: str, by: Actor, wait: timedelta) -> PumpStatus:
    """Revert everything of ours, see it reverted, then leave the pump to another system.

    Raises Failed where it was not seen in neutral within `wait` (steered): it stays opted out then, and reverting goes
    on. Raises Refused where it is in shadow mode already.
    """
    before = await status(access, pump_id)
    if before.state.is_shadowed(before.now):
        raise Refused(ErrorCode.SHADOWED, f"{pump_id} is in shadow mode already", pump=pump_id)

    async def do() -> PumpStatus:
        if not before.state.opted_out:
            await consent(access, pump_id, by, opted_out=True)
        await _until_neutral(access, pump_id, wait)
        given = await give(access, OrderKind.SHADOW, scope_of(pump=pump_id), by)
        for problem in given.delivery.problems.values():
            raise Failed(ErrorCode.NOT_STEERED, f"{pump_id} was not handed back: {problem}", pump=pump_id)
        if not before.state.opted_out:
            await consent(access, pump_id, by, opted_out=False)
        return await status(access, pump_id)

    return await audited(access, "hand-back", pump_id, by, {}, do)


async def _until_neutral(access: Access, pump_id: str, wait: timedelta) -> None:
    deadline = access.now() + wait
    while True:
        now = await status(access, pump_id)
        if all(had.open is None and had.settled is neutral_of(circuit) for circuit, had in now.state.circuits):
            return
        if access.now() >= deadline:
            sentence = f"{pump_id} was not seen in neutral yet: it stays opted out and is being reverted"
            raise Failed(ErrorCode.PARTLY_DONE, sentence, done=(), problem="not seen in neutral")
        await asyncio.sleep(LOOK_EVERY_S)
