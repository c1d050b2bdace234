"""The sources against a real server on the loopback interface: what is asked, and what each answer means.

Protects: not yet published, down and wrong are three different things to whoever plans.
"""

import asyncio
import json
from collections.abc import Callable
from datetime import date, timedelta
from hashlib import sha256

import httpx
import pytest

from domain.planning.series import WeatherSeries, WholesalePrices
from domain.ports import DocumentRefused, NotPublished, PriceSource, WeatherSource
from market.errors import BadDocument, NotYetPublished, SourceUnavailable
from market.fetching import HttpPrices, HttpWeather
from tests.market.builders import BERLIN, CELL, DAY, MIDNIGHT, Json, a_price_document, a_weather_document, raw
from tests.market.fake_server import Server, a_client


async def prices(server: Server, day: date = DAY) -> WholesalePrices:
    async with a_client() as client:
        return await HttpPrices(client, server.base_url).prices("DE-LU", day, BERLIN)


async def weather(server: Server) -> WeatherSeries:
    async with a_client() as client:
        return await HttpWeather(client, server.base_url).weather("DE-LU", CELL, MIDNIGHT, 96)


def three_days() -> Json:
    document = a_price_document(DAY - timedelta(days=1))
    for later in (0, 1):
        further = a_price_document(DAY + timedelta(days=later), price=lambda row: 33.01 + row)
        for name in ("unix_seconds", "price"):
            document[name] += further[name]
    return document


async def test_a_day_is_asked_for_by_area_and_date_and_cut_out_of_a_longer_answer(server: Server) -> None:
    server.body = raw(three_days())
    series = await prices(server)
    assert (server.path, server.query) == ("/price", {"bzn": "DE-LU", "start": "2026-03-03", "end": "2026-03-04"})
    assert series.start == MIDNIGHT
    assert len(series.price_eur_per_mwh) == 96
    assert series.price_eur_per_mwh[0] == 33.01


async def test_a_series_carries_the_hash_of_its_document_and_a_suspected_one_what_it_would_be(server: Server) -> None:
    server.body = raw(a_price_document())
    series = await prices(server)
    assert series.provenance.raw_sha256 == sha256(server.body).hexdigest()
    frozen = a_price_document(price=lambda row: 33.01 if row < 40 else 20.0 + row)
    server.body = raw(frozen)
    with pytest.raises(BadDocument, match="hours of one price") as refusal:
        await prices(server)
    assert refusal.value.series is not None
    assert list(refusal.value.series.price_eur_per_mwh) == frozen["price"]
    del frozen["price"][5], frozen["unix_seconds"][5]
    server.body = raw(frozen)
    with pytest.raises(BadDocument) as refusal:
        await prices(server)
    assert refusal.value.series is None, "a hole cannot be released"


async def test_the_sources_fit_the_ports_of_the_domain(server: Server) -> None:
    async with a_client() as client:
        price_source: PriceSource = HttpPrices(client, server.base_url + "/")
        weather_source: WeatherSource = HttpWeather(client, server.base_url + "/")
        server.body = raw(a_price_document())
        assert (await price_source.prices("DE-LU", DAY, BERLIN)).price_area == "DE-LU"
        server.body = raw(a_weather_document())
        assert (await weather_source.weather("DE-LU", CELL, MIDNIGHT, 96)).cell == CELL
    assert issubclass(BadDocument, DocumentRefused)
    assert issubclass(NotYetPublished, NotPublished)
    assert issubclass(SourceUnavailable, NotPublished)


async def test_weather_is_asked_for_in_utc_and_unix_seconds_past_the_end_of_the_need(server: Server) -> None:
    server.body = raw(a_weather_document())
    assert len((await weather(server)).outdoor_c) == 96
    assert server.path == "/v1/forecast"
    wanted = "temperature_2m,shortwave_radiation"
    assert server.query == {
        "latitude": "52.52",
        "longitude": "13.41",
        "minutely_15": wanted,
        "hourly": wanted,
        "start_date": "2026-03-02",
        "end_date": "2026-03-04",
        "timezone": "UTC",
        "timeformat": "unixtime",
    }


def _no_rows(document: Json) -> None:
    document |= {"unix_seconds": [], "price": []}


def _only_yesterday(document: Json) -> None:
    document |= a_price_document(DAY - timedelta(days=1))


def _until_noon(document: Json) -> None:
    del document["unix_seconds"][48:], document["price"][48:]


def _one_row(document: Json) -> None:
    del document["unix_seconds"][1:], document["price"][1:]


def _null_from_noon(document: Json) -> None:
    document["price"][48:] = [None] * 48


def _all_null(document: Json) -> None:
    document["price"] = [None] * 96


@pytest.mark.parametrize("spoil", [_no_rows, _only_yesterday, _until_noon, _one_row, _null_from_noon, _all_null])
async def test_a_day_that_is_not_there_to_its_end_is_not_published_yet(
    server: Server, spoil: Callable[[Json], None]
) -> None:
    document = a_price_document()
    spoil(document)
    server.body = raw(document)
    with pytest.raises(NotYetPublished, match="ask again later"):
        await prices(server)


@pytest.mark.parametrize("status", [404, 204])
async def test_nothing_there_is_not_published_yet(server: Server, status: int) -> None:
    server.status = status
    with pytest.raises(NotYetPublished, match=r"/price\?bzn=DE-LU.* has no prices of DE-LU for 2026-03-03 yet"):
        await prices(server)


async def test_a_hole_in_the_middle_of_a_fetched_day_is_a_bad_document(server: Server) -> None:
    document = a_price_document()
    document["price"][24] = None
    server.body = raw(document)
    with pytest.raises(BadDocument, match=r"127\.0\.0\.1.* null as the price of slot 2026-03-03 06:00"):
        await prices(server)


@pytest.mark.parametrize("body", [b"", b"<html>maintenance</html>", b"[1]", b"{}"])
async def test_a_body_of_another_kind_is_a_bad_document(server: Server, body: bytes) -> None:
    server.body = body
    with pytest.raises(BadDocument):
        await prices(server)
    with pytest.raises(BadDocument):
        await weather(server)


async def test_an_endless_body_is_left_off(server: Server) -> None:
    server.body = b"[" * 10_000_000
    with pytest.raises(BadDocument, match="is larger than 4 MB"):
        await prices(server)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_busy_or_broken_source_is_unavailable_and_its_request_to_wait_is_kept(
    server: Server, status: int
) -> None:
    server.status, server.headers = status, {"Retry-After": "90"}
    for ask in (prices, weather):
        with pytest.raises(SourceUnavailable, match=f"answered {status}") as failure:
            await ask(server)
        assert failure.value.retry_after_s == 90.0


@pytest.mark.parametrize(
    ("status", "part"),
    [(400, "refused the question with 400"), (401, "denied access"), (403, "denied access"), (302, "has moved")],
)
async def test_other_refusals_are_unavailable_with_their_way_out(server: Server, status: int, part: str) -> None:
    server.status = status
    for ask in (prices, weather):
        with pytest.raises(SourceUnavailable, match=part):
            await ask(server)


@pytest.mark.parametrize("status", [400, 200, 429])
async def test_the_reason_a_weather_source_gives_is_passed_on(server: Server, status: int) -> None:
    server.status = status
    server.body = raw({"error": True, "reason": "Parameter 'start_date' is out of allowed range"})
    with pytest.raises(SourceUnavailable, match=r"\(Parameter 'start_date' is out of allowed range\)"):
        await weather(server)


async def test_a_weather_address_that_leads_nowhere_is_unavailable(server: Server) -> None:
    server.status = 404
    with pytest.raises(SourceUnavailable, match="check the source's base URL"):
        await weather(server)


async def test_a_source_that_is_not_there_is_unavailable(server: Server) -> None:
    async with a_client() as client:
        with pytest.raises(SourceUnavailable, match="cannot be reached"):
            await HttpPrices(client, "http://127.0.0.1:1").prices("DE-LU", DAY, BERLIN)


async def test_a_source_that_does_not_answer_in_time_is_unavailable() -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(silent)) as client:
        with pytest.raises(SourceUnavailable, match="did not answer in time"):
            await HttpWeather(client).weather("DE-LU", CELL, MIDNIGHT, 96)


async def test_a_body_that_cannot_be_unpacked_is_unavailable(server: Server) -> None:
    server.body, server.headers = b"not gzip", {"Content-Encoding": "gzip"}
    with pytest.raises(SourceUnavailable, match="cannot be unpacked"):
        await prices(server)


@pytest.mark.parametrize("base_url", ["", "prices", "ftp://example.org", "http://", "http://127.0.0.1:port"])
async def test_an_address_that_is_none_is_a_sentence(base_url: str) -> None:
    async with a_client() as client:
        with pytest.raises(SourceUnavailable, match="is no http address"):
            await HttpPrices(client, base_url).prices("DE-LU", DAY, BERLIN)


async def test_a_password_in_the_address_is_not_shown(server: Server) -> None:
    server.status = 404
    secret = server.base_url.replace("http://", "http://reader:hunter2@")
    async with a_client() as client:
        with pytest.raises(NotYetPublished) as failure:
            await HttpPrices(client, secret).prices("DE-LU", DAY, BERLIN)
    assert "hunter2" not in str(failure.value)


async def test_an_unknown_price_area_is_named() -> None:
    async with a_client() as client:
        with pytest.raises(LookupError, match="price area XX is not known; known are AT, BE, "):
            await HttpPrices(client).prices("XX", DAY, BERLIN)
        with pytest.raises(LookupError, match="price area XX"):
            await HttpWeather(client).weather("XX", CELL, MIDNIGHT, 96)


async def test_many_questions_at_once_do_not_mix(server: Server) -> None:
    server.body = json.dumps(a_price_document()).encode()
    answers = await asyncio.gather(*(prices(server) for _ in range(8)))
    assert all(series == answers[0] for series in answers)
