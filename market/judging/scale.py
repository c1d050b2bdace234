"""Judging the size and the digits of a day's prices: market limits, and slips by 10, 100 and 1000.

Protects: a price in another unit never steers a home; nothing is clamped or rescaled.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from market.errors import BadDocument, refused

UNIT = "EUR / MWh"
TICK_EUR_PER_MWH = 0.01
QUIETEST_DAY_EUR_PER_MWH = 1.0
"""A day of different prices that all stay below this was never published; one price for all slots was."""
DEAR_DAY_EUR_PER_MWH = 250.0
"""Days whose median is above this occurred (up to 725 in August 2022), and always with cents in most prices."""
VARIED_DAY = 12
"""Different prices from which on a day's digits say something of its scale."""


@dataclass(frozen=True)
class MarketLimits:
    """What a day-ahead price can be, in EUR per MWh; outside it a document is refused, never clamped."""

    lowest: float = -600.0
    highest: float = 5000.0
    # The harmonised SDAC limits are -500 and +4000. They move by rule after extreme days, and the morning a limit moves
    # is the worst one to refuse prices: so one step of headroom on either side.


MARKET_LIMITS = MarketLimits()

At = Callable[[int], str]
"""When a price holds, by its number in the day, for people."""


def judge_limits(prices: Sequence[float], at: At, origin: str, limits: MarketLimits) -> None:
    """Raises `BadDocument` naming the first price beyond the limits."""
    for number, price in enumerate(prices):
        if not limits.lowest <= price <= limits.highest:
            raise _beyond(origin, f"{price:.12g} {UNIT} in slot {at(number)}", prices, limits)


def judge_scale(prices: Sequence[float], at: At, origin: str, limits: MarketLimits) -> None:
    """Raises `BadDocument` for a day that is possible in value and betrays a wrong unit by its digits or size.

    The market's prices are whole cents. EUR per kWh keeps the cents of EUR per MWh as a third to fifth decimal, and
    rounded to cents no price of a day reaches 1; a thousandfold day has only multiples of ten, nearly all of a
    thousand and more. The quietest real day (within 4 EUR per MWh on 2022-12-31) has neither. A tenth or a hundredth
    has decimals finer than cents as well; a tenfold day has no cents.
    """
    most = max(map(abs, prices))
    loudest = [abs(price) for price in prices].index(most)
    seen = f"{most:g} in slot {at(loudest)}"
    _judge_small(prices, most, seen, origin, limits)
    thousands = sum(abs(price) >= 1000 for price in prices)
    if 10 * thousands > 9 * sum(price != 0 for price in prices) and _all_multiples(prices, 10.0):
        raise refused(
            origin,
            f"has prices up to {seen} and all are multiples of ten, which looks like a unit mistake by 1000",
            "check the unit and divide the prices by 1000",
        )
    is_dear = median(map(abs, prices)) > DEAR_DAY_EUR_PER_MWH
    if is_dear and len(set(prices)) >= VARIED_DAY and _all_multiples(prices, 10 * TICK_EUR_PER_MWH):
        raise refused(
            origin,
            f"has prices up to {seen} and none has a cent, which looks like a slip by {_slip(prices)}",
            f"check the scale and divide the prices by {_slip(prices)}",
        )


def _judge_small(prices: Sequence[float], most: float, seen: str, origin: str, limits: MarketLimits) -> None:
    finer_than_cents = 2 * sum(not _is_multiple(price, TICK_EUR_PER_MWH) for price in prices) > len(prices)
    fits_thousandfold = all(limits.lowest <= price * 1000 <= limits.highest for price in prices)
    is_too_quiet = most < QUIETEST_DAY_EUR_PER_MWH and max(prices) - min(prices) > 2 * TICK_EUR_PER_MWH
    if fits_thousandfold and (finer_than_cents or is_too_quiet):
        why = "most are finer than a cent" if finer_than_cents else "no day is so quiet"
        raise refused(
            origin,
            f"has no price beyond {seen} and {why}, which looks like EUR per kWh although it says {UNIT}",
            "multiply the prices by 1000",
        )
    if finer_than_cents and all(limits.lowest <= price * 10 <= limits.highest for price in prices):
        raise refused(
            origin,
            f"has no price beyond {seen} and most are finer than a cent, which looks like a slip by 10 or 100",
            "check the scale against another source",
        )


def _slip(prices: Sequence[float]) -> int:
    return 100 if _all_multiples(prices, 1.0) else 10


def _beyond(origin: str, where: str, prices: Sequence[float], limits: MarketLimits) -> BadDocument:
    way_out = "correct the price, or widen the limits if the market did"
    beyond = sum(not limits.lowest <= price <= limits.highest for price in prices)
    # One absurd price among ordinary ones is a wrong price; a wrong unit shows in all of them.
    if 2 * beyond > len(prices) or all(_is_multiple(price, 10.0) for price in prices):
        way_out = "it looks like a unit mistake by 1000, so check the unit and divide"
    return refused(
        origin, f"has {where}, outside the market's limits of {limits.lowest:g} to {limits.highest:g}", way_out
    )


def _all_multiples(prices: Sequence[float], step: float) -> bool:
    return all(_is_multiple(price, step) for price in prices)


def _is_multiple(price: float, step: float) -> bool:
    # Published cents carry float noise: 0.30000000000000004 stood in a real document.
    return abs(price / step - round(price / step)) < 1e-6
