"""What people set at a unit by hand, read back from the ledger as the wishes that its workflow made of them.

Protects: ids and ends are those of `domain.steering.observations.touched`, so that what ended a manual change's
hold there ends it here too, and a workflow that is started anew respects what the one before respected.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from application.access import Access
from domain.modes import Circuit
from domain.steering.observations import TOUCH_HOLDS, hold_of
from domain.steering.overrides import Override

MEMORY = timedelta(hours=24)
"""For so long a hand is remembered, and makes the next one's hold longer."""


class Touch(NamedTuple):
    """A setting that a person was seen to give a lever, in the lever's own unit."""

    at: datetime
    circuit: Circuit
    setting: float


async def touches_before(access: Access, pump_id: str, moment: datetime) -> list[Touch]:
    """All that bears on what stands at a moment, oldest first: within the longest hold, and the memory before it."""
    rows = await access.ledger.history.baselines(pump_id, moment - TOUCH_HOLDS[-1] - MEMORY, moment)
    return [Touch(row["at"], Circuit(row["circuit"]), row["setting"]) for row in rows]


def holds_of(touches: Sequence[Touch], ended: Sequence[tuple[datetime, str | None]]) -> list[Override]:
    """The wishes that one pump's touches (oldest first) made, each until it ends.

    `ended`: when a person ended which override; None for all. A newer touch of a circuit takes the place of an older
    one that would not stand longer.
    """
    made = [hold_of(t.circuit, t.setting, t.at, _nth(touches, index)) for index, t in enumerate(touches)]
    holds = []
    for index, own in enumerate(made):
        newer = [o.requested_at for o in made[index + 1 :] if o.circuit is own.circuit and o.until >= own.until]
        ends = [at for at, which in ended if at > own.requested_at and which in (None, own.override_id)]
        holds.append(own.model_copy(update={"until": min([own.until, *newer, *ends])}))
    return holds


def _nth(touches: Sequence[Touch], index: int) -> int:
    """Which of the touches within memory this one is, from 1 on."""
    return index + 1 - bisect_right(touches, touches[index].at - MEMORY, hi=index, key=lambda touch: touch.at)
