"""MET Norway: its terms are kept, its steps read, and radiation made from cloud cover is plausible and named.

Protects: a service that asks for manners gets them, and no number is passed off as measured.
"""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from domain.planning.series import WeatherSeries
from market.areas import area_of
from market.errors import BadDocument, SourceUnavailable
from market.fetching import HttpWeather
from market.http import Answers, get_document
from market.judging.weather import judge_weather, needed_slots
from market.registry import weather_format
from market.rows import Question
from tests.market.builders import MIDNIGHT, a_met_forecast, raw
from tests.market.fake_server import Server, a_client

OSLO = "59.91,10.75"
DECEMBER = datetime(2026, 12, 20, 23, tzinfo=UTC)
JUNE = datetime(2026, 6, 21, 22, tzinfo=UTC)


def judged(document: object, first_slot: datetime = MIDNIGHT, slots: int = 96) -> WeatherSeries:
    found = weather_format("met-norway").read(raw(document), "x")
    return judge_weather(found, OSLO, needed_slots(first_slot, slots), area_of("NO1"))


def test_temperatures_are_read_by_the_hour_and_then_between_six_hour_steps() -> None:
    series = judged(a_met_forecast(), slots=4 * 48)
    assert series.outdoor_c[:2] == pytest.approx((1.025, 1.075))
    assert series.outdoor_c[-1] == pytest.approx(1 + 0.2 * (48 - 0.125))
    assert series.source == (
        "met-norway (radiation estimated from cloud cover); air_temperature of 36 slots from the six-hour steps"
    )


def test_radiation_follows_sun_and_clouds() -> None:
    clear = judged(a_met_forecast(JUNE, 30, cloud_pct=0.0), JUNE).radiation_w_per_m2
    covered = judged(a_met_forecast(JUNE, 30, cloud_pct=100.0), JUNE).radiation_w_per_m2
    noon = clear.index(max(clear))
    # Oslo's sun stands highest at about 11:20 UTC, 53.5 degrees high on midsummer's day.
    assert abs(JUNE + noon * timedelta(minutes=15) - datetime(2026, 6, 22, 11, tzinfo=UTC)) <= timedelta(hours=1)
    assert 780 < max(clear) < 860
    assert clear[0] == 0.0, "at midnight there is no sun"
    assert covered[noon] == pytest.approx(0.25 * clear[noon], abs=0.1)
    winter = judged(a_met_forecast(DECEMBER, cloud_pct=0.0), DECEMBER)
    assert max(winter.radiation_w_per_m2) < 120


@pytest.mark.parametrize(
    ("spoil", "part"),
    [
        (lambda d: d.pop("geometry"), "does not say its place"),
        (lambda d: d["properties"].pop("timeseries"), "has no forecast"),
        (lambda d: d["properties"]["timeseries"].reverse(), "do not ascend"),
        (lambda d: d["properties"]["timeseries"][3].pop("data"), 'has no "data.instant.details" in row 4'),
        (lambda d: d["properties"]["timeseries"][3].update(time="2026-03-03T01:30:00Z"), 'as "time" of row 4'),
        (lambda d: d["properties"]["timeseries"][-1].update(time="2090-03-03T00:00:00Z"), "a gap of more than a day"),
        (lambda d: d["geometry"].update(coordinates=[59.91, 10.75]), "outside price area NO1"),
    ],
)
def test_a_forecast_of_another_kind_is_refused(spoil: Any, part: str) -> None:
    document = a_met_forecast()
    spoil(document)
    with pytest.raises(BadDocument) as refused:
        judged(document)
    assert part in str(refused.value)


def test_an_hour_without_cloud_cover_or_temperature_is_refused_where_nothing_else_has_it() -> None:
    document = a_met_forecast(cloud_pct=None)
    with pytest.raises(BadDocument, match="holds null as radiation from cloud_area_fraction"):
        judged(document)


def source_of(client: httpx.AsyncClient, server: Server, contact: str | None = "https://example.org") -> HttpWeather:
    return HttpWeather(client, server.base_url, "met-norway", contact, jitter_s=0)


async def test_the_request_names_us_and_rounds_the_place(server: Server) -> None:
    server.body = raw(a_met_forecast())
    async with a_client() as client:
        await source_of(client, server).weather("NO1", "59.913868,10.752245", MIDNIGHT, 96)
    assert server.path == "/weatherapi/locationforecast/2.0/compact"
    assert server.query == {"lat": "59.91", "lon": "10.75"}
    assert server.sent[-1]["user-agent"].startswith("heatsteer/")
    assert server.sent[-1]["user-agent"].endswith("(https://example.org)")


async def test_nobody_without_a_contact_is_sent_there(server: Server) -> None:
    async with a_client() as client:
        with pytest.raises(SourceUnavailable, match=r"met-norway needs a contact .*set HEATSTEER_CONTACT"):
            await source_of(client, server, None).weather("NO1", OSLO, MIDNIGHT, 96)
    assert server.asked == []


async def test_an_answer_that_is_still_good_is_not_asked_for_again(server: Server) -> None:
    now = datetime.now(UTC)
    server.body = raw(a_met_forecast())
    server.headers = {
        "Expires": format_datetime(now + timedelta(minutes=30), usegmt=True),
        "Last-Modified": "Mon, 02 Mar 2026 22:40:00 GMT",
    }
    async with a_client() as client:
        source = source_of(client, server)
        first = await source.weather("NO1", OSLO, MIDNIGHT, 96)
        assert await source.weather("NO1", OSLO, MIDNIGHT, 96) == first
    assert len(server.asked) == 1


async def test_an_old_answer_is_asked_whether_it_changed_and_used_again_where_it_did_not(server: Server) -> None:
    clock = [0.0]
    answers = Answers(lambda: clock[0])
    now = datetime.now(UTC)
    server.body, server.headers = (
        b"one",
        {
            "Expires": format_datetime(now + timedelta(minutes=30), usegmt=True),
            "Last-Modified": "Mon, 02 Mar 2026 22:40:00 GMT",
        },
    )
    url = httpx.URL(server.base_url + "/x")
    async with a_client() as client:
        assert await get_document(client, url, Question("/x", {}), answers) == b"one"
        assert answers.fresh(url) == b"one"
        clock[0] = 3600.0
        assert answers.fresh(url) is None
        server.status, server.body = 304, b""
        assert await get_document(client, url, Question("/x", {}), answers) == b"one"
        assert server.sent[-1]["if-modified-since"] == "Mon, 02 Mar 2026 22:40:00 GMT"
        assert answers.fresh(url) == b"one"
        clock[0], server.status, server.body, server.headers = 9000.0, 200, b"two", {}
        assert await get_document(client, url, Question("/x", {}), answers) == b"two"


@pytest.mark.parametrize("status", [403, 429])
async def test_a_service_that_turns_us_away_is_unavailable(server: Server, status: int) -> None:
    server.status = status
    async with a_client() as client:
        with pytest.raises(SourceUnavailable):
            await source_of(client, server).weather("NO1", OSLO, MIDNIGHT, 96)
