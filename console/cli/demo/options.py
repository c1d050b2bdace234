"""The options of `heatsteer demo` as an order, or one sentence on what is wrong before anything is started."""

import os
import re
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from console.cli.errors import UsageError
from console.cli.time_parsing import parse_duration
from demo.fleet_vendors import ALL, chosen_vendors, simulated_vendors
from demo.kills import SLOWEST_START_S
from demo.order import CELL, DemoOrder
from demo.stage import Staging
from domain.ports import DocumentRefused
from domain.slots import SLOT, market_day_bounds
from market.files import load_price_file, load_weather_file
from simulator.faults.outages import Outage
from simulator.faults.rates import FAULTS, PER_DAY, PROCESS_FAULTS, checked_rates

PRICE_AREA = "DE-LU"
TZ = ZoneInfo("Europe/Berlin")
DEFAULT_DAY = date(2026, 1, 15)
"""A cold working day of the generator."""
LEAD_S = 20.0
LEAD_S_PER_PUMP = 0.35
"""Wall time kept for workers, enrolment and planning before steered time begins."""
USUAL_SPEED = 480.0
FULL_SPEED_PUMPS = 12
"""A larger fleet runs the slower: its workers have so much more to do in each second of the wall."""
ROUGH_SPEED = 60.0
"""The most where something is killed or cut: getting over a lost worker takes wall time whatever the speed."""
OUTAGE_EXAMPLE = f"{simulated_vendors()[0]}@02:00+2h"
_OUTAGE = re.compile(r"(?P<oem>[a-z0-9-]+)@(?P<hour>\d{1,2}):(?P<minute>\d{2})\+(?P<lasts>\w+)")


def demo_order(
    *,
    pumps: int,
    hours: float | None,
    speed: float | None,
    seed: int,
    prices: Path | None,
    weather: Path | None,
    day: date | None,
    faults: Sequence[str],
    out: Path | None,
    keep: bool,
    kill_every: str | None = None,
    outages: Sequence[str] = (),
    oem: str = ALL,
) -> DemoOrder:
    """Check everything that can be checked before a server starts; raises UsageError with one sentence.

    Without a `speed` the run is as fast as what it does allows.
    """
    if hours is not None and (hours * 4) % 1:
        raise UsageError(f"--hours {hours:g} is no whole number of quarter-hours")
    day = _day(prices, day)
    start, midnight = market_day_bounds(day, TZ)
    end = _end(start, midnight, hours, prices)
    if weather is not None:
        _checked(lambda: load_weather_file(weather, CELL, start, (max(end, midnight) - start) // SLOT))
    speed = _speed(speed, pumps, is_rough=kill_every is not None or bool(outages))
    every = None if kill_every is None else _kill_every(kill_every, speed)
    vendors = _vendors(oem, pumps)
    cuts = tuple(_outage(text, day, start, min(end, midnight), vendors) for text in outages)
    rates = dict(_fault(text) for text in faults)
    if "no-figures" in rates and not keep:
        raise UsageError("--fault no-figures: only a demo with --keep serves the fleet's figures, so add --keep")
    _make_folder(out)
    staging = Staging(
        pumps=pumps,
        seed=seed,
        speed=speed,
        day=day,
        epoch=start,
        vendors=vendors,
        price_area=PRICE_AREA,
        lead=timedelta(seconds=LEAD_S + LEAD_S_PER_PUMP * pumps),
        prices_file=prices,
        weather_file=weather,
        faults=rates,
        outages=cuts,
        is_undisturbed=every is None and not rates.keys() & PROCESS_FAULTS.keys(),
        with_metrics=keep,
    )
    folder = Path("var") / f"demo-{os.getpid()}" if keep else None
    return DemoOrder(staging=staging, end=end, out=out, keep=keep, folder=folder, kill_every=every)


def _end(start: datetime, midnight: datetime, hours: float | None, prices: Path | None) -> datetime:
    """When the run ends: with the market day, or after so many hours; a day of 25 hours counts as one day."""
    if hours is None:
        return midnight
    end = start + timedelta(hours=hours)
    if end > midnight and prices is not None:
        raise UsageError(f"--hours {hours:g} goes beyond the one market day whose prices {prices.name} holds")
    return end


def _day(prices: Path | None, day: date | None) -> date:
    if prices is None:
        return day or DEFAULT_DAY
    found = _checked(lambda: load_price_file(prices, PRICE_AREA, TZ, day))
    return found.start.astimezone(TZ).date()


def _checked[T](load: Callable[[], T]) -> T:
    try:
        return load()
    except DocumentRefused as error:
        raise UsageError(str(error)) from error


def _fault(text: str) -> tuple[str, float]:
    name, equals, rate = text.partition("=")
    known = ", ".join(FAULTS)
    if not equals or name not in FAULTS:
        raise UsageError(f"--fault {text}: write NAME=RATE with one of {known}")
    try:
        checked_rates({name: (number := float(rate))})
    except ValueError as error:
        why = "the rate must be a share between 0 and 1" if _is_share(name) else f"{error}, as times per pump and day"
        raise UsageError(f"--fault {text}: {why}") from error
    return name, number


def _is_share(name: str) -> bool:
    return name not in PER_DAY


def usual_speed(pumps: int) -> float:
    """Steered seconds a wall second that two cores keep up with."""
    return max(ROUGH_SPEED, float(round(USUAL_SPEED * min(1.0, FULL_SPEED_PUMPS / pumps))))


def _speed(speed: float | None, pumps: int, *, is_rough: bool) -> float:
    if speed is None:
        return ROUGH_SPEED if is_rough else usual_speed(pumps)
    if is_rough and speed > ROUGH_SPEED:
        raise UsageError(
            f"--speed {speed:g}: a run that kills workers or cuts a vendor off runs at most {ROUGH_SPEED:g} times "
            "wall time, because getting over it takes wall time"
        )
    return speed


def _kill_every(text: str, speed: float) -> timedelta:
    every = parse_duration(text, "--kill-worker-every")
    if every.total_seconds() / speed < SLOWEST_START_S:
        raise UsageError(
            f"--kill-worker-every {text}: at {speed:g} times wall time a new worker needs "
            f"{SLOWEST_START_S * speed / 60:g} min of steered time: kill more seldom, or lower --speed"
        )
    return every


def _vendors(text: str, pumps: int) -> tuple[str, ...]:
    """The vendors of the fleet; of more than there are pumps the first ones."""
    try:
        return chosen_vendors(text)[:pumps]
    except ValueError as error:
        raise UsageError(f"--oem {text}: {error}") from error


def _outage(text: str, day: date, start: datetime, end: datetime, vendors: Sequence[str]) -> Outage:
    """An outage as `OUTAGE_EXAMPLE` has it: vendor, local time of the market day, how long."""
    found = _OUTAGE.fullmatch(text.strip())
    if found is None or int(found["hour"]) > 23 or int(found["minute"]) > 59:
        raise UsageError(
            f"--outage {text}: write VENDOR@TIME+DURATION, such as {OUTAGE_EXAMPLE} (local time of the day)"
        )
    lasts = parse_duration(found["lasts"], f"--outage {text}:")
    starts = datetime.combine(day, time(int(found["hour"]), int(found["minute"])), tzinfo=TZ).astimezone(UTC)
    try:
        outage = Outage.model_validate({"oem": found["oem"], "starts": starts, "ends": starts + lasts})
    except ValidationError as error:
        raise UsageError(f"--outage {text}: {error.errors()[0]['msg'].lower()}") from error
    if outage.oem not in vendors:
        raise UsageError(f"--outage {text}: the fleet has no pump of {outage.oem}; its vendors: {', '.join(vendors)}")
    if not (start <= outage.starts and outage.ends <= end):
        raise UsageError(
            f"--outage {text}: it must begin and end within the run, which lasts from "
            f"{start.astimezone(TZ):%H:%M} to {end.astimezone(TZ):%d %b %H:%M} local time"
        )
    return outage


def _make_folder(out: Path | None) -> None:
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise UsageError(f"--out {out} cannot be written: {error.strerror}") from error
