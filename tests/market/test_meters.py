"""Whole-house meters: from a file or over HTTP, in each format, and what is refused with a sentence."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from domain.planning.house_load import MetersAsked
from domain.slots import SLOT
from market.errors import BadDocument, NotYetPublished, SourceUnavailable
from market.meter_sources import FAILURES, HttpMeters, meter_readings
from market.registry import meter_formats
from tests.market.fake_server import serving
from tests.meter_service import TOKEN, MeterService, serving_meters

HOURS = "time,pump,kwh\n2026-01-15T07:00:00+01:00,p-0001,1.2\n2026-01-15T08:00:00+01:00,p-0001,2.4\n"
SEVEN = datetime.fromisoformat("2026-01-15T06:00:00+00:00")


async def read(place: str, name: str = "interval-csv") -> list[tuple[str, datetime, tuple[float, ...]]]:
    async with httpx.AsyncClient() as http:
        return [(one.pump_id, one.start, one.kwh) for one in await meter_readings(place, name, http)]


async def test_hours_of_a_file_become_quarters_and_a_gap_begins_a_new_stretch(tmp_path: Path) -> None:
    file = tmp_path / "meter.csv"
    file.write_text(HOURS + "2026-01-15T10:00:00+01:00,p-0001,0.4\n2026-01-15T07:00:00+01:00,p-0002,4\n")
    first, later, other = await read(str(file))
    assert first == ("p-0001", SEVEN, (0.3,) * 4 + (0.6,) * 4)
    assert later == ("p-0001", SEVEN + 12 * SLOT, (0.1,) * 4)
    assert other[0] == "p-0002"


async def test_quarters_are_read_over_http_and_a_server_that_is_silent_or_down_is_told_apart() -> None:
    with serving() as server:
        quarters = [{"pump": "p-0001", "start": (SEVEN + n * SLOT).isoformat(), "kwh": 0.5} for n in range(3)]
        server.body = json.dumps(quarters).encode()
        assert await read(server.base_url + "/meters", "interval-json") == [("p-0001", SEVEN, (0.5,) * 3)]
        server.status = 204
        with pytest.raises(NotYetPublished):
            await read(server.base_url, "interval-json")
        server.status = 500
        with pytest.raises(SourceUnavailable):
            await read(server.base_url, "interval-json")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("time,kwh\n", "has no column pump"),
        (HOURS.replace("2.4", "-2.4"), "not below 0"),
        (HOURS.replace("2.4", "nan"), "not below 0"),
        (HOURS.replace("2.4", "240"), "no house draws so much"),
        (HOURS.replace("08:00:00+01:00", "08:00:00"), "without an offset"),
        (HOURS.replace("08:00:00", "07:20:00"), "quarters or hours"),
        (HOURS.replace("08:00:00", "07:00:00"), "each once"),
        (HOURS.replace("07:00:00", "07:05:00").replace("08:00:00", "08:05:00"), "begin on the slot"),
    ],
)
async def test_a_document_that_cannot_be_true_is_refused_whole(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "meter.csv"
    file.write_text(text)
    with pytest.raises(BadDocument, match=why):
        await read(str(file))


async def test_a_format_that_is_not_known_is_named_with_those_there_are() -> None:
    assert set(meter_formats()) == {"interval-csv", "interval-json"}
    with pytest.raises(LookupError, match="known are interval-csv, interval-json"):
        await read("meter.csv", "smart")


MIDNIGHT = datetime.fromisoformat("2026-01-13T23:00:00+00:00")
TWO_DAYS = MIDNIGHT + timedelta(days=2)


def two_houses(service: MeterService) -> None:
    quarters = [MIDNIGHT + n * SLOT for n in range(192)]
    service.kwh = {"p-0001": dict.fromkeys(quarters, 0.5), "p-0002": dict.fromkeys(quarters[:96], 0.25)}


async def asked(urls: dict[str, str], *pumps: str, token: str = TOKEN) -> MetersAsked:
    async with httpx.AsyncClient() as http:
        meters = HttpMeters(http, urls, dict.fromkeys(urls, token))
        return await meters.readings("SE3", pumps, MIDNIGHT, TWO_DAYS)


async def test_a_service_of_an_area_is_asked_day_by_day_and_one_of_a_home_for_its_home_alone() -> None:
    with serving_meters() as service:
        two_houses(service)
        said = await asked({"SE3": service.of_area}, "p-0001", "p-0002")
        assert said.problems == ()
        assert [(one.pump_id, one.start, len(one.kwh)) for one in said.readings] == [
            ("p-0001", MIDNIGHT, 96),
            ("p-0002", MIDNIGHT, 96),
            ("p-0001", MIDNIGHT + 96 * SLOT, 96),
        ]
        assert [query["from"] for query in service.asked] == ["2026-01-13T23:00:00Z", "2026-01-14T23:00:00Z"]
        service.asked.clear()
        said = await asked({"SE3": service.of_home}, "p-0001", "p-0002")
        assert [query["pump"] for query in service.asked] == ["p-0001", "p-0002"]
        assert [(one.pump_id, sum(one.kwh)) for one in said.readings] == [("p-0001", 96.0), ("p-0002", 24.0)]


async def test_a_homes_own_service_goes_before_its_areas_and_others_houses_are_left_aside_and_named() -> None:
    with serving_meters() as service, serving_meters() as own:
        two_houses(service)
        own.kwh = {"p-0001": {MIDNIGHT: 1.5}}
        said = await asked({"SE3": service.of_area, "p-0001": own.of_home}, "p-0001", "p-0002")
        assert {one.pump_id: one.kwh[0] for one in said.readings} == {"p-0002": 0.25, "p-0001": 1.5}
        (problem,) = said.problems
        assert "meters of SE3: readings of p-0001 were left aside: it is no pump that is read there" in problem
        assert (await asked({"NO1": service.of_area}, "p-0001")) == MetersAsked(), "no service is known for it"


async def test_a_service_that_is_down_is_named_and_left_and_the_others_are_read_all_the_same() -> None:
    with serving_meters() as service, serving_meters() as own:
        two_houses(service)
        own.kwh, service.is_down = {"p-0009": {MIDNIGHT: 1.5}}, True
        pumps = [f"p-{n:04}" for n in range(1, 10)]
        said = await asked({"SE3": service.of_home, "p-0009": own.of_home}, *pumps)
        assert [one.pump_id for one in said.readings] == ["p-0009"]
        assert len(service.asked) == FAILURES < len(pumps)
        (problem,) = said.problems
        assert problem.startswith("meters of SE3: http://127.0.0.1")
        assert "answered 503; ask again later (and 2 more); it is left until tomorrow" in problem


async def test_a_wrong_token_an_empty_hub_and_a_bad_interval_are_each_a_sentence_without_the_token() -> None:
    with serving_meters() as service:
        two_houses(service)
        (denied,) = (await asked({"SE3": service.of_area}, "p-0001", token="another")).problems
        assert "denied access with 401" in denied
        assert "another" not in denied
        (silent,) = (await asked({"SE3": service.of_home}, "p-0007")).problems
        assert "has no readings yet" in silent
        service.kwh["p-0001"][MIDNIGHT + SLOT] = -1.0
        said = await asked({"SE3": service.of_area}, "p-0001", "p-0002")
        assert "a house's consumption is not below 0" in said.problems[0]
        assert [(one.pump_id, one.start) for one in said.readings] == [("p-0001", MIDNIGHT + 96 * SLOT)], "the next day"
