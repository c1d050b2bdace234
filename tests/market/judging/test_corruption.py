"""Any broken copy of a good document is refused or reads the same, never as something else.

Protects: there is no way a row can be lost, doubled, moved or blanked without a word.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from market.errors import BadDocument
from tests.market.builders import (
    BERLIN,
    CELL,
    MIDNIGHT,
    Json,
    a_price_document,
    a_weather_document,
    parse_prices,
    parse_weather,
    raw,
)

DAYS = (
    (date(2026, 3, 3), 900),
    (date(2026, 3, 29), 900),
    (date(2025, 10, 26), 900),
    (date(2025, 3, 3), 3600),
    (date(2025, 3, 30), 3600),
    (date(2024, 10, 27), 3600),
)
DAY = DAYS[0][0]
KINDS = ("drop", "double", "swap", "blank", "move")

type Corruption = tuple[str, int, int]
corruptions = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=4
)


def read_or_refused[Series](parse: Callable[[], Series]) -> Series | None:
    """The series, or None where the document was refused by name; any other error is a fault."""
    try:
        return parse()
    except BadDocument as refusal:
        if not str(refusal).startswith("x.json "):
            raise
        return None


def corrupt(columns: list[list[Any]], corruption: Corruption) -> None:
    """Break the rows of parallel columns, the first of which is time."""
    kind, first, second = corruption
    rows = len(columns[0])
    first, second = first % rows, second % rows
    for column in columns:
        if kind == "drop":
            del column[first]
        elif kind == "double":
            column.insert(second, column[first])
        elif kind == "swap":
            column[first], column[second] = column[second], column[first]
    if kind == "blank":
        columns[second % len(columns)][first] = None
    elif kind == "move" and columns[0][first] is not None:
        columns[0][first] += 900 * (second - 50)


def corrupted(document: Json, columns: list[list[Any]], changes: list[Corruption]) -> bytes:
    for change in changes:
        corrupt(columns, change)
    return raw(document)


@settings(deadline=None)
@given(day_and_step=st.sampled_from(DAYS), changes=corruptions)
def test_a_corrupted_price_document_is_refused_or_reads_the_same(
    day_and_step: tuple[date, int], changes: list[Corruption]
) -> None:
    day, step_s = day_and_step
    document = a_price_document(day, step_s)
    good = parse_prices(raw(document), "x.json", "DE-LU", day, BERLIN)
    body = corrupted(document, [document["unix_seconds"], document["price"]], changes)
    assert read_or_refused(lambda: parse_prices(body, "x.json", "DE-LU", day, BERLIN)) in (good, None)


@settings(deadline=None)
@given(changes=corruptions, rows=st.sampled_from([25, 40]))
def test_a_corrupted_weather_document_is_refused_or_reads_the_same(changes: list[Corruption], rows: int) -> None:
    document = a_weather_document(rows=rows)
    good = parse_weather(raw(document), "x.json", CELL, MIDNIGHT, 96)
    block = document["hourly"]
    body = corrupted(document, [block["time"], block["temperature_2m"], block["shortwave_radiation"]], changes)
    assert read_or_refused(lambda: parse_weather(body, "x.json", CELL, MIDNIGHT, 96)) in (good, None)


@settings(deadline=None)
@given(prices=st.lists(st.integers(-50_000, 400_000), min_size=96, max_size=96))
def test_any_prices_in_cents_within_the_market_are_read_back_exactly(prices: list[int]) -> None:
    in_euros = [cents / 100 for cents in prices]
    assume(any(price % 10 for price in in_euros) and max(map(abs, prices)) >= 100)
    document = a_price_document() | {"price": in_euros}
    read = parse_prices(raw(document), "x.json", "DE-LU", DAY, BERLIN)
    assert read.price_eur_per_mwh == tuple(in_euros)


@settings(deadline=None)
@given(body=st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_sentence(body: bytes) -> None:
    assert read_or_refused(lambda: parse_prices(body, "x.json", "DE-LU", DAY, BERLIN)) is None
    assert read_or_refused(lambda: parse_weather(body, "x.json", CELL, MIDNIGHT, 96)) is None


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner), max_leaves=4
)


@settings(deadline=None, max_examples=40)
@given(
    name=st.sampled_from(["unix_seconds", "price", "unit", "license_info", "bzn"]),
    weather_name=st.sampled_from(
        ["latitude", "timezone", "utc_offset_seconds", "hourly", "hourly_units", "minutely_15"]
    ),
    value=anything,
)
def test_any_json_in_place_of_a_field_never_causes_another_error(name: str, weather_name: str, value: object) -> None:
    prices, weather = a_price_document() | {name: value}, a_weather_document() | {weather_name: value}
    read_or_refused(lambda: parse_prices(raw(prices), "x.json", "DE-LU", DAY, BERLIN))
    read_or_refused(lambda: parse_weather(raw(weather), "x.json", CELL, MIDNIGHT, 96))
