"""What is believed of a weather document, and the sentence for everything that is not.

Protects: a slot's weather is what was forecast for it, at that place, in that unit, at that hour.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.planning.series import WeatherSeries
from market.errors import BadDocument
from tests.market.builders import BERLIN, CELL, MIDNIGHT, Json, a_weather_document, parse_weather, raw, verdict

SPRING_MIDNIGHT = datetime(2026, 3, 28, 23, tzinfo=UTC)
AUTUMN_MIDNIGHT = datetime(2026, 10, 24, 22, tzinfo=UTC)


def parsed(document: object, slots: int = 96, first_slot: datetime = MIDNIGHT) -> WeatherSeries:
    return parse_weather(raw(document), "weather.json", CELL, first_slot, slots)


def refusal(document: object, slots: int = 96, first_slot: datetime = MIDNIGHT) -> str:
    return verdict(lambda: parsed(document, slots, first_slot))


def with_value(name: str, row: int, value: Any) -> Json:
    document = a_weather_document()
    document["hourly"][name][row] = value
    return document


def in_local_times(document: Json, times: list[str], offset_s: int | None = None) -> Json:
    document["hourly"]["time"] = times
    document |= {"timezone": "Europe/Berlin", "utc_offset_seconds": offset_s}
    if offset_s is None:
        del document["utc_offset_seconds"]
    return document


def clock_times(start: datetime, rows: int) -> list[str]:
    return [f"{(start + timedelta(hours=row)).astimezone(BERLIN):%Y-%m-%dT%H:%M}" for row in range(rows)]


def counted_times(start: datetime, rows: int, offset_s: int) -> list[str]:
    return [f"{start + timedelta(hours=row, seconds=offset_s):%Y-%m-%dT%H:%M}" for row in range(rows)]


def test_a_temperature_of_a_moment_is_read_at_the_middle_of_the_slot() -> None:
    series = parsed(a_weather_document())
    assert series.start == MIDNIGHT
    assert len(series.outdoor_c) == len(series.radiation_w_per_m2) == 96
    assert series.outdoor_c[:5] == pytest.approx((2.05, 2.15, 2.25, 2.35, 2.45))


def test_radiation_of_an_hour_is_the_value_stamped_at_its_end() -> None:
    series = parsed(a_weather_document())
    assert series.radiation_w_per_m2[:5] == (110.0,) * 4 + (120.0,)
    assert series.radiation_w_per_m2[-1] == 340.0


def test_quarter_hours_are_preferred_to_hours() -> None:
    fine = a_weather_document(rows=97, block="minutely_15", step_s=900)
    both = a_weather_document() | fine
    assert parsed(both) == parsed(fine)
    assert parsed(fine).outdoor_c[0] == pytest.approx(2.2)
    assert parsed(fine).radiation_w_per_m2[:2] == (110.0, 120.0)


def test_hours_serve_where_the_quarter_hours_hold_nothing() -> None:
    both = a_weather_document() | a_weather_document(rows=97, block="minutely_15", step_s=900)
    both["minutely_15"]["temperature_2m"] = [None] * 97
    series = parsed(both)
    assert series.outdoor_c == parsed(a_weather_document()).outdoor_c
    assert series.radiation_w_per_m2[:2] == (110.0, 120.0)


def both_blocks() -> Json:
    return a_weather_document() | a_weather_document(rows=97, block="minutely_15", step_s=900)


@pytest.mark.parametrize(("rows", "slots"), [((40,), 2), ((0,), 1), ((10, 11, 12), 4)])
def test_a_quarter_hour_without_a_temperature_takes_the_hourly_one_for_its_slots_only(
    rows: tuple[int, ...], slots: int
) -> None:
    document = both_blocks()
    for row in rows:
        document["minutely_15"]["temperature_2m"][row] = None
    series, fine, hourly = parsed(document), parsed(both_blocks()), parsed(a_weather_document())
    mended = [n for n in range(96) if series.outdoor_c[n] != fine.outdoor_c[n]]
    assert len(mended) == slots
    assert [series.outdoor_c[n] for n in mended] == [hourly.outdoor_c[n] for n in mended]
    assert series.radiation_w_per_m2 == fine.radiation_w_per_m2
    assert series.source == f"open-meteo; temperature_2m of {slots} slots from hourly"


def test_quarter_hours_that_end_early_are_continued_by_the_hours() -> None:
    document = both_blocks()
    for name in ("time", "temperature_2m", "shortwave_radiation"):
        del document["minutely_15"][name][61:]
    series = parsed(document)
    assert series.outdoor_c[60:] == parsed(a_weather_document()).outdoor_c[60:]
    assert series.source == (
        "open-meteo; temperature_2m of 36 slots from hourly; shortwave_radiation of 36 slots from hourly"
    )


@pytest.mark.parametrize("spoil", ["axis", "unit", "length", "value"])
def test_a_broken_block_is_no_reason_to_refuse_the_other(spoil: str) -> None:
    document = both_blocks()
    block = document["minutely_15"]
    if spoil == "axis":
        block["time"][5] += 60
    elif spoil == "unit":
        document["minutely_15_units"]["temperature_2m"] = "K"
    elif spoil == "length":
        block["temperature_2m"].pop()
    else:
        block["temperature_2m"] = [300.0] * 97
    series, hourly = parsed(document), parsed(a_weather_document())
    assert series.outdoor_c == hourly.outdoor_c


def test_what_no_block_has_is_refused_by_what_is_wrong_in_the_finest() -> None:
    document = both_blocks()
    document["minutely_15"]["temperature_2m"][40] = None
    document["hourly"]["temperature_2m"][10] = None
    assert "holds null as temperature_2m of 2026-03-03 10:00 (2026-03-03 09:00 UTC)" in refusal(document)


def test_the_source_is_named_and_synthetic_weather_says_so() -> None:
    assert parsed(a_weather_document()).source == "open-meteo"
    document = a_weather_document() | {"license_info": "synthetic: heatsteer generator, seed 7"}
    assert parsed(document).source == "open-meteo (synthetic: heatsteer generator, seed 7)"


def test_iso_times_with_an_offset_and_local_times_mean_the_same_as_unix_seconds() -> None:
    expected = parsed(a_weather_document())
    stamped = a_weather_document()
    stamped["hourly"]["time"] = [datetime.fromtimestamp(s, UTC).isoformat() for s in stamped["hourly"]["time"]]
    assert parsed(stamped) == expected
    assert parsed(in_local_times(a_weather_document(), clock_times(MIDNIGHT, 25), 3600)) == expected
    assert parsed(in_local_times(a_weather_document(), clock_times(MIDNIGHT, 25))) == expected
    greenwich = a_weather_document()
    greenwich["hourly"]["time"] = counted_times(MIDNIGHT, 25, 0)
    assert parsed(greenwich) == expected


@pytest.mark.parametrize(("midnight", "slots"), [(SPRING_MIDNIGHT, 92), (AUTUMN_MIDNIGHT, 100)])
@pytest.mark.parametrize("offset_s", [3600, 7200])
def test_a_day_of_clock_change_in_local_times_neither_loses_nor_repeats_an_hour(
    midnight: datetime, slots: int, offset_s: int
) -> None:
    rows = slots // 4 + 1
    expected = parsed(a_weather_document(midnight, rows), slots, midnight)
    by_clock = in_local_times(a_weather_document(midnight, rows), clock_times(midnight, rows))
    assert parsed(by_clock, slots, midnight) == expected
    counted = in_local_times(a_weather_document(midnight, rows), counted_times(midnight, rows, offset_s), offset_s)
    assert parsed(counted, slots, midnight) == expected


def test_the_repeated_hour_is_read_twice_in_quarter_hours_too() -> None:
    fine = a_weather_document(AUTUMN_MIDNIGHT, 101, "minutely_15", 900)
    expected = parsed(fine, 100, AUTUMN_MIDNIGHT)
    moments = [(AUTUMN_MIDNIGHT + row * timedelta(minutes=15)).astimezone(BERLIN) for row in range(101)]
    fine["minutely_15"]["time"] = [f"{moment:%Y-%m-%dT%H:%M}" for moment in moments]
    assert parsed(fine | {"timezone": "Europe/Berlin", "utc_offset_seconds": 7200}, 100, AUTUMN_MIDNIGHT) == expected


def test_a_local_time_that_no_clock_shows_is_refused_where_no_offset_explains_it() -> None:
    document = in_local_times(a_weather_document(SPRING_MIDNIGHT, 24), counted_times(SPRING_MIDNIGHT, 24, 3600), None)
    assert "holds 2026-03-29 02:00, a time that Europe/Berlin skips; ask for it with timezone=UTC" in refusal(
        document, 92, SPRING_MIDNIGHT
    )


def test_an_offset_that_the_zone_does_not_have_that_day_is_refused() -> None:
    document = in_local_times(a_weather_document(), clock_times(MIDNIGHT, 25), 7200)
    assert "says its local times are 7200 s ahead of UTC, which Europe/Berlin is not" in refusal(document)


@pytest.mark.parametrize(
    ("zone", "part"),
    [
        (None, 'does not say of which zone ("timezone")'),
        ("Mars/Olympus", "a zone that is not known, 'Mars/Olympus'"),
        ("../../etc/passwd", "a zone that is not known"),
        ("Europe", "a zone that is not known"),
        (7, "a zone that is not known, the number 7"),
    ],
)
def test_local_times_of_an_unknown_zone_are_refused(zone: object, part: str) -> None:
    document = in_local_times(a_weather_document(), clock_times(MIDNIGHT, 25), 3600) | {"timezone": zone}
    assert part in refusal(document)


@pytest.mark.parametrize("value", ["soon", "2026-03-03T01:00:00.5", 7, None, "9999-12-31T23:59"])
def test_a_time_that_is_none_is_named_with_its_row(value: object) -> None:
    times: list[Any] = clock_times(MIDNIGHT, 25)
    times[1] = value
    assert 'in row 2 of "hourly.time"' in refusal(in_local_times(a_weather_document(), times, 3600))


def test_times_with_and_without_an_offset_do_not_mix() -> None:
    times = clock_times(MIDNIGHT, 25)
    times[1] += "Z"
    assert "mixes times with and without an offset" in refusal(in_local_times(a_weather_document(), times))


@pytest.mark.parametrize("name", ["temperature_2m", "shortwave_radiation"])
def test_a_missing_column_is_named(name: str) -> None:
    document = a_weather_document()
    del document["hourly"][name]
    assert f'has no column "{name}" with values in "minutely_15" or "hourly"' in refusal(document)


def test_a_missing_time_column_is_named() -> None:
    document = a_weather_document()
    del document["hourly"]["time"]
    assert 'has no column "time" in "hourly"' in refusal(document)


def test_columns_of_different_length_are_refused() -> None:
    document = a_weather_document()
    document["hourly"]["temperature_2m"].pop()
    assert 'has 25 rows of "hourly.time" and 24 of "hourly.temperature_2m"' in refusal(document)


def test_a_repeated_hour_is_named() -> None:
    document = a_weather_document()
    document["hourly"]["time"][5] = document["hourly"]["time"][4]
    assert "has slot 2026-03-03 04:00 (2026-03-03 03:00 UTC) twice, in rows 5 and 6" in refusal(document)


def test_a_gap_is_named() -> None:
    document = a_weather_document()
    for values in document["hourly"].values():
        del values[6]
    assert "has no row for 2026-03-03 06:00 (2026-03-03 05:00 UTC): after 2026-03-03 05:00" in refusal(document)


def test_hours_in_the_quarter_hourly_block_are_refused() -> None:
    assert 'has steps of 60 minutes in "minutely_15"; 15 are needed' in refusal(a_weather_document(block="minutely_15"))


def test_a_null_within_the_need_is_named_and_one_beyond_it_is_nothing_to_us() -> None:
    sentence = refusal(with_value("temperature_2m", 6, None))
    assert "holds null as temperature_2m of 2026-03-03 06:00 (2026-03-03 05:00 UTC)" in sentence
    longer = a_weather_document(rows=30)
    longer["hourly"]["temperature_2m"][25:] = [None] * 5
    assert parsed(longer) == parsed(a_weather_document())


@pytest.mark.parametrize("value", ["3.2", True, float("nan"), [1]])
def test_a_temperature_that_is_no_number_is_refused(value: object) -> None:
    assert "as temperature_2m of 2026-03-03 06:00" in refusal(with_value("temperature_2m", 6, value))


@pytest.mark.parametrize("value", [-60.1, 60.1, 275.3])
def test_an_impossible_temperature_is_refused_with_its_hour(value: float) -> None:
    assert f"has {value:g} °C as temperature_2m of 2026-03-03 06:00 (2026-03-03 05:00 UTC), outside -60 to 60" in (
        refusal(with_value("temperature_2m", 6, value))
    )


@pytest.mark.parametrize("value", [-1.0, 1501.0])
def test_impossible_radiation_is_refused(value: float) -> None:
    assert "W/m² as shortwave_radiation of 2026-03-03 06:00" in refusal(with_value("shortwave_radiation", 6, value))


@pytest.mark.parametrize(
    ("name", "unit", "part"),
    [
        ("temperature_2m", "°F", "gives temperature_2m in '°F'; °C is needed"),
        ("temperature_2m", None, 'does not say the unit of temperature_2m ("hourly_units"); °C is needed'),
        ("shortwave_radiation", "MJ/m²", "gives shortwave_radiation in 'MJ/m²'; W/m² is needed"),
        ("shortwave_radiation", 7, "gives shortwave_radiation in the number 7"),
    ],
)
def test_another_unit_is_refused(name: str, unit: object, part: str) -> None:
    document = a_weather_document()
    document["hourly_units"][name] = unit
    assert part in refusal(document)


def test_a_document_that_does_not_cover_the_need_says_what_it_covers() -> None:
    assert (
        "covers 2026-03-03 00:00 (2026-03-02 23:00 UTC) to 2026-03-03 23:00 (2026-03-03 22:00 UTC), "
        "while 2026-03-03 00:00 (2026-03-02 23:00 UTC) to 2026-03-04 00:00 (2026-03-03 23:00 UTC) is needed"
    ) in refusal(a_weather_document(rows=24))


@pytest.mark.parametrize(
    ("place", "part"),
    [
        ({"latitude": 48.85, "longitude": 2.35}, "is of latitude 48.85, longitude 2.35, outside price area DE-LU"),
        ({"latitude": 13.4, "longitude": 52.5}, "outside price area DE-LU (latitude 47.2 to 55.1"),
        ({"latitude": "52.5"}, "holds the text '52.5' as \"latitude\""),
    ],
)
def test_weather_of_another_place_is_refused(place: Json, part: str) -> None:
    assert part in refusal(a_weather_document() | place)


def test_weather_of_no_place_is_refused() -> None:
    document = a_weather_document()
    del document["longitude"]
    assert 'has no "longitude"' in refusal(document)


@pytest.mark.parametrize("cell", ["13.41,52.52", "Berlin", "52.52", "nan,13.4", "1,2,3"])
def test_a_cell_outside_the_price_area_is_refused(cell: str) -> None:
    with pytest.raises(BadDocument, match="weather cell"):
        parse_weather(raw(a_weather_document()), "weather.json", cell, MIDNIGHT, 96)


def test_several_places_in_one_answer_are_refused() -> None:
    assert "holds a list where a JSON object is needed" in refusal([a_weather_document()])


@pytest.mark.parametrize(("first_slot", "slots"), [(MIDNIGHT + timedelta(minutes=1), 96), (MIDNIGHT, 0)])
def test_weather_is_asked_for_whole_slots(first_slot: datetime, slots: int) -> None:
    with pytest.raises(ValueError, match="whole slots"):
        parsed(a_weather_document(), slots, first_slot)
