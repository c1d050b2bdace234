"""Day-ahead prices as Energy-Charts publishes them: a market day of hours or quarter-hours, from bytes or a server.

Protects: a series is exactly the published day, every quarter-hour of an hour at the hour's price.
Wire format: {"unix_seconds": [...], "price": [...], "unit": "EUR / MWh", "license_info": "..."}.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx

from domain.planning.series import WholesalePrices
from market.areas import area_of
from market.documents import read_object, source_text
from market.errors import NotYetPublished
from market.http import address_of, get_document, shown
from market.quality import MARKET_LIMITS, MarketLimits, first_instant, judge_prices
from market.time_axis import SLOT_S

ENERGY_CHARTS_URL = "https://api.energy-charts.info"
SOURCE = "energy-charts"


def parse_prices(
    raw: bytes,
    origin: str,
    zone: str,
    day: date,
    tz: ZoneInfo,
    source: str | None = None,
    *,
    over_range: bool = False,
    limits: MarketLimits = MARKET_LIMITS,
) -> WholesalePrices:
    """The series of a market day, 92, 96 or 100 slots in EUR per MWh.

    Raises `BadDocument`; with `over_range` (see `judge_prices`) also `NotYetPublished`.
    """
    document = read_object(raw, origin)
    judged = judge_prices(document, origin, zone, day, tz, over_range=over_range, limits=limits)
    slots_per_row = judged.step_s // SLOT_S
    return WholesalePrices(
        price_area=zone,
        source=source_text(document, source or SOURCE),
        resolution_min=judged.step_s // 60,
        start=datetime.fromtimestamp(judged.start_s, tz=UTC),
        price_eur_per_mwh=tuple(price for price in judged.prices for _ in range(slots_per_row)),
    )


def day_of(raw: bytes, origin: str, tz: ZoneInfo) -> date:
    """The market day a document is of, by its first row; raises `BadDocument`."""
    first = first_instant(read_object(raw, origin), origin)
    return datetime.fromtimestamp(first, tz=UTC).astimezone(tz).date()


class EnergyChartsSource:
    """Prices over HTTP: the live service, or a server that speaks its format. A `domain.ports.PriceSource`."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str = ENERGY_CHARTS_URL,
        limits: MarketLimits = MARKET_LIMITS,
    ) -> None:
        self._client = client
        self._base_url = base_url
        self._limits = limits

    async def fetch(self, zone: str, day: date) -> WholesalePrices:
        """A market day in the area's own local time; raises as `prices`, and `LookupError` for an unknown area."""
        return await self.prices(zone, day, area_of(zone).tz)

    async def prices(self, zone: str, day: date, tz: ZoneInfo) -> WholesalePrices:
        """A whole market day; raises `BadDocument`, `NotYetPublished` or `SourceUnavailable`."""
        # One day more than needed: whether the last day belongs to the answer is not documented.
        params = {"bzn": zone, "start": day.isoformat(), "end": (day + timedelta(days=1)).isoformat()}
        url = address_of(self._base_url, "/price", params)
        raw = await get_document(self._client, url)
        if raw is None:
            raise NotYetPublished(f"{shown(url)} has no prices of {zone} for {day} yet; ask again later.")
        return parse_prices(raw, shown(url), zone, day, tz, over_range=True, limits=self._limits)
