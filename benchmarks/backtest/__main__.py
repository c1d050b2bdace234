"""What a plan is worth over a season: `python -m benchmarks.backtest --days 60 --from 2024-12-01 --houses 100 --json`.

Five controllers (see `controllers`) live the same days in the simulator's houses, on real prices and weather read from
`--prices` and `--weather` (by default those of the folder in HEATSTEER_DATA). `--constant-price P` takes the place of
the market: there a saving is nothing but less energy. See `figures` for what is printed.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import fields
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks.backtest import figures
from benchmarks.backtest.controllers import CONTROLLERS
from benchmarks.backtest.life import Played
from benchmarks.backtest.play import Task, play
from benchmarks.backtest.season import PLACES, SeriesError
from optimizer.warm_up import compile_all

PRICES = "prices/de_lu_day_ahead_hourly_2021-12-01_2025-09-30.csv"
WEATHER = "weather/de_average_weather_hourly_2021-12-01_2025-02-16.csv"


def measure(given: argparse.Namespace) -> dict[str, object]:
    """Play all controllers in all places and sum up; raises SeriesError."""
    compile_all()
    began = time.monotonic()
    played = _play_all(_tasks(given), given.workers)
    curve, days = played["curve"], given.days
    per_kelvin = figures.per_kelvin_share(played["flat"], curve)
    gains = {name: figures.gains_eur(played[name], curve, per_kelvin) for name in CONTROLLERS}
    whole = gains["perfect"].sum()
    saved_kwh = float(curve.kwh.sum() - played["plan"].kwh.sum())
    return {
        "benchmark": "backtest",
        "days": days,
        "from": given.first.isoformat(),
        "houses": len(curve.kwh),
        "seed": given.seed,
        "fees_eur_per_mwh": given.fees,
        "constant_price_eur_per_mwh": given.constant_price,
        "mean_price_eur_per_mwh": round(float(curve.price_eur_per_mwh.mean()), 2),
        "controllers": {name: figures.of_controller(one, days) for name, one in played.items()},
        "cost_of_a_kelvin_pct": round(100 * per_kelvin, 2),
        "share_of_perfect_pct": round(100 * float(gains["plan"].sum() / whole), 1) if whole > 0 else None,
        "gain_eur": figures.interval(gains["plan"], given.seed),
        "gain_pct": round(100 * float(gains["plan"].sum() / figures.costs_eur(curve).sum()), 2),
        "gain_over_threshold_eur": figures.interval(gains["plan"] - gains["threshold"], given.seed),
        "saved_kwh": round(saved_kwh, 1),
        "saved_eur": round(float((figures.costs_eur(curve) - figures.costs_eur(played["plan"])).sum()), 2),
        "two_unsteered_arms_eur_per_mwh": figures.two_unsteered_arms(curve, given.seed),
        **figures.of_forecasts(played["plan"]),
        "seconds": round(time.monotonic() - began, 1),
    }


def _tasks(given: argparse.Namespace) -> list[Task]:
    shares = [given.houses // len(PLACES) + (i < given.houses % len(PLACES)) for i in range(len(PLACES))]
    constant = given.constant_price
    return [
        Task(
            place, number, None if constant is not None else given.prices, constant or 0.0, given.fees,
            given.weather, given.first, given.days, houses, given.seed,
        )
        for number, (place, houses) in enumerate(zip(PLACES, shares, strict=True))
        if houses
    ]  # fmt: skip


def _play_all(tasks: Sequence[Task], workers: int) -> dict[str, Played]:
    """By controller, all places together."""
    done: dict[int, dict[str, Played]] = {}
    # threads that compiled loops keep do not survive a fork
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(play, task): task for task in tasks}
        for future in as_completed(running):
            task = running[future]
            done[task.place_number] = future.result()
            print(f"{len(done)} of {len(tasks)} places: {task.place.name}", file=sys.stderr)
    return {name: _together([done[task.place_number][name] for task in tasks]) for name in CONTROLLERS}


def _together(parts: Sequence[Played]) -> Played:
    first, *_ = parts
    joined = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(Played)
        if field.name != "price_eur_per_mwh"
    }
    return Played(price_eur_per_mwh=first.price_eur_per_mwh, **joined)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    folder = Path(os.environ.get("HEATSTEER_DATA", "../shared/data"))
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.backtest", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=date(2024, 12, 1))
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--houses", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--prices", type=Path, default=folder / PRICES)
    parser.add_argument("--weather", type=Path, default=folder / WEATHER)
    parser.add_argument("--constant-price", type=float, help="EUR/MWh in every slot, instead of the market's prices")
    parser.add_argument("--fees", type=float, default=0.0, help="EUR/MWh on top of every price")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    given = parser.parse_args(argv)
    try:
        found = measure(given)
    except SeriesError as broken:
        print(broken, file=sys.stderr)
        return 1
    print(json.dumps(found, indent=None if given.json else 1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
