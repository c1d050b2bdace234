"""Judging two sources of one market day against each other.

Protects: where two sources say different things, neither is used unless the difference shows which one is at fault.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from domain.planning.series import WholesalePrices
from domain.slots import SLOT
from market.judging.history import SLIPS
from market.judging.shape import EDGE_EUR_PER_MWH

MATERIAL_EUR_PER_MWH = 1.0
"""Both publish the same auction to the cent; conversion and rounding differ by cents."""
QUARTERS = 4
SHORTEST_ZEROS = 2
MOSTLY = 0.9


@dataclass(frozen=True)
class Disagreement:
    """How two sources of one day differ."""

    what: str
    """What is different, in words that follow the two sources' names."""
    at_fault: WholesalePrices | None
    """The one whose fault it is, where the difference shows it."""


def compare(one: WholesalePrices, other: WholesalePrices) -> Disagreement | None:
    """The difference between two series of the same day; None where they agree."""
    fine, coarse = sorted((one, other), key=lambda series: series.resolution_min)
    prices, reference = fine.price_eur_per_mwh, coarse.price_eur_per_mwh
    if fine.resolution_min != coarse.resolution_min:
        prices = _hourly(prices, fmean)
    different = [n for n, (a, b) in enumerate(zip(prices, reference, strict=True)) if abs(a - b) > MATERIAL_EUR_PER_MWH]
    if not different:
        return None
    first_quarters = _hourly(fine.price_eur_per_mwh, _first)
    if fine.resolution_min != coarse.resolution_min and _mostly_equal(first_quarters, reference):
        what = f"differ: the hours of {coarse.source} are the first quarters of {fine.source}, not their means"
        return Disagreement(what, coarse)
    return Disagreement(_described(one, other, different[0], len(different)), _with_zeros(fine, coarse, different))


def _described(one: WholesalePrices, other: WholesalePrices, first: int, count: int) -> str:
    a, b = one.price_eur_per_mwh, other.price_eur_per_mwh
    for factor in SLIPS:
        if _mostly_equal([price * factor for price in a], b):
            return f"differ by a factor of {max(factor, 1 / factor):g}"
    for shift, name in ((QUARTERS, "later"), (-QUARTERS, "earlier")):
        kept, moved = (a[:-shift], b[shift:]) if shift > 0 else (a[-shift:], b[:shift])
        if _mostly_equal(kept, moved):
            return f"differ by an hour: the second has every price an hour {name}"
    start = one.start + first * SLOT
    return (
        f"differ in {count} of {len(a)} slots, first at {start:%Y-%m-%d %H:%M} UTC with {a[first]:g} and {b[first]:g}"
    )


def _with_zeros(one: WholesalePrices, other: WholesalePrices, different: Sequence[int]) -> WholesalePrices | None:
    """The one that has zeros wherever the two differ, and the other prices well away from zero."""
    for series, beside in ((one, other), (other, one)):
        is_zero = all(series.price_eur_per_mwh[n] == 0 for n in different)
        is_priced = any(abs(beside.price_eur_per_mwh[n]) > EDGE_EUR_PER_MWH for n in different)
        if is_zero and is_priced and len(different) >= SHORTEST_ZEROS:
            return series
    return None


def _mostly_equal(prices: Sequence[float], reference: Sequence[float]) -> bool:
    equal = sum(abs(a - b) <= MATERIAL_EUR_PER_MWH for a, b in zip(prices, reference, strict=True))
    # Prices around zero are within a euro whatever the factor: what differs must be seen too.
    return equal >= MOSTLY * len(reference) and max(map(abs, reference)) > EDGE_EUR_PER_MWH


def _first(prices: Sequence[float]) -> float:
    return prices[0]


def _hourly(prices: Sequence[float], of: Callable[[Sequence[float]], float]) -> tuple[float, ...]:
    """One price for the four quarters of each hour."""
    hours = [prices[first : first + QUARTERS] for first in range(0, len(prices), QUARTERS)]
    return tuple(price for hour in hours for price in [of(hour)] * len(hour))
