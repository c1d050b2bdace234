"""Any bytes, and real answers with bytes changed: every parser ends soon, in a series or in one of our errors.

Protects: no answer of a source, however broken, costs a worker.
"""

import random
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ports import DocumentRefused, NotPublished
from market.areas import area_of
from market.judging.prices import days_of, judge_day
from market.judging.weather import judge_weather, needed_slots
from market.registry import price_formats, weather_formats
from tests.market.builders import (
    BERLIN,
    MIDNIGHT,
    a_met_forecast,
    a_nord_pool_document,
    a_price_document,
    a_wavy_day,
    a_weather_document,
    an_energi_data_document,
    an_entsoe_document,
    an_entsoe_series,
    raw,
)

GOOD = {
    "energy-charts": raw(a_price_document()),
    "entsoe": an_entsoe_document(
        an_entsoe_series("2026-03-02T23:00Z", "2026-03-03T23:00Z", dict(enumerate(a_wavy_day(), 1)))
    ),
    "nord-pool": raw(a_nord_pool_document(list(a_wavy_day()))),
    "energi-data-service": raw(an_energi_data_document(list(a_wavy_day()))),
    "csv-table": b"start_utc,price_eur_mwh\n2026-03-02T23:00Z,80.17\n2026-03-02T23:15Z,81.2\n",
}
TOKENS = (
    *(b"null", b"NaN", b"1e308", b"-1", b"0", b"9" * 30, b"true", b'""', b"[]", b"{}", b"\x00", b"\xff"),
    *(b"<", b"</Period>", b"&lol;", b"<!DOCTYPE x>", b"2026-02-30T00:00Z", b"9999-12-31T23:59Z", b"0001-01-01T00:00Z"),
)


def test_every_source_has_a_document_here() -> None:
    assert set(GOOD) == set(price_formats())


def read_and_judge(source: str, body: bytes) -> None:
    """Ends in a series or in one of our errors; anything else fails the test."""
    try:
        document = price_formats()[source].read(body, "x", None)
        for day in days_of(document, BERLIN)[:3]:
            judge_day(document, "DE-LU", day, BERLIN, over_range=True)
    except (DocumentRefused, NotPublished) as error:
        sentence = str(error)
    else:
        return
    assert len(sentence) < 600
    assert "\n" not in sentence


def mutated(body: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 4)):
        at, length = chance.randrange(len(body)), chance.randint(0, 40)
        match chance.randrange(5):
            case 0:
                body = body[:at] + body[at + length :]
            case 1:
                body = body[:at] + chance.choice(TOKENS) + body[at + length :]
            case 2:
                body = body[:at] + body[at : at + length] * 3 + body[at:]
            case 3:
                body = body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]
            case _:
                body = body[: at + 1]
        body = body or b"{"
    return body


GOOD_WEATHER = {"open-meteo": raw(a_weather_document()), "met-norway": raw(a_met_forecast())}


def read_and_judge_weather(source: str, body: bytes) -> None:
    """As `read_and_judge`, for a forecast."""
    try:
        document = weather_formats()[source].read(body, "x")
        judge_weather(document, "59.91,10.75", needed_slots(MIDNIGHT, 96), area_of("NO1"))
    except (DocumentRefused, NotPublished) as error:
        sentence = str(error)
    else:
        return
    assert "\n" not in sentence


def test_every_weather_source_has_a_document_here() -> None:
    assert set(GOOD_WEATHER) == set(weather_formats())


@pytest.mark.parametrize("source", sorted(GOOD_WEATHER))
@settings(deadline=None, max_examples=60)
@given(body=st.binary(max_size=200), seed=st.integers(0, 2**32))
def test_any_bytes_and_any_changed_forecast_end_in_a_series_or_one_of_our_errors(
    source: str, body: bytes, seed: int
) -> None:
    read_and_judge_weather(source, body)
    read_and_judge_weather(source, mutated(GOOD_WEATHER[source], random.Random(seed)))


@pytest.mark.parametrize("source", sorted(GOOD))
@settings(deadline=None, max_examples=60)
@given(body=st.binary(max_size=300))
def test_any_bytes_end_in_one_of_our_errors(source: str, body: bytes) -> None:
    read_and_judge(source, body)


@pytest.mark.parametrize("source", sorted(GOOD))
@settings(deadline=None, max_examples=80)
@given(seed=st.integers(0, 2**32))
def test_a_good_answer_with_bytes_changed_ends_in_a_series_or_one_of_our_errors(source: str, seed: int) -> None:
    read_and_judge(source, mutated(GOOD[source], random.Random(seed)))


def test_real_answers_with_bytes_changed_end_in_a_series_or_one_of_our_errors(real_data: Path) -> None:
    chance = random.Random(20260303)
    folders = {"energy_charts_days": "energy-charts", "entsoe_xml": "entsoe", "nordpool": "nord-pool"}
    for folder, source in folders.items():
        for path in sorted((real_data / "prices" / folder).iterdir()):
            body = path.read_bytes()
            for _ in range(12):
                read_and_judge(source, mutated(body, chance))


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ("entsoe", b"<Publication_MarketDocument>" + b"<TimeSeries/>" * 300_000),
        ("entsoe", an_entsoe_document(*[an_entsoe_series("2025-01-01T00:00Z", "2026-01-01T00:00Z", {1: 1})] * 1000)),
        ("nord-pool", b'{"multiAreaEntries":[' + b"{}," * 300_000 + b"{}]}"),
        ("energi-data-service", b'{"records":[' + b"[]," * 300_000 + b"[]]}"),
        ("energy-charts", b'{"unix_seconds":[' + b"1," * 500_000 + b'1],"price":[],"unit":""}'),
        ("csv-table", b"time,price_eur_mwh\n" + b"x,y\n" * 300_000),
    ],
    ids=["elements", "periods", "entries", "records", "columns", "lines"],
)
def test_a_document_made_to_hurt_is_bounded_in_time_and_memory(source: str, body: bytes) -> None:
    tracemalloc.start()
    begun = time.process_time()
    try:
        read_and_judge(source, body)
        peak_mb = tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
    assert peak_mb < 400
    assert time.process_time() - begun < 30
