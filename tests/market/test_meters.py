"""Whole-house meters: from a file or over HTTP, in each format, and what is refused with a sentence."""

import json
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from domain.slots import SLOT
from market.errors import BadDocument, NotYetPublished, SourceUnavailable
from market.meter_sources import meter_readings
from market.registry import meter_formats
from tests.market.fake_server import serving

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
