"""Doing one thing to many pumps: bounded concurrency, progress, and what became of each."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

AT_A_TIME = 32

Progress = Callable[[int, int], None]
"""Called after each: how many of how many are done."""


@dataclass(frozen=True)
class Delivery:
    """What became of sending one thing to many pumps."""

    done: tuple[str, ...]
    problems: Mapping[str, str]
    """By pump, in a sentence."""


def no_progress(_done: int, _all: int) -> None:
    """For callers that show none."""


async def some_at_a_time[T](items: Sequence[str], one: Callable[[str], Awaitable[T]]) -> list[T]:
    """Bounded concurrency; the answers in the order of the items."""
    gate = asyncio.Semaphore(AT_A_TIME)

    async def gated(item: str) -> T:
        async with gate:
            return await one(item)

    return list(await asyncio.gather(*(gated(item) for item in items)))
