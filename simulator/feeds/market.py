"""The fake Energy-Charts price endpoint: the rows of a given file for its days, otherwise a documented generator.

Protects: tomorrow is unknown until the auction's results are out (12:57 local), and a market day has 92, 96 or
100 rows.

The generator draws a plausible day-ahead day in quarter-hours: a profile with a morning and an evening peak,
scaled so that winter days spread about 120 to 180 EUR/MWh around a mean of about 90 to 110; a midday dip that
grows with the sun's season; cheaper weekends; ramps within the hour as ramping plants bid them; and noise. All
from the seed.
"""

import json
import math
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from domain.slots import market_day_bounds, market_day_slots
from simulator.clouds.wire import Answer, query_of
from simulator.config import ConfigError
from simulator.homes.fleet import SimulatedFleet
from simulator.physics.weather import instant
from simulator.seeded import bell, between, smooth

PUBLISHED_AT = time(12, 57)
_LONGEST_DAYS = 370
_PROFILE = (
    *(-22.0, -26.0, -28.0, -28.0, -25.0, -15.0, 8.0, 28.0, 30.0, 15.0, 3.0, -4.0),
    *(-8.0, -9.0, -5.0, 4.0, 21.0, 41.0, 45.0, 30.0, 12.0, 1.0, -8.0, -16.0),
)
"""Deviation from the day's mean by local hour, EUR/MWh, on a winter working day of small spread."""


class PriceFile:
    """An answer of the endpoint, kept verbatim."""

    def __init__(self, path: Path) -> None:
        try:
            answer: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            stamps, prices = answer["unix_seconds"], answer["price"]
            self.rows: dict[int, float | None] = dict(zip(map(int, stamps), prices, strict=True))
        except (OSError, ValueError, KeyError, TypeError) as broken:
            raise ConfigError(f"{path} is not an Energy-Charts price answer: {broken!r}") from broken
        if not self.rows:
            raise ConfigError(f"{path} holds no prices")
        self.license_info = str(answer.get("license_info", ""))

    def day(self, start: datetime, end: datetime) -> list[tuple[int, float | None]]:
        """The file's rows of a market day, in its own resolution."""
        low, high = start.timestamp(), end.timestamp()
        return [(stamp, price) for stamp, price in self.rows.items() if low <= stamp < high]


def generated_price(seed: int, day: date, tz: ZoneInfo, slot: datetime) -> float:
    """Price of a slot of a market day in EUR/MWh."""
    local = slot.astimezone(tz)
    hour = local.hour + local.minute / 60.0
    number = day.toordinal()
    summer = 0.5 - 0.5 * math.cos(2 * math.pi * (day.timetuple().tm_yday - 10) / 365.2425)
    weekend = day.weekday() >= 5
    mean = between(93.0, 111.0, seed, "price-mean", number) - 22.0 * summer - (14.0 if weekend else 0.0)
    stretch = between(1.7, 2.1, seed, "price-spread", number) * (0.75 if weekend else 1.0)
    here, after = _PROFILE[local.hour], _PROFILE[(local.hour + 1) % 24]
    before = _PROFILE[(local.hour - 1) % 24]
    # Within an hour prices ramp towards the next one and jump back a little: half of the profile's slope.
    ramp = (after - before) / 2.0 * 0.6 * (local.minute / 60.0 - 0.375)
    dip = (12.0 + 75.0 * summer) * math.exp(-(((hour - 13.0) / (2.0 + 1.5 * summer)) ** 2))
    sunny = between(0.5, 1.5, seed, "price-sun", number)
    quarter = int(slot.timestamp()) // 900
    noise = 5.0 * smooth(quarter / 12.0, seed, "price-noise") + 2.0 * bell(seed, "price-quarter", quarter)
    return round(mean + stretch * (here + ramp) - sunny * dip + noise, 2)


class MarketFeed:
    """GET /price"""

    def __init__(self, fleet: SimulatedFleet) -> None:
        self._fleet = fleet
        self._tz = fleet.config.local_time
        self._file = PriceFile(fleet.config.prices_file) if fleet.config.prices_file else None

    async def price(self, request: Request) -> Response:
        """Prices of the local days from `start` to `end`, both included."""
        now_s = self._fleet.now_s()
        today = instant(now_s).astimezone(self._tz).date()
        try:
            query = query_of(request, frozenset(("bzn", "start", "end")))
            start = date.fromisoformat(query.get("start", today.isoformat()))
            end = date.fromisoformat(query.get("end", start.isoformat()))
        except ValueError as broken:
            return Answer({"detail": str(broken)}, 400)
        if query.get("bzn", "DE-LU") != self._fleet.config.price_area:
            return Answer({"detail": f"bidding zone {query.get('bzn')} not found"}, 404)
        if not 0 <= (end - start).days <= _LONGEST_DAYS:
            return Answer({"detail": "end must lie from start to 370 days after it"}, 400)
        days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
        rows = [row for day in days if self._is_published(day, now_s) for row in self.rows(day)]
        if not rows or self._is_withheld(now_s):
            return Answer({"detail": "no prices for this period"}, 404)
        from_file = self._file is not None and all(stamp in self._file.rows for stamp, _ in rows)
        return Answer(
            {
                "license_info": self._license(from_file),
                "unix_seconds": [stamp for stamp, _ in rows],
                "price": [price for _, price in rows],
                "unit": "EUR / MWh",
                "deprecated": False,
            }
        )

    def _is_withheld(self, now_s: float) -> bool:
        dice = self._fleet.switchboard.dice
        return dice.strikes("no-prices", "market", dice.next_request("market"), now_s)

    def rows(self, day: date) -> list[tuple[int, float | None]]:
        """Stamps and prices of a market day."""
        bounds = market_day_bounds(day, self._tz)
        if self._file is not None:
            kept = self._file.day(*bounds)
            if kept:
                return kept
        seed = self._fleet.config.seed
        return [
            (int(slot.timestamp()), generated_price(seed, day, self._tz, slot))
            for slot in market_day_slots(day, self._tz)
        ]

    def _is_published(self, day: date, now_s: float) -> bool:
        local = instant(now_s).astimezone(self._tz)
        tomorrow = local.date() + timedelta(days=1)
        known = tomorrow if local.time() >= PUBLISHED_AT else local.date()
        return day <= known or day == self._fleet.config.day

    def _license(self, from_file: bool) -> str:
        if from_file and self._file is not None:
            return self._file.license_info
        return f"synthetic: heatsteer generator, seed {self._fleet.config.seed}"
