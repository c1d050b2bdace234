"""What is believed of a price document, and the sentence for everything that is not.

Protects: a bad price file is refused by name and slot, and never becomes a series.
"""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.planning.series import WholesalePrices
from domain.slots import market_day_slots
from market.areas import area_of
from market.documents import MAX_DOCUMENT_BYTES
from market.judging.prices import day_of
from market.judging.scale import MarketLimits
from market.registry import price_format
from market.rows import PriceDocument
from tests.market.builders import BERLIN, DAY, MIDNIGHT, Json, a_price_document, parse_prices, raw, verdict

SPRING = date(2026, 3, 29)
AUTUMN = date(2025, 10, 26)
SIX_IN_THE_MORNING = 24


def parsed(document: object, day: date = DAY) -> WholesalePrices:
    return parse_prices(raw(document), "prices.json", "DE-LU", day, BERLIN)


def read(document: object) -> PriceDocument:
    return price_format("energy-charts").read(raw(document), "prices.json", area_of("DE-LU"))


def refusal(document: object, day: date = DAY) -> str:
    return verdict(lambda: parsed(document, day))


def refusal_of_bytes(body: bytes) -> str:
    return verdict(lambda: parse_prices(body, "prices.json", "DE-LU", DAY, BERLIN))


def with_price(row: int, price: Any) -> Json:
    document = a_price_document()
    document["price"][row] = price
    return document


def with_time(row: int, instant: Any) -> Json:
    document = a_price_document()
    document["unix_seconds"][row] = instant
    return document


def without_rows(*rows: int) -> Json:
    document = a_price_document()
    for name in ("unix_seconds", "price"):
        document[name] = [value for row, value in enumerate(document[name]) if row not in rows]
    return document


@pytest.mark.parametrize(
    ("day", "slots", "step_s"),
    [
        (DAY, 96, 900),
        (SPRING, 92, 900),
        (AUTUMN, 100, 900),
        (date(2025, 3, 3), 96, 3600),
        (date(2025, 3, 30), 92, 3600),
        (date(2024, 10, 27), 100, 3600),
    ],
)
def test_a_day_of_any_length_and_either_resolution_becomes_its_slots(day: date, slots: int, step_s: int) -> None:
    document = a_price_document(day, step_s)
    series = parsed(document, day)
    assert len(series.price_eur_per_mwh) == slots
    assert series.start == market_day_slots(day, BERLIN)[0]
    assert series.resolution_min == step_s // 60
    assert series.price_eur_per_mwh[:: step_s // 900] == tuple(document["price"])


def test_every_quarter_of_an_hour_has_the_price_of_the_hour() -> None:
    series = parsed(a_price_document(date(2025, 3, 3), step_s=3600), date(2025, 3, 3))
    assert series.price_eur_per_mwh[4:8] == (81.2,) * 4


def test_a_series_says_where_it_came_from() -> None:
    assert parsed(a_price_document()).source == "energy-charts"


def test_synthetic_prices_say_so_in_the_series() -> None:
    document = a_price_document() | {"license_info": "synthetic: heatsteer generator, seed 7"}
    assert parsed(document).source == "energy-charts (synthetic: heatsteer generator, seed 7)"


def test_the_day_of_a_document_is_the_local_day_of_its_first_row() -> None:
    assert day_of(read(a_price_document(SPRING)), BERLIN) == SPRING


@pytest.mark.parametrize("unit", ["EUR / MWh", "EUR/MWh", "EUR/MWh ", "Eur/MWh", "€/MWh"])
def test_euros_per_megawatt_hour_are_known_in_their_usual_spellings(unit: str) -> None:
    assert parsed(a_price_document() | {"unit": unit}) == parsed(a_price_document())


def test_a_byte_order_mark_before_the_document_is_harmless() -> None:
    body = b"\xef\xbb\xbf" + raw(a_price_document())
    assert parse_prices(body, "prices.json", "DE-LU", DAY, BERLIN) == parsed(a_price_document())


@pytest.mark.parametrize(
    ("unit", "shown"),
    [
        ("EUR / kWh", "'EUR / kWh'"),
        ("ct/kWh", "'ct/kWh'"),
        ("SEK/MWh", "'SEK/MWh'"),
        ("No Unit", "'No Unit'"),
        (3, "the number 3"),
    ],
)
def test_another_unit_is_refused_naming_both(unit: object, shown: str) -> None:
    assert refusal(a_price_document() | {"unit": unit}) == (
        f"prices.json says its unit is {shown}; EUR / MWh is needed, so convert the prices or fetch them so."
    )


@pytest.mark.parametrize("name", ["unix_seconds", "price"])
def test_a_missing_column_is_named(name: str) -> None:
    document = a_price_document()
    del document[name]
    assert f'prices.json has no column "{name}"' in refusal(document)


def test_a_document_without_its_unit_is_refused() -> None:
    document = a_price_document()
    del document["unit"]
    assert 'does not say its unit ("unit"); EUR / MWh is needed' in refusal(document)


def test_a_column_that_is_no_list_is_refused() -> None:
    assert 'holds an object as "price" where a list is needed' in refusal(a_price_document() | {"price": {}})


def test_columns_of_different_length_are_refused_with_both_lengths() -> None:
    document = a_price_document()
    document["price"].pop()
    assert 'has 96 rows of "unix_seconds" and 95 of "price"' in refusal(document)


def test_an_empty_day_is_refused() -> None:
    assert "has no rows" in refusal(a_price_document() | {"unix_seconds": [], "price": []})


def test_a_slot_that_appears_twice_is_named_with_its_rows() -> None:
    document = a_price_document()
    document["unix_seconds"].insert(9, document["unix_seconds"][9])
    document["price"].insert(9, 70.0)
    assert "has slot 2026-03-03 02:15 (2026-03-03 01:15 UTC) twice, in rows 10 and 11" in refusal(document)


def test_a_missing_slot_is_named_in_local_time_and_utc() -> None:
    assert "has no row for slot 2026-03-03 06:00 (2026-03-03 05:00 UTC), and 95 of the day's 96 prices" in refusal(
        without_rows(SIX_IN_THE_MORNING)
    )


def test_the_first_of_several_missing_slots_is_named_even_at_midnight() -> None:
    assert "has no row for slot 2026-03-03 00:00 (2026-03-02 23:00 UTC)" in refusal(without_rows(0, 40, 95))


def test_a_file_that_ends_early_is_refused() -> None:
    assert "has no row for slot 2026-03-03 23:30 (2026-03-03 22:30 UTC), and 94 of" in refusal(without_rows(94, 95))


def test_a_missing_hour_on_the_long_day_is_told_apart_from_its_twin() -> None:
    day = date(2024, 10, 27)
    document = a_price_document(day, 3600)
    del document["unix_seconds"][3], document["price"][3]
    assert "has no row for slot 2024-10-27 02:00 (2024-10-27 01:00 UTC)" in refusal(document, day)


def test_rows_out_of_order_are_refused_naming_the_row() -> None:
    document = a_price_document()
    times = document["unix_seconds"]
    times[4], times[5] = times[5], times[4]
    assert "goes back in time: row 6 is 2026-03-03 01:00 (2026-03-03 00:00 UTC)" in refusal(document)


def test_a_null_price_is_named_with_its_slot() -> None:
    assert "has null as the price of slot 2026-03-03 06:00 (2026-03-03 05:00 UTC)" in refusal(
        with_price(SIX_IN_THE_MORNING, None)
    )


@pytest.mark.parametrize(
    ("price", "shown"),
    [
        (True, "the truth value true"),
        ("81.2", "the text '81.2'"),
        ([81.2], "a list"),
        (float("nan"), "the number nan"),
        (float("inf"), "the number inf"),
        (10**400, "the number of more than 40 digits"),
    ],
)
def test_a_price_that_is_no_finite_number_is_named_with_its_slot(price: object, shown: str) -> None:
    sentence = refusal(with_price(SIX_IN_THE_MORNING, price))
    assert f"holds {shown} as the price of slot 2026-03-03 06:00 (2026-03-03 05:00 UTC)" in sentence


def test_a_number_too_large_for_a_float_is_not_taken_for_infinity() -> None:
    body = raw(a_price_document()).replace(b"81.2,", b"1e999,")
    assert "holds the number inf as the price of slot 2026-03-03 00:15" in refusal_of_bytes(body)


@pytest.mark.parametrize(
    ("instant", "part"),
    [
        (0, "holds the number 0 in row 25"),
        (7_258_118_400, "no time between the years 2000 and 2100; correct the row"),
        (-1, "holds the number -1 in row 25"),
        (1_772_514_000_000, "divide it by 1000, as it counts milliseconds"),
        (10**60, "more than 40 digits"),
        (1772514000.0, "whole seconds since 1970 are needed"),
        ("1772514000", "holds the text '1772514000' in row 25"),
        (False, "holds the truth value false in row 25"),
        (None, "holds null in row 25"),
    ],
)
def test_a_timestamp_that_is_none_is_named_with_its_row(instant: object, part: str) -> None:
    assert part in refusal(with_time(SIX_IN_THE_MORNING, instant))


def test_rows_off_the_quarter_hours_are_refused() -> None:
    document = a_price_document()
    document["unix_seconds"] = [instant + 60 for instant in document["unix_seconds"]]
    assert "has row 1 at 2026-03-02 23:01:00 UTC, which is not the edge of a quarter-hour" in refusal(document)


def test_half_hours_are_refused() -> None:
    assert "has steps of 30 minutes, neither 15 nor 60" in refusal(a_price_document(step_s=1800))


@pytest.mark.parametrize("price", [-500.0, 936.28, 4000.0, 4900.0, -600.0])
def test_extreme_prices_the_market_allows_pass(price: float) -> None:
    assert parsed(with_price(7, price)).price_eur_per_mwh[7] == price


@pytest.mark.parametrize("price", [-600.01, 5000.01, 1e300])
def test_a_price_beyond_the_market_is_refused_never_clamped(price: float) -> None:
    sentence = refusal(with_price(7, price))
    assert "in slot 2026-03-03 01:45 (2026-03-03 00:45 UTC), outside the market's limits of -600 to 5000" in sentence


def test_the_limits_can_be_moved_when_the_market_moves_them() -> None:
    moved = MarketLimits(highest=9000.0)
    body = raw(with_price(7, 6000.0))
    assert parse_prices(body, "x", "DE-LU", DAY, BERLIN, limits=moved).price_eur_per_mwh[7] == 6000.0


def test_euros_per_kilowatt_hour_called_megawatt_hour_are_recognised_by_their_digits() -> None:
    sentence = refusal(a_price_document(price=lambda row: (80.17 + row) / 1000))
    assert "looks like EUR per kWh although it says EUR / MWh; multiply the prices by 1000" in sentence


def test_euros_per_kilowatt_hour_rounded_to_cents_are_recognised_by_their_size() -> None:
    sentence = refusal(a_price_document(price=lambda row: 0.05 if row < 48 else 0.2))
    assert "no price beyond 0.2 in slot 2026-03-03 12:00" in sentence
    assert "looks like EUR per kWh" in sentence


def test_a_day_with_one_dear_hour_in_round_numbers_passes() -> None:
    prices = parse_prices(
        raw(a_price_document(price=lambda row: 1500.0 if row < 4 else 50.0)), "x", "DE-LU", DAY, BERLIN
    )
    assert max(prices.price_eur_per_mwh) == 1500.0


def test_prices_a_thousandfold_are_recognised_beyond_the_limits() -> None:
    sentence = refusal(a_price_document(price=lambda row: (80.17 + row) * 1000))
    assert "80170 EUR / MWh in slot 2026-03-03 00:00" in sentence
    assert "a unit mistake by 1000" in sentence


def test_one_absurd_price_is_not_called_a_unit_mistake() -> None:
    assert "correct the price, or widen the limits" in refusal(with_price(7, 81000.5))


def test_prices_a_thousandfold_are_recognised_within_the_limits_by_their_digits() -> None:
    assert "all are multiples of ten" in refusal(a_price_document(price=lambda row: (1 + row % 4) * 1000.0 + 170))


@pytest.mark.parametrize("flat", [0.0, -0.01, 3.78])
def test_a_truly_flat_day_passes(flat: float) -> None:
    assert set(parsed(a_price_document(price=lambda row: flat)).price_eur_per_mwh) == {flat}


def test_a_flat_day_with_float_noise_passes() -> None:
    noisy = [0.30000000000000004, 2.5700000000000003, 0.1 + 0.7]
    assert parsed(a_price_document(price=lambda row: noisy[row % 3])).price_eur_per_mwh[0] == noisy[0]


@pytest.mark.parametrize("key", ["zone", "bzn", "bidding_zone"])
def test_a_document_that_names_another_price_area_is_refused(key: str) -> None:
    assert "is of price area FR; prices of DE-LU are needed" in refusal(a_price_document() | {key: "FR"})
    assert parsed(a_price_document() | {key: "de_lu"}) == parsed(a_price_document())


@pytest.mark.parametrize("zone", ["Europe/Helsinki", "Europe/Lisbon", "UTC"])
def test_a_day_that_starts_at_another_areas_midnight_is_refused_naming_both_times(zone: str) -> None:
    document = a_price_document()
    shift_s = int((market_day_slots(DAY, ZoneInfo(zone))[0] - MIDNIGHT).total_seconds())
    document["unix_seconds"] = [instant + shift_s for instant in document["unix_seconds"]]
    sentence = refusal(document, day_of(read(document), BERLIN))
    assert "starts at 2026-03-0" in sentence
    assert "of DE-LU starts at local midnight, 2026-03-0" in sentence
    assert "another price area" in sentence


def test_another_day_than_asked_for_is_refused_naming_both() -> None:
    yesterday = DAY - timedelta(days=1)
    assert refusal(a_price_document(yesterday)).startswith(
        "prices.json is of 2026-03-02; prices of DE-LU for 2026-03-03 are needed"
    )


def test_a_file_of_two_days_is_refused() -> None:
    two = a_price_document()
    second = a_price_document(DAY + timedelta(days=1))
    for name in ("unix_seconds", "price"):
        two[name] += second[name]
    assert "runs on to 2026-03-05 00:00 (2026-03-04 23:00 UTC), past the end of market day 2026-03-03" in refusal(two)


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"", "is empty"),
        (b" \n ", "is empty"),
        (b"<html>Bad gateway</html>", "is not JSON (expected value at line 1 column 1; it starts with '<html>Bad"),
        (b'{"price": [1,', "is not JSON"),
        (b"\xff\xfe{\x00}\x00", "is not JSON"),
        (b"[]", "holds a list where a JSON object is needed"),
        (b"null", "holds null where a JSON object is needed"),
        (b'"text"', "holds the text 'text' where"),
        (b'{"price": [1], "price": [2]}', "has 'price' twice in one object"),
        (b"[" * 1_000_000, "is nested too deeply"),
        (b'{"a":' * 500_000, "is nested too deeply"),
        (b"[" * 10_000_000, "is larger than 4 MB"),
        (b"9" * 5000, "is not JSON"),
    ],
    ids=lambda value: f"{value[:12]!r}x{len(value)}" if isinstance(value, bytes) else "",
)
def test_bytes_that_are_no_document_are_refused(body: bytes, part: str) -> None:
    sentence = refusal_of_bytes(body)
    assert part in sentence
    assert len(sentence) < 400


def test_the_size_limit_leaves_room_for_a_real_document() -> None:
    assert 100 * len(raw(a_price_document())) < MAX_DOCUMENT_BYTES
