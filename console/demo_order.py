"""Turns the demo's options into an order, or refuses them with one sentence before anything is started."""

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from console.complaints import WrongInput
from console.stage import Staging
from domain.ports import DocumentRefused
from domain.slots import SLOT, market_day_bounds
from market.files import load_price_file, load_weather_file
from simulator.faults import FAULTS

ZONE = "DE-LU"
TZ = ZoneInfo("Europe/Berlin")
CELL = "50.0,10.0"
DEFAULT_DAY = date(2026, 1, 15)
"""A cold working day of the generator."""
LEAD_S = 9.0
LEAD_S_PER_PUMP = 0.35
"""Wall time kept for workers, enrolment and planning before steered time begins."""


@dataclass(frozen=True)
class DemoOrder:
    """What to run."""

    staging: Staging
    end: datetime
    out: Path | None
    keep: bool
    folder: Path | None

    def in_folder(self, folder: Path) -> "DemoOrder":
        """The same order with the stack's files in `folder`."""
        return replace(self, folder=folder)


def demo_order(
    *,
    pumps: int,
    hours: float | None,
    speed: float,
    seed: int,
    prices: Path | None,
    weather: Path | None,
    day: date | None,
    faults: Sequence[str],
    out: Path | None,
    keep: bool,
) -> DemoOrder:
    """Check everything that can be checked before a server starts; raises WrongInput with one sentence."""
    if hours is not None and (hours * 4) % 1:
        raise WrongInput(f"--hours {hours:g} is no whole number of quarter-hours")
    day = _day(prices, day)
    start, end = market_day_bounds(day, TZ)
    if weather is not None:
        _checked(lambda: load_weather_file(weather, CELL, start, (end - start) // SLOT))
    if hours is not None:
        end = min(end, start + timedelta(hours=hours))
    _make_folder(out)
    staging = Staging(
        pumps=pumps,
        seed=seed,
        speed=speed,
        day=day,
        epoch=start,
        price_area=ZONE,
        lead=timedelta(seconds=LEAD_S + LEAD_S_PER_PUMP * pumps),
        prices_file=prices,
        weather_file=weather,
        faults=dict(_fault(text) for text in faults),
    )
    folder = Path("var") / f"demo-{os.getpid()}" if keep else None
    return DemoOrder(staging=staging, end=end, out=out, keep=keep, folder=folder)


def _day(prices: Path | None, day: date | None) -> date:
    if prices is None:
        return day or DEFAULT_DAY
    found = _checked(lambda: load_price_file(prices, ZONE, TZ, day))
    return found.start.astimezone(TZ).date()


def _checked[T](load: Callable[[], T]) -> T:
    try:
        return load()
    except DocumentRefused as error:
        raise WrongInput(str(error)) from error


def _fault(text: str) -> tuple[str, float]:
    name, equals, rate = text.partition("=")
    known = ", ".join(FAULTS)
    if not equals or name not in FAULTS:
        raise WrongInput(f"--fault {text}: write NAME=RATE with one of {known}")
    try:
        share = float(rate)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise WrongInput(f"--fault {text}: the rate must be a share between 0 and 1")
    return name, share


def _make_folder(out: Path | None) -> None:
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise WrongInput(f"--out {out} cannot be written: {error.strerror}") from error
