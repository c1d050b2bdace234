"""Intraday and imbalance prices: what a market says of some slots after the day-ahead auction, laid over its prices.

Protects: the auction's prices stay as they were, beside what was said since: a household's bill knows the former only.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, FiniteFloat

from domain.base import Instant, Value
from domain.planning.series import WholesalePrices
from domain.slots import SLOT, SLOT_HOURS

MOVED_KW = 1.0
"""What a pump moves in a slot, for weighing: half to two kilowatts, by house and weather."""
MOVE_EUR = 0.02
"""Moving there and back takes two changes of mode, each a write at a vendor and wear (`optimizer.objective`)."""


class Market(StrEnum):
    """Which market a series is of."""

    DAY_AHEAD = "day-ahead"
    INTRADAY = "intraday"
    IMBALANCE = "imbalance"


class LaterPrices(Value):
    """Prices of a price area on contiguous slots, of any stretch of time, from a market after the auction."""

    price_area: str
    market: Market
    source: str
    start: Instant
    price_eur_per_mwh: Annotated[tuple[FiniteFloat | None, ...], Field(min_length=1)]
    """None where the market says nothing of a slot."""

    @property
    def end(self) -> datetime:
        """Where the last slot ends."""
        return self.start + len(self.price_eur_per_mwh) * SLOT


def overlaid(auction: WholesalePrices, known: tuple[float | None, ...], later: LaterPrices | None) -> WholesalePrices:
    """The auction's series with what was known of its slots before, and what is said now, in place of that.

    `known` has one figure per slot, or none at all.
    """
    slots = len(auction.price_eur_per_mwh)
    said: list[float | None] = list(known) if len(known) == slots else [None] * slots
    if later is not None:
        first = (later.start - auction.start) // SLOT
        for n, price in enumerate(later.price_eur_per_mwh):
            if price is not None and 0 <= first + n < slots:
                said[first + n] = price
    return auction.model_copy(update={"later_eur_per_mwh": tuple(said)})


def earned_by_moving(planned: WholesalePrices, newest: WholesalePrices, start: datetime, slots: int) -> float:
    """EUR that a pump can gain at most by moving to what changed between two series of the same slots.

    A change of all prices alike gains nobody anything: what counts is how far slots moved against each other.
    """
    pairs = zip(planned.cut(start, slots).newest_eur_per_mwh, newest.cut(start, slots).newest_eur_per_mwh, strict=True)
    moved = [other - one for one, other in pairs]
    mean = sum(moved) / len(moved)
    return sum(max(by - mean, 0.0) for by in moved) * SLOT_HOURS * MOVED_KW / 1000
