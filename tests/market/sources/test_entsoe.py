"""ENTSO-E's XML: omitted points, several series and sequences, acknowledgements, and nothing of XML's own dangers.

Protects: a slot has the coupled auction's price of that slot, however the document leaves it out or repeats it.
"""

from datetime import date

import pytest

from market.errors import BadDocument, NotYetPublished, SourceUnavailable
from market.fetching import HttpPrices
from market.registry import price_format
from tests.market.builders import (
    BERLIN,
    DAY,
    a_wavy_day,
    an_acknowledgement,
    an_entsoe_document,
    an_entsoe_series,
    judged,
)
from tests.market.fake_server import Server, a_client

START, END = "2026-03-02T23:00Z", "2026-03-03T23:00Z"
WHOLE = dict(enumerate(a_wavy_day(), 1))


def refusal(body: bytes, day: date = DAY) -> str:
    with pytest.raises(BadDocument) as refused:
        judged("entsoe", body, "DE-LU", day)
    return str(refused.value)


def test_a_whole_day_is_read_slot_by_slot() -> None:
    series = judged("entsoe", an_entsoe_document(an_entsoe_series(START, END, WHOLE)), "DE-LU")
    assert series.price_eur_per_mwh == tuple(WHOLE.values())
    assert (series.source, series.resolution_min) == ("entsoe", 15)


def test_points_that_repeat_the_one_before_are_left_out_and_filled_to_the_end_of_the_period() -> None:
    points = {at: price for at, price in WHOLE.items() if at not in (2, 3, 95, 96)}
    series = judged("entsoe", an_entsoe_document(an_entsoe_series(START, END, points)), "DE-LU")
    assert series.price_eur_per_mwh[:4] == (WHOLE[1], WHOLE[1], WHOLE[1], WHOLE[4])
    assert series.price_eur_per_mwh[93:] == (WHOLE[94],) * 3


def test_a_missing_point_of_a_curve_that_leaves_none_out_is_a_gap() -> None:
    points = {at: price for at, price in WHOLE.items() if at != 25}
    body = an_entsoe_document(an_entsoe_series(START, END, points, curve="A01"))
    assert "has null as the price of slot 2026-03-03 06:00 (2026-03-03 05:00 UTC)" in refusal(body)


def test_a_period_without_its_first_point_has_nothing_to_fill_it_with() -> None:
    points = {at: price for at, price in WHOLE.items() if at > 1}
    assert "has null as the price of slot 2026-03-03 00:00" in refusal(
        an_entsoe_document(an_entsoe_series(START, END, points))
    )


@pytest.mark.parametrize("first", [1, 2])
def test_the_coupled_auctions_sequence_is_taken_in_whatever_order_they_come(first: int) -> None:
    other = {at: price + 40 for at, price in WHOLE.items()}
    both = {
        1: an_entsoe_series(START, END, WHOLE, sequence=1),
        2: an_entsoe_series(START, END, other, sequence=2),
    }
    body = an_entsoe_document(both[first], both[3 - first])
    assert judged("entsoe", body, "DE-LU").price_eur_per_mwh == tuple(WHOLE.values())
    document = price_format("entsoe").read(body, "x", None)
    assert document.notes == ("Sequence 2 was left aside: it is another auction than the coupled one (SDAC).",)


def test_the_other_auctions_sequence_alone_is_refused() -> None:
    sentence = refusal(an_entsoe_document(an_entsoe_series(START, END, WHOLE, sequence=2)))
    assert "holds sequence 2 only, which is another auction than the coupled one (SDAC, sequence 1)" in sentence


@pytest.mark.parametrize(("day", "step", "kept"), [(DAY, "PT15M", 15), (date(2025, 3, 4), "PT60M", 60)])
def test_of_hours_and_quarters_for_one_day_those_that_the_auction_publishes_are_taken(
    day: date, step: str, kept: int
) -> None:
    start, end = (START, END) if day == DAY else ("2025-03-03T23:00Z", "2025-03-04T23:00Z")
    hours = dict(enumerate(a_wavy_day(24, seed=3), 1))
    body = an_entsoe_document(
        an_entsoe_series(start, end, hours, resolution="PT60M", sequence=None),
        an_entsoe_series(start, end, WHOLE, sequence=None),
    )
    series = judged("entsoe", body, "DE-LU", day)
    assert series.resolution_min == kept
    assert series.price_eur_per_mwh[0] == (WHOLE[1] if step == "PT15M" else hours[1])


def test_a_day_half_in_hours_is_refused_where_quarters_are_published() -> None:
    body = an_entsoe_document(
        an_entsoe_series(START, "2026-03-03T11:00Z", dict(enumerate(a_wavy_day(48), 1))),
        an_entsoe_series("2026-03-03T11:00Z", END, dict(enumerate(a_wavy_day(12), 1)), resolution="PT60M"),
    )
    assert "has prices for whole hours, 12 of them from 2026-03-03 12:00 (2026-03-03 11:00 UTC) on" in refusal(body)


def test_a_day_half_in_quarters_keeps_each_price_for_its_time_where_hours_are_published() -> None:
    start, noon, end = "2025-03-03T23:00Z", "2025-03-04T11:00Z", "2025-03-04T23:00Z"
    quarters, hours = a_wavy_day(48), a_wavy_day(12, seed=2)
    body = an_entsoe_document(
        an_entsoe_series(noon, end, dict(enumerate(hours, 1)), resolution="PT60M"),
        an_entsoe_series(start, noon, dict(enumerate(quarters, 1))),
    )
    series = judged("entsoe", body, "DE-LU", date(2025, 3, 4))
    assert series.price_eur_per_mwh == (*quarters, *(price for price in hours for _ in range(4)))


def test_the_same_series_twice_is_one_and_two_different_ones_are_refused() -> None:
    once = an_entsoe_series(START, END, WHOLE)
    assert judged("entsoe", an_entsoe_document(once, once), "DE-LU").price_eur_per_mwh == tuple(WHOLE.values())
    other = an_entsoe_series(START, END, WHOLE | {7: 1.01})
    assert "has two different series from 2026-03-02 23:00 UTC on" in refusal(an_entsoe_document(once, other))


@pytest.mark.parametrize(
    ("series", "part"),
    [
        (an_entsoe_series(START, END, WHOLE, eic="10YBE----------2"), "is of price area BE; prices of DE-LU"),
        (an_entsoe_series(START, END, WHOLE, eic="10Y-NOWHERE----X"), "is of price area 10Y-NOWHERE----X"),
        (an_entsoe_series(START, END, WHOLE, currency="PLN"), "has prices in PLN per MWH; EUR per MWH is needed"),
        (an_entsoe_series(START, END, WHOLE, unit="KWH"), "has prices in EUR per KWH"),
        (an_entsoe_series(START, END, WHOLE, resolution="PT30M"), "has a resolution of PT30M"),
        (an_entsoe_series(START, END, WHOLE | {97: 1.0}), "has a point 97 in a period of 96"),
        (an_entsoe_series(START, END, WHOLE | {9: "1_000"}), "holds '1_000' as the price of point 9"),
        (an_entsoe_series(START, END, WHOLE | {9: "NaN"}), "holds 'NaN' as the price of point 9"),
        (an_entsoe_series(END, START, WHOLE), "has a period from 2026-03-03 23:00 UTC to 2026-03-02 23:00 UTC"),
        (an_entsoe_series("yesterday", END, WHOLE), "holds 'yesterday' as a time"),
        (an_entsoe_series("2026-03-02T23:00", END, WHOLE), "holds '2026-03-02T23:00' as a time"),
        (an_entsoe_series("2016-01-01T00:00Z", END, WHOLE), "has a period from 2016-01-01"),
    ],
)
def test_what_is_no_day_ahead_series_of_the_area_is_refused(series: str, part: str) -> None:
    assert part in refusal(an_entsoe_document(series))


def test_an_entity_is_never_expanded_and_nothing_outside_is_fetched(server: Server) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><x>&l9;</x>'.encode()
    outside = f'<?xml version="1.0"?><!DOCTYPE x SYSTEM "{server.base_url}/x.dtd"><x/>'.encode()
    for body in (bomb, outside):
        assert refusal(body) == "x declares a document type, which no market document does; give another one."
    assert server.asked == []


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"", "is empty"),
        (b"{}", "is not XML"),
        (b"<a>" * 100_000, "is nested too deeply"),
        (b"<a>" + b"<b/>" * 300_000 + b"</a>", "has too many elements"),
        (b"<a>" * 2_000_000, "is larger than 4 MB"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "is not XML"),
        (b"<html/>", "is a html; a Publication_MarketDocument is needed"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else "",
)
def test_bytes_that_are_no_market_document_are_refused(body: bytes, part: str) -> None:
    assert part in refusal(body)


def test_short_periods_that_spread_into_millions_of_prices_are_refused_before_they_do() -> None:
    year = an_entsoe_series("2025-01-01T00:00Z", "2026-01-01T00:00Z", {1: 1.0})
    assert "spreads into more than 150000 prices" in refusal(an_entsoe_document(*[year] * 1000))


async def entsoe(server: Server, key: str | None = "s3cret") -> object:
    async with a_client() as client:
        return await HttpPrices(client, server.base_url, "entsoe", key).prices("DE-LU", DAY, BERLIN)


async def test_a_day_is_asked_for_by_eic_code_and_utc_hours(server: Server) -> None:
    server.body = an_entsoe_document(an_entsoe_series(START, END, WHOLE))
    await entsoe(server)
    assert server.path == "/api"
    assert server.query == {
        "securityToken": "s3cret",
        "documentType": "A44",
        "in_Domain": "10Y1001A1001A82H",
        "out_Domain": "10Y1001A1001A82H",
        "periodStart": "202603022300",
        "periodEnd": "202603032300",
        "contract_MarketAgreement.type": "A01",
    }


@pytest.mark.parametrize("status", [200, 400])
async def test_an_acknowledgement_of_no_data_means_not_published_yet_whatever_its_status(
    server: Server, status: int
) -> None:
    server.status, server.body = status, an_acknowledgement("999", "No matching data found for Data item A44")
    with pytest.raises(NotYetPublished, match="No matching data found"):
        await entsoe(server)


@pytest.mark.parametrize("status", [200, 400])
async def test_any_other_acknowledgement_is_a_refused_question(server: Server, status: int) -> None:
    server.status, server.body = status, an_acknowledgement("999", "check you request against dependency tables")
    with pytest.raises(SourceUnavailable, match=r"refused the question .*dependency tables"):
        await entsoe(server)


async def test_the_token_is_asked_for_and_never_shown(server: Server) -> None:
    with pytest.raises(SourceUnavailable, match="ENTSO-E needs a token"):
        await entsoe(server, None)
    for status, body in ((200, b"<x"), (401, b""), (429, b""), (500, b""), (204, b"")):
        server.status, server.body = status, body
        with pytest.raises((BadDocument, NotYetPublished, SourceUnavailable)) as failure:
            await entsoe(server)
        assert "s3cret" not in str(failure.value)
        assert "securityToken=..." in str(failure.value)
