"""Intraday and imbalance prices from a file or over HTTP, in any format of the registry.

Protects: a series of some hours is judged as far as it goes: slots, order, unit of time, market limits; holes stay
holes, for the auction's prices are there.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx

from domain.planning.intraday import LaterPrices, Market
from domain.slots import SLOT
from market.areas import SLOT_S, Area, area_of, normal_name
from market.documents import clip, finite_number, kind_of, named
from market.errors import NotYetPublished, refused
from market.files import read_file
from market.http import address_of, get_document, shown
from market.judging.scale import MarketLimits, judge_limits
from market.judging.time_axis import STEPS_S, judge_order, step_of
from market.registry import price_format
from market.rows import PriceDocument, Question

LATER_LIMITS = MarketLimits(lowest=-10_000.0, highest=20_000.0)
"""Intraday trades up to 9,999 EUR/MWh either way; imbalance prices went beyond 15,000."""
LONGEST = timedelta(days=3)
DEFAULT_FORMAT = "csv-table"


def load_later_file(path: Path, price_area: str, market: Market, source: str = DEFAULT_FORMAT) -> LaterPrices:
    """The prices in a file; raises `BadDocument`, `LookupError` for a name that is not known."""
    area, found = area_of(price_area), price_format(source)
    document = found.read(read_file(path), str(path), area)
    return judge_later(document, area, market, f"{source} file {path.name}")


@dataclass(frozen=True)
class HttpLaterPrices:
    """A service that answers with one document of the newest prices. A `domain.ports.LaterPriceSource`."""

    client: httpx.AsyncClient
    url: str
    """`{price_area}` in it is replaced by the price area's name."""
    market: Market = Market.INTRADAY
    source: str = DEFAULT_FORMAT

    async def newest(self, price_area: str) -> LaterPrices:
        """What the service says now; raises `BadDocument`, `NotYetPublished`, `SourceUnavailable`."""
        area = area_of(price_area)
        url = address_of(self.url.replace("{price_area}", quote(price_area)), "", {})
        raw = await get_document(self.client, url, Question("", {}))
        if raw is None:
            raise NotYetPublished(f"{shown(url)} has no {self.market} prices of {price_area} yet; ask again later.")
        document = price_format(self.source).read(raw, shown(url), area)
        return judge_later(document, area, self.market, f"{self.source} at {shown(url)}")


def judge_later(document: PriceDocument, area: Area, market: Market, source: str) -> LaterPrices:
    """The series of a document's rows; raises `BadDocument`."""
    origin, found = document.origin, document.price_area
    if found is not None and normal_name(found) != normal_name(area.price_area):
        raise refused(origin, f"says it is of price area {clip(found)}", f"prices of {area.price_area} are needed")
    if not document.rows:
        raise refused(origin, "has no rows", "give a document with prices")
    starts = [row.start_s for row in document.rows]
    judge_order(starts, origin, area.tz)
    spacing_s = step_of(starts, origin)
    odd = next((row for row in document.rows if row.step_s not in (None, *STEPS_S)), None)
    if odd is not None:
        what = f"has a price at {named(odd.start_s, area.tz)} that holds neither 15 nor 60 minutes"
        raise refused(origin, what, "give quarter-hours or hours")
    if starts[-1] - starts[0] > LONGEST.total_seconds():
        raise refused(origin, f"spans more than {LONGEST.days} days", "give what is still to come")
    last_s = starts[-1] + (document.rows[-1].step_s or spacing_s)
    prices: list[float | None] = [None] * ((last_s - starts[0]) // SLOT_S)
    for row in document.rows:
        price = finite_number(row.price)
        if price is None and row.price is not None:
            what = f"holds {kind_of(row.price)} as the price of slot {named(row.start_s, area.tz)}"
            raise refused(origin, what, "a finite number of EUR / MWh is needed, or nothing")
        first = (row.start_s - starts[0]) // SLOT_S
        for n in range(first, min(first + (row.step_s or spacing_s) // SLOT_S, len(prices))):
            prices[n] = price
    known = [(n, price) for n, price in enumerate(prices) if price is not None]
    if not known:
        raise refused(origin, "has no price at all", "give a document with prices")
    judge_limits(
        [price for _, price in known], lambda n: named(starts[0] + known[n][0] * SLOT_S, area.tz), origin, LATER_LIMITS
    )
    start = datetime.fromtimestamp(starts[0], tz=UTC)
    assert start + len(prices) * SLOT == datetime.fromtimestamp(last_s, tz=UTC)
    return LaterPrices(
        price_area=area.price_area, market=market, source=source, start=start, price_eur_per_mwh=tuple(prices)
    )
