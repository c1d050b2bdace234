"""Tries whether a pump can be steered: nudges it, sees it obey, reverts, sees that too, and gives a score.

Protects: the test goes the pump's own way, by an override that ends by itself should nobody end it: whatever forbids a
wish of a household forbids the test as well.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from application.access import Access
from application.audit_log import Actor
from application.errors import ErrorCode, Refused
from application.pump_workflows import status
from application.steering.overrides import OverrideRequest, end_override, override
from domain.modes import Mode
from domain.steering.overrides import OverrideKind, OverrideSource
from domain.steering.pump_state import CircuitState

LASTS = timedelta(hours=3)
"""Steered; after this the nudge ends by itself."""
TRAIL = 60
FULL, HALF = 100, 40
LESS_PER_WRITE = 10
LEAST_STEERABLE = 70
"""A pump below is better left alone: it needed three writes more than it should."""
LOOK_EVERY_S = 0.5


@dataclass(frozen=True)
class Steerability:
    """What a test found."""

    pump: str
    nudge: Mode
    obeyed_after_s: float | None
    """Steered seconds from the decision until it was seen; None where it was not."""
    reverted_after_s: float | None
    writes: int
    score: int
    """100 for a pump that obeyed and went back at one write each, 10 less for every further write, at most 40 where it
    was not seen to go back, 0 where it never obeyed."""
    reason: str
    """What went wrong; empty where nothing did."""

    @property
    def is_steerable(self) -> bool:
        """Whether the score is good enough."""
        return self.score >= LEAST_STEERABLE


async def steerability(
    access: Access, pump_id: str, by: Actor, wait: timedelta, on_step: Callable[[str], None]
) -> Steerability:
    """Test one pump; each of its two steps may take `wait` (steered). Raises Refused where nothing may be written."""
    before = await status(access, pump_id)
    heating = before.state.heating
    nudge = Mode.LOW if heating.settled is Mode.MID else Mode.MID
    request = OverrideRequest(source=OverrideSource.OPERATOR, kind=OverrideKind.MODE, mode=nudge)
    asked = await override(access, pump_id, by, request, lambda now: now + LASTS)
    first_seq = before.state.last_seq
    try:
        if not asked.in_force or asked.bounded_by:
            why = asked.bounded_by or "a stronger wish is in force"
            raise Refused(ErrorCode.DECLINED, f"{pump_id} cannot be tested now: {why}", subject=pump_id, problem=why)
        on_step(f"{pump_id}: asked for {nudge.value}")
        obeyed = await _until(access, pump_id, lambda had: had.settled is nudge, wait)
    finally:
        back = await end_override(access, pump_id, asked.override_id, by)
    on_step(f"{pump_id}: {'obeyed' if obeyed.took else 'did not obey'}; goes back to {back.target}")
    wanted = Mode(back.target)
    reverted = await _until(access, pump_id, lambda had: had.settled is wanted, wait)
    writes = await _writes(access, pump_id, first_seq)
    reason = obeyed.reason or reverted.reason
    return Steerability(
        pump_id, nudge, obeyed.took, reverted.took, writes, _score(obeyed.took, reverted.took, writes), reason
    )


@dataclass(frozen=True)
class _Step:
    took: float | None
    reason: str = ""


async def _until(access: Access, pump_id: str, holds: Callable[[CircuitState], bool], wait: timedelta) -> _Step:
    deadline = access.now() + wait
    while True:
        had = (await status(access, pump_id)).state.heating
        if holds(had) and had.open is None:
            last, at = had.last, had.settled_at
            return _Step((at - last.decided_at).total_seconds() if last is not None and at is not None else 0.0)
        if access.now() >= deadline:
            why = had.failed.reason if had.failed is not None else "it was not seen in time"
            return _Step(None, why)
        await asyncio.sleep(LOOK_EVERY_S)


async def _writes(access: Access, pump_id: str, after_seq: int) -> int:
    """Writes of heating commands that were decided since."""
    trail = await access.ledger.reports.trail(pump_id, TRAIL)
    heating = {mode.value for mode in Mode}
    return sum(
        line["kind"] == "sent" and line["mode"] in heating and int(line["command_id"].rpartition("-c")[2]) > after_seq
        for line in trail
    )


def _score(obeyed_s: float | None, reverted_s: float | None, writes: int) -> int:
    if obeyed_s is None:
        return 0
    score = FULL - LESS_PER_WRITE * max(0, writes - 2)
    return max(10, score if reverted_s is not None else min(HALF, score))
