"""Judging the shape of a day: zeros that were never published, a value that stuck, an hour that stands there twice.

Protects: a fleet is never planned into cheapness that only a source's fault shows.

Measured on every published day of DE-LU from December 2021 to March 2026: a run of zeros (of two hours, or of four
quarters) always had a price within 3 EUR per MWh beside it, as the market glides into zero; no other price held for
more than three and a quarter hours; and no hour repeated the four different prices of the hour before. A day of steps
(two tariffs, a test's profile) says nothing either way, so a run counts only in a day whose other prices vary.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from market.areas import HOUR_S, SLOT_S
from market.errors import refused
from market.judging.scale import At

SHORTEST_ZEROS_S = 4 * SLOT_S
EDGE_EUR_PER_MWH = 5.0
"""A jump into zero, and out of it, that the market has not made."""
SHORTEST_FROZEN_S = 6 * HOUR_S
NEAR_ZERO_EUR_PER_MWH = 1.0
"""Below this a price held for hours (-0.01 for three and a quarter), because the market stays there."""
VARIED_REST = 8
"""Different prices outside a run from which on a day counts as varying."""


@dataclass(frozen=True)
class _Run:
    """Consecutive rows of one price."""

    first: int
    rows: int
    price: float

    @property
    def end(self) -> int:
        return self.first + self.rows


def judge_shape(prices: Sequence[float], steps_s: Sequence[int], at: At, origin: str) -> None:
    """Raises `BadDocument` naming the first slot of what looks like a source's fault."""
    for run in _runs(prices):
        lasts_s = sum(steps_s[run.first : run.end])
        is_zero = run.price == 0 and run.rows > 1 and lasts_s >= SHORTEST_ZEROS_S and _has_hard_edges(prices, run)
        is_frozen = abs(run.price) > NEAR_ZERO_EUR_PER_MWH and lasts_s >= SHORTEST_FROZEN_S
        if not (is_zero or is_frozen) or not _rest_varies(prices, run):
            continue
        if is_zero:
            raise refused(
                origin,
                f"has 0.00 in {run.rows} rows from {at(run.first)} on, with a jump of more than {EDGE_EUR_PER_MWH:g} "
                "EUR / MWh beside them, which looks like missing prices stored as zero",
                "compare with another source",
            )
        raise refused(
            origin,
            f"has {run.price:g} in {run.rows} rows from {at(run.first)} on, "
            f"{lasts_s / HOUR_S:g} hours of one price in a day that otherwise varies",
            "compare with another source, as the source may have stuck",
        )
    _judge_doubled_hours(prices, steps_s, at, origin)


def _judge_doubled_hours(prices: Sequence[float], steps_s: Sequence[int], at: At, origin: str) -> None:
    if set(steps_s) != {SLOT_S}:
        return
    for first in range(0, len(prices) - 7, 4):
        hour, after = prices[first : first + 4], prices[first + 4 : first + 8]
        if hour == after and max(hour) - min(hour) > NEAR_ZERO_EUR_PER_MWH:
            raise refused(
                origin,
                f"has the four prices of the hour of {at(first)} again in the hour of {at(first + 4)}",
                "fetch it again, as an hour was doubled",
            )


def _runs(prices: Sequence[float]) -> list[_Run]:
    runs: list[_Run] = []
    first = 0
    for price, equal in groupby(prices):
        rows = len(list(equal))
        runs.append(_Run(first, rows, price))
        first += rows
    return runs


def _rest_varies(prices: Sequence[float], run: _Run) -> bool:
    rest = [*prices[: run.first], *prices[run.end :]]
    # Hours spread over quarters repeat each price four times, and still vary.
    return len(set(rest)) >= VARIED_REST and max((other.rows for other in _runs(rest)), default=0) <= 4


def _has_hard_edges(prices: Sequence[float], run: _Run) -> bool:
    beside = [*prices[max(0, run.first - 1) : run.first], *prices[run.end : run.end + 1]]
    return bool(beside) and min(abs(price - run.price) for price in beside) > EDGE_EUR_PER_MWH
