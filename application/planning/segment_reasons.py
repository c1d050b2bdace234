"""Why a plan asks for what it asks for, segment by segment, told from what was stored with it.

A plan is the cheapest schedule as a whole, so no segment has one cause; what is named is the circumstance by which it
stands out: the limit's price, the price beside the day's, or what comes after.
"""

from collections.abc import Sequence
from enum import StrEnum

from domain.modes import Mode
from domain.planning.price_plan import ModeSegment, PricePlan
from domain.slots import SLOT

AHEAD_SLOTS = 48
"""Warmth is kept for half a day at most; what lies further ahead is no reason."""
ALIKE = 0.05
"""Prices nearer to each other than this share of the day's range count as equal."""


class Reason(StrEnum):
    """By what a segment stands out."""

    DEAR = "dear"
    """Set back while electricity costs more than on the day's mean."""
    LIMIT = "limit"
    """Held down while the grid area's limit adds to the price."""
    STORED = "stored"
    """Set back at no high price: what was stored before suffices, or what comes is cheaper."""
    CHEAP = "cheap"
    """Raised while electricity costs less than on the day's mean."""
    AHEAD = "ahead"
    """Raised before dearer hours."""
    MOVED = "moved"
    """Raised at no low price: other hours were barred by limits, comfort or the number of changes."""
    COLD_SNAP = "cold-snap"
    """Not set back, for it is too cold to be stuck so."""
    OWN = "own"
    """Its own control does as well."""
    SUBMITTED = "submitted"
    """Another optimiser asks for it."""


def reasons_of(plan: PricePlan, price: Sequence[float], cap_price: Sequence[float]) -> list[Reason]:
    """One for each segment of a plan; `price` and `cap_price` in EUR/MWh by slot from the plan's first slot on."""
    slots = (plan.valid_until - plan.first_slot) // SLOT
    return [_reason(plan, segment, price[:slots], cap_price) for segment in plan.segments]


def _reason(plan: PricePlan, segment: ModeSegment, price: Sequence[float], cap_price: Sequence[float]) -> Reason:
    first, last = ((moment - plan.first_slot) // SLOT for moment in (segment.start, segment.end))
    here, day = _mean(price[first:last]), _mean(price)
    margin = ALIKE * (max(price, default=0.0) - min(price, default=0.0))
    match segment.mode:
        case Mode.MIN if any(cap_price[first:last]):
            return Reason.LIMIT
        case Mode.MIN:
            return Reason.DEAR if here > day + margin else Reason.STORED
        case Mode.LOW if any(cap_price[first:last]):
            return Reason.LIMIT
        case Mode.LOW if plan.floor is Mode.LOW and here > day + margin:
            return Reason.COLD_SNAP
        case Mode.LOW:
            return Reason.OWN
        case _ if here < day - margin:
            return Reason.CHEAP
        case _:
            dearest = max(price[last : last + AHEAD_SLOTS], default=here)
            return Reason.AHEAD if dearest > here + margin else Reason.MOVED


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
