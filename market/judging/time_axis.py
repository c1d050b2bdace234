"""The time column of a document: UTC seconds, ascending, on the edges of slots, evenly spaced.

Protects: no slot is lost, repeated or moved between a document and a series.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from market.areas import HOUR_S, SLOT_S
from market.documents import kind_of, named
from market.errors import refused

STEPS_S = (SLOT_S, HOUR_S)

EARLIEST_S = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp())
LATEST_S = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())


def unix_instants(values: Sequence[object], name: str, origin: str) -> list[int]:
    """Checked seconds since 1970; raises `BadDocument` naming the row that is no such time."""
    instants: list[int] = []
    for row, value in enumerate(values, start=1):
        if isinstance(value, bool) or not isinstance(value, int):
            raise refused(
                origin, f'holds {kind_of(value)} in row {row} of "{name}"', "whole seconds since 1970 are needed"
            )
        if not EARLIEST_S <= value < LATEST_S:
            hint = "divide it by 1000, as it counts milliseconds" if _counts_ms(value) else "correct the row"
            raise refused(
                origin,
                f'holds {kind_of(value)} in row {row} of "{name}", which is no time between the years 2000 and 2100',
                hint,
            )
        instants.append(value)
    return instants


def _counts_ms(value: int) -> bool:
    return EARLIEST_S <= value // 1000 < LATEST_S


def judge_order(instants: Sequence[int], origin: str, tz: ZoneInfo) -> None:
    """Raises `BadDocument` for repeated slots, rows out of order, and rows off the slots' edges."""
    first_row: dict[int, int] = {}
    for row, instant in enumerate(instants, start=1):
        if instant in first_row:
            raise refused(
                origin,
                f"has slot {named(instant, tz)} twice, in rows {first_row[instant]} and {row}",
                "keep the one that was published",
            )
        first_row[instant] = row
    for row, (before, after) in enumerate(pairwise(instants), start=2):
        if after < before:
            raise refused(
                origin,
                f"goes back in time: row {row} is {named(after, tz)}, after {named(before, tz)}",
                "sort its rows by time or fetch it again",
            )
    for row, instant in enumerate(instants, start=1):
        if instant % SLOT_S:
            utc = datetime.fromtimestamp(instant, tz=UTC)
            raise refused(
                origin,
                f"has row {row} at {utc:%Y-%m-%d %H:%M:%S} UTC, which is not the edge of a quarter-hour",
                "fetch it again in steps of 15 or 60 minutes",
            )


def step_of(instants: Sequence[int], origin: str) -> int:
    """Seconds between rows, 900 or 3600; one row alone counts as a quarter-hour. Raises `BadDocument`."""
    if len(instants) < 2:
        return SLOT_S
    step = min(after - before for before, after in pairwise(instants))
    if step not in STEPS_S:
        raise refused(
            origin,
            f"has steps of {step // 60} minutes, neither 15 nor 60",
            "fetch it in quarter-hours or hours",
        )
    return step


def judge_even(instants: Sequence[int], step_s: int, origin: str, tz: ZoneInfo) -> None:
    """Raises `BadDocument` naming the first row that is missing between two others."""
    for before, after in pairwise(instants):
        if after - before != step_s:
            raise refused(
                origin,
                f"has no row for {named(before + step_s, tz)}: after {named(before, tz)} comes {named(after, tz)}",
                "fetch it again",
            )
