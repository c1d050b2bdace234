"""Plays a season in all its places, two at a time and more where there are cores, and sums it up.

Invariant: whoever stops it leaves no process behind.
"""

import asyncio
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from datetime import date
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from typing import Any, NamedTuple

import numpy as np

from backtest import figures
from backtest.controllers import CONTROLLERS
from backtest.life import Array, Played
from backtest.play import Task, play
from backtest.season import Local

LOOK_EVERY_S = 0.3


@dataclass(frozen=True)
class Order:
    """What is to be played."""

    prices: str
    """Where they come from, for people."""
    price_eur_per_mwh: Sequence[float]
    """By slot, with what is paid on top of the market's."""
    weather: str
    """Where it comes from, for people."""
    places: Sequence[Local]
    first: date
    days: int
    houses: int
    """Spread evenly over the places."""
    seed: int
    workers: int = 2


@dataclass(frozen=True)
class Season:
    """What became of it."""

    order: Order
    played: Mapping[str, Played]
    """By controller, the houses of all places together."""
    gains_eur: Mapping[str, Array]
    """Of every house at the mean room of its own control, by controller, (H,)."""
    figures: dict[str, Any]


class _Shared(NamedTuple):
    days_done: "Synchronized[int]"
    stop: Event


_shared: list[_Shared] = []
"""In a child only: what it shares with its parent."""


async def run_backtest(order: Order, progress: Callable[[int, int], None]) -> Season:
    """Play it; `progress` is told of days done and of how many, over all places."""
    begun, tasks, context = time.monotonic(), _tasks(order), get_context("spawn")
    # threads that compiled loops keep do not survive a fork
    shared = _Shared(context.Value("q", 0), context.Event())
    whole = len(tasks) * order.days
    with ProcessPoolExecutor(order.workers, context, initializer=_begin, initargs=shared) as pool:
        loop = asyncio.get_running_loop()
        running = [loop.run_in_executor(pool, _play, task) for task in tasks]
        try:
            gathered = asyncio.gather(*running)
            while not gathered.done():
                progress(shared.days_done.value, whole)
                await asyncio.wait([gathered], timeout=LOOK_EVERY_S)
            parts = gathered.result()
        except BaseException:
            shared.stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    progress(whole, whole)
    played = {name: _together([part[name] for part in parts]) for name in CONTROLLERS}
    return _summed(order, played, time.monotonic() - begun)


def _begin(days_done: "Synchronized[int]", stop: Event) -> None:
    """A child of its own: Ctrl-C is the parent's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _shared.append(_Shared(days_done, stop))


def _play(task: Task) -> dict[str, Played]:
    (shared,) = _shared

    def day_done() -> None:
        with shared.days_done.get_lock():
            shared.days_done.value += 1

    return play(task, day_done, shared.stop.is_set)


def _tasks(order: Order) -> list[Task]:
    count = len(order.places)
    shares = [order.houses // count + (n < order.houses % count) for n in range(count)]
    return [
        Task(local, number, order.price_eur_per_mwh, order.first, order.days, houses, order.seed)
        for number, (local, houses) in enumerate(zip(order.places, shares, strict=True))
        if houses
    ]


def _together(parts: Sequence[Played]) -> Played:
    first, *_ = parts
    joined = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(Played)
        if field.name != "price_eur_per_mwh"
    }
    return Played(price_eur_per_mwh=first.price_eur_per_mwh, **joined)


def _summed(order: Order, played: Mapping[str, Played], seconds: float) -> Season:
    curve, plan, days = played["curve"], played["plan"], order.days
    per_kelvin = figures.per_kelvin_share(played["flat"], curve)
    gains = {name: figures.gains_eur(one, curve, per_kelvin) for name, one in played.items()}
    whole, costs = gains["perfect"].sum(), figures.costs_eur(curve)
    found: dict[str, Any] = {
        "days": days,
        "first_day": order.first.isoformat(),
        "houses": len(curve.kwh),
        "places": [local.place for local in order.places],
        "seed": order.seed,
        "prices": order.prices,
        "weather": order.weather,
        "mean_price_eur_per_mwh": round(float(curve.price_eur_per_mwh.mean()), 2),
        "controllers": {name: figures.of_controller(one, days) for name, one in played.items()},
        "cost_of_a_kelvin_pct": round(100 * per_kelvin, 2),
        "share_of_perfect_pct": round(100 * float(gains["plan"].sum() / whole), 1) if whole > 0 else None,
        "gain_eur": figures.interval(gains["plan"], order.seed),
        "gain_eur_by_controller": {name: figures.interval(gain, order.seed) for name, gain in gains.items()},
        "gain_pct": round(100 * float(gains["plan"].sum() / costs.sum()), 2) if costs.sum() > 0 else None,
        "gain_over_threshold_eur": figures.interval(gains["plan"] - gains["threshold"], order.seed),
        "saved_kwh": round(float(curve.kwh.sum() - plan.kwh.sum()), 1),
        "saved_eur": round(float((costs - figures.costs_eur(plan)).sum()), 2),
        "two_unsteered_arms_eur_per_mwh": figures.two_unsteered_arms(curve, order.seed),
        **figures.of_forecasts(plan),
        "seconds": round(seconds, 1),
    }
    return Season(order, played, gains, found)
