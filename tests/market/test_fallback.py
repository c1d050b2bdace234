"""What a market's failure comes to: the document is kept aside with its reason, and the day is estimated and says so.

Protects: no fault of a source reaches a plan, none leaves a fleet without one, and the fallback is named.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities.market import FetchPrices, MarketActivities, NewestPrices
from domain.planning.series import Basis, WholesalePrices
from domain.slots import market_day_bounds
from market.chain import ANY_AREA, PriceChain
from market.fetching import HttpPrices
from tests.activities.ports import CLOCK, Market, Series, an_attempt
from tests.builders import MIDNIGHT
from tests.ledger.builders import weather
from tests.market.builders import BERLIN, DAY, a_price_document, a_wavy_day, raw
from tests.market.fake_server import Server, a_client, serving

PRICES = a_wavy_day()
DAYS_KNOWN = 10


@pytest.fixture
def two() -> Iterator[tuple[Server, Server]]:
    with serving() as first, serving() as second:
        yield first, second


async def days_before(series: Series, silent_days: int) -> None:
    """Published days up to so many before the day."""
    for n in range(silent_days, silent_days + DAYS_KNOWN):
        start, _ = market_day_bounds(DAY - timedelta(days=n), BERLIN)
        known = WholesalePrices(
            price_area="DE-LU",
            source="as the test says",
            resolution_min=15,
            start=start,
            price_eur_per_mwh=tuple(a_wavy_day(seed=n)),
        )
        await series.store_prices(known, MIDNIGHT)


@pytest.mark.parametrize(
    ("fault", "status", "bodies", "reason"),
    [
        ("three hours missing", 200, [[*PRICES[:40], *[None] * 12, *PRICES[52:]]], "has no row for slot"),
        ("prices a thousandfold", 200, [[1000 * price for price in PRICES]], "1000"),
        ("sources that disagree", 200, [PRICES, [price + 20 for price in PRICES]], "differ"),
        ("down for three days", 503, [PRICES], "503"),
    ],
)
async def test_a_day_that_cannot_be_believed_is_estimated_and_the_reason_is_kept(
    two: tuple[Server, Server], fault: str, status: int, bodies: list[list[float | None]], reason: str
) -> None:
    series = Series()
    await days_before(series, silent_days=3 if status == 503 else 1)
    async with a_client() as http:
        sources = []
        for server, prices in zip(two, bodies, strict=False):
            whole = a_price_document()
            rows = [(at, price) for at, price in zip(whole["unix_seconds"], prices, strict=True) if price is not None]
            document = whole | {"unix_seconds": [at for at, _ in rows], "price": [price for _, price in rows]}
            server.body, server.status = raw(document), status
            sources.append(HttpPrices(http, server.base_url))
        activities = MarketActivities(PriceChain({ANY_AREA: sources}), Market(weather()), series)
        asked = {"clock": CLOCK, "price_area": "DE-LU", "tz": BERLIN.key, "day": DAY}
        with pytest.raises(ApplicationError, match=reason):
            await an_attempt().run(activities.fetch_prices, FetchPrices(**asked))
        version = await an_attempt().run(activities.newest_prices, NewestPrices(**asked))
    assert len(series.quarantined) == (status == 200), fault
    estimate = await series.prices(version)
    assert estimate.basis is Basis.ESTIMATED
    assert len(estimate.price_eur_per_mwh) == 96
    assert estimate.provenance.verdicts[0].startswith("Estimated from")
