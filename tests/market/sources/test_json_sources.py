"""Nord Pool, Energi Data Service and tables in files: what is asked, and what each answer means.

Protects: preliminary, foreign, unsorted and half-empty answers become the published day or a sentence.
"""

from datetime import date, timedelta
from typing import Any

import pytest

from domain.planning.series import WholesalePrices
from market.errors import BadDocument, NotYetPublished, SourceUnavailable
from market.fetching import HttpPrices
from market.registry import price_format
from tests.market.builders import (
    BERLIN,
    DAY,
    MIDNIGHT,
    a_nord_pool_document,
    a_wavy_day,
    an_energi_data_document,
    judged,
    raw,
)
from tests.market.fake_server import Server, a_client

PRICES = a_wavy_day()


def refusal(source: str, document: object, price_area: str) -> str:
    with pytest.raises(BadDocument) as refused:
        judged(source, raw(document), price_area)
    return str(refused.value)


async def fetched(server: Server, source: str, price_area: str) -> WholesalePrices:
    async with a_client() as client:
        return await HttpPrices(client, server.base_url, source).prices(price_area, DAY, BERLIN)


async def test_nord_pool_is_asked_for_one_area_in_euros(server: Server) -> None:
    server.body = raw(a_nord_pool_document(PRICES))
    assert (await fetched(server, "nord-pool", "SE3")).price_eur_per_mwh == tuple(PRICES)
    assert server.path == "/api/DayAheadPrices"
    assert server.query == {"date": "2026-03-03", "market": "DayAhead", "deliveryArea": "SE3", "currency": "EUR"}


async def test_nord_pool_spells_germany_in_its_own_way(server: Server) -> None:
    server.body = raw(a_nord_pool_document(PRICES, "GER"))
    assert (await fetched(server, "nord-pool", "DE-LU")).price_area == "DE-LU"
    assert server.query["deliveryArea"] == "GER"
    assert price_format("nord-pool").read(server.body, "x", None).price_area == "DE-LU"


@pytest.mark.parametrize("source", ["nord-pool", "energi-data-service"])
async def test_nothing_before_publication_is_not_published_yet(server: Server, source: str) -> None:
    server.status = 204
    with pytest.raises(NotYetPublished, match="has no prices of DK1 for 2026-03-03 yet"):
        await fetched(server, source, "DK1")


async def test_preliminary_prices_are_waited_out(server: Server) -> None:
    server.body = raw(a_nord_pool_document(PRICES, state="Preliminary"))
    with pytest.raises(NotYetPublished, match="says the prices of SE3 are Preliminary, not final; ask again later"):
        await fetched(server, "nord-pool", "SE3")
    server.body = raw(a_nord_pool_document(PRICES, state="Final"))
    assert len((await fetched(server, "nord-pool", "SE3")).price_eur_per_mwh) == 96


@pytest.mark.parametrize("source", ["nord-pool", "energi-data-service", "energy-charts", "entsoe"])
async def test_a_throttled_source_is_unavailable_for_as_long_as_it_says(server: Server, source: str) -> None:
    server.status, server.headers = 429, {"Retry-After": "77"}
    async with a_client() as client:
        with pytest.raises(SourceUnavailable, match="answered 429") as failure:
            await HttpPrices(client, server.base_url, source, "key").prices("DK1", DAY, BERLIN)
    assert failure.value.retry_after_s == 77


def test_crowns_become_euros_at_the_documents_own_rate_and_are_refused_without_it() -> None:
    crowns = [round(price * 11.64, 2) for price in PRICES]
    document = a_nord_pool_document(crowns, currency="SEK", rate=11.64)
    assert judged("nord-pool", raw(document), "SE3").price_eur_per_mwh == pytest.approx(PRICES, abs=0.01)
    assert price_format("nord-pool").read(raw(document), "x", None).currency == "SEK"
    for rate in (None, 0, -1, 1, "11.64", True):
        sentence = refusal("nord-pool", document | {"exchangeRate": rate}, "SE3")
        assert "has prices in SEK without their rate to the euro" in sentence


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"deliveryAreas": ["SE4"]}, "says it is of price area SE4; prices of SE3 are needed"),
        ({"currency": None}, "does not say its currency"),
        ({"multiAreaEntries": [1]}, "holds the number 1 as entry 1"),
        ({"multiAreaEntries": {}}, 'holds an object as "multiAreaEntries"'),
    ],
)
def test_a_nord_pool_document_of_another_kind_is_refused(change: dict[str, Any], part: str) -> None:
    assert part in refusal("nord-pool", a_nord_pool_document(PRICES) | change, "SE3")


def test_a_nord_pool_gap_null_or_naive_time_is_named() -> None:
    with_gap = a_nord_pool_document(PRICES)
    del with_gap["multiAreaEntries"][24]
    assert "has no row for slot 2026-03-03 06:00 (2026-03-03 05:00 UTC)" in refusal("nord-pool", with_gap, "SE3")
    with_null = a_nord_pool_document([*PRICES[:24], None, *PRICES[25:]])
    assert "has null as the price of slot 2026-03-03 06:00" in refusal("nord-pool", with_null, "SE3")
    naive = a_nord_pool_document(PRICES)
    naive["multiAreaEntries"][3]["deliveryStart"] = "2026-03-03T00:45:00"
    assert 'as "deliveryStart" of entry 4' in refusal("nord-pool", naive, "SE3")


async def test_energi_data_service_is_read_in_any_order_and_in_utc(server: Server) -> None:
    server.body = raw(an_energi_data_document([1.01, 2.02, 3.03, 4.04, *PRICES], start=MIDNIGHT - timedelta(hours=1)))
    assert (await fetched(server, "energi-data-service", "DK1")).price_eur_per_mwh == tuple(PRICES)
    assert server.path == "/dataset/DayAheadPrices"
    assert server.query["filter"] == '{"PriceArea": ["DK1"]}'


async def test_a_danish_day_that_ends_early_is_not_published_yet(server: Server) -> None:
    server.body = raw(an_energi_data_document(PRICES[:50]))
    with pytest.raises(NotYetPublished, match="50 of the day's 96 prices"):
        await fetched(server, "energi-data-service", "DK1")
    server.body = raw(an_energi_data_document([]))
    with pytest.raises(NotYetPublished, match="has no prices of DK1"):
        await fetched(server, "energi-data-service", "DK1")


def test_a_danish_answer_of_both_areas_gives_the_one_that_is_needed() -> None:
    both = an_energi_data_document(PRICES)
    both["records"] += an_energi_data_document(a_wavy_day(seed=4), "DK2")["records"]
    assert judged("energi-data-service", raw(both), "DK1").price_eur_per_mwh == tuple(PRICES)
    assert "says it is of price area DK1; prices of SE3 are needed" in refusal("energi-data-service", both, "SE3")
    with pytest.raises(BadDocument, match="is of 2 price areas, DK1, DK2; say which one"):
        price_format("energi-data-service").read(raw(both), "x", None)


def test_a_missing_euro_price_is_a_gap_and_never_taken_from_crowns() -> None:
    document = an_energi_data_document(PRICES)
    document["records"][10]["DayAheadPriceEUR"] = None
    assert "has null as the price of slot" in refusal("energi-data-service", document, "DK1")


def a_table(prices: list[float], step: timedelta = timedelta(minutes=15)) -> bytes:
    lines = [f"{MIDNIGHT + row * step:%Y-%m-%dT%H:%MZ},{price}" for row, price in enumerate(prices)]
    return "\n".join(["start_utc,price_eur_mwh", *lines]).encode()


def test_a_table_is_read_by_its_columns_names() -> None:
    assert judged("csv-table", a_table(PRICES), "DE-LU").price_eur_per_mwh == tuple(PRICES)


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"", "has the columns of no name"),
        (b"a,b\n1,2", "has the columns a, b; one of start_utc, start, time"),
        (b"time,price_eur_mwh\n2026-03-03T00:00,5", "holds '2026-03-03T00:00' as the time in line 2"),
        (b"time,price_eur_mwh\nnoon,5", "holds 'noon' as the time in line 2"),
        (b"time,price_eur_mwh\n2026-03-02T23:00Z", "has 1 values in line 2"),
        (b"time,price_eur_mwh\n2026-03-02T23:00Z,1_0", "holds '1_0' as the price in line 2"),
        (b"time,price_eur_mwh\n2026-03-02T23:00Z,80,17", "has no row for slot"),
        (b"\xff\xfe", "is not text in UTF-8"),
    ],
)
def test_a_table_that_is_none_is_refused_by_its_line(body: bytes, part: str) -> None:
    with pytest.raises(BadDocument) as refused:
        judged("csv-table", body, "DE-LU")
    assert part in str(refused.value)


async def test_a_table_is_never_asked_for_over_http(server: Server) -> None:
    with pytest.raises(LookupError, match="reads files only"):
        await fetched(server, "csv-table", "DE-LU")


def test_sparse_quarters_of_a_table_are_not_taken_for_hours() -> None:
    with pytest.raises(BadDocument, match="has prices for whole hours, 24 of them from 2026-03-03 00:00"):
        judged("csv-table", a_table(PRICES[::4], timedelta(hours=1)), "DE-LU", date(2026, 3, 3))
