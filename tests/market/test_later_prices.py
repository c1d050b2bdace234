"""Intraday and imbalance prices from a file and over HTTP: some hours are enough, and what is wrong is named."""

import contextlib
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.planning.intraday import Market
from market.areas import area_of
from market.errors import BadDocument, NotYetPublished
from market.later_prices import HttpLaterPrices, judge_later, load_later_file
from market.rows import PriceDocument, PriceRow
from tests.builders import at

HEAD = "start_utc,price_eur_mwh\n"
SOME = HEAD + "2026-01-15T10:00Z,120.5\n2026-01-15T10:15Z,\n2026-01-15T10:30Z,-30\n"


QUARTERS = st.sampled_from([900 * n for n in range(1_964_500, 1_964_520)])


def a_file(folder: Path, text: str) -> Path:
    file = folder / "intraday.csv"
    file.write_text(text)
    return file


def test_a_file_of_three_quarters_is_a_series_and_a_hole_stays_one(tmp_path: Path) -> None:
    found = load_later_file(a_file(tmp_path, SOME), "DE-LU", Market.IMBALANCE)
    assert (found.start, found.market, found.price_area) == (at(10), Market.IMBALANCE, "DE-LU")
    assert found.price_eur_per_mwh == (120.5, None, -30.0)
    assert found.source == "csv-table file intraday.csv"


def test_hours_are_spread_over_their_quarters(tmp_path: Path) -> None:
    hours = HEAD + "2026-01-15T10:00Z,50\n2026-01-15T11:00Z,60\n"
    assert (
        load_later_file(a_file(tmp_path, hours), "NL", Market.INTRADAY).price_eur_per_mwh == (50.0,) * 4 + (60.0,) * 4
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD, "has no rows"),
        (HEAD + "2026-01-15T10:00Z,\n", "has no price at all"),
        (HEAD + "2026-01-15T10:07Z,5\n", "not the edge of a quarter-hour"),
        (HEAD + "2026-01-15T10:00Z,99999\n", "99999"),
        (HEAD + "2026-01-15T10:00Z,5\n2026-01-25T10:00Z,5\n", "minutes"),
    ],
)
def test_what_can_be_no_series_is_refused_with_the_reason(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadDocument, match=said):
        load_later_file(a_file(tmp_path, text), "DE-LU", Market.INTRADAY)


async def test_a_service_is_asked_for_the_area_and_silence_is_no_fault() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(204) if "FR" in request.url.path else httpx.Response(200, text=SOME)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        source = HttpLaterPrices(http, "http://intraday.invalid/{price_area}.csv")
        assert (await source.newest("DE-LU")).price_eur_per_mwh == (120.5, None, -30.0)
        with pytest.raises(NotYetPublished, match="no intraday prices of FR yet"):
            await source.newest("FR")
    assert asked == ["/DE-LU.csv", "/FR.csv"]


@given(
    starts=st.lists(st.integers(1_768_000_000, 1_768_400_000) | QUARTERS, max_size=8),
    price=st.none() | st.floats() | st.text(max_size=3) | st.booleans(),
    step_s=st.sampled_from([None, 900, 3600, 0, -900, 60]),
)
def test_whatever_rows_come_there_is_a_series_or_one_sentence(
    starts: list[int], price: object, step_s: int | None
) -> None:
    rows = tuple(PriceRow(start, price if n % 2 else 5.0, step_s) for n, start in enumerate(starts))
    with contextlib.suppress(BadDocument):
        found = judge_later(PriceDocument("here", "test", rows), area_of("DE-LU"), Market.INTRADAY, "test")
        assert any(known is not None for known in found.price_eur_per_mwh)
