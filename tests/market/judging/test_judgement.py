"""What only a day's shape, its neighbour or another source can show: zeros, stuck values, doubled hours, slips, copies.

Protects: a fleet is not planned into a source's fault; and no real day, however odd, is mistaken for one.
"""

import csv
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from domain.planning.series import WholesalePrices
from market.errors import BadDocument
from market.judging.prices import judge_day
from market.rows import PriceDocument, PriceRow
from tests.market.builders import BERLIN, DAY, MIDNIGHT, a_wavy_day, verdict

HOURLY_DAY = date(2025, 3, 4)


def document(prices: list[float], start: datetime = MIDNIGHT, step_s: int = 900) -> PriceDocument:
    first_s = int(start.timestamp())
    return PriceDocument("x", "test", tuple(PriceRow(first_s + n * step_s, price) for n, price in enumerate(prices)))


def judged(prices: list[float], yesterday: list[float] | None = None) -> WholesalePrices:
    before = None if yesterday is None else series(yesterday, MIDNIGHT - timedelta(days=1))
    return judge_day(document(prices), "DE-LU", DAY, BERLIN, yesterday=before)


def series(prices: list[float], start: datetime = MIDNIGHT) -> WholesalePrices:
    return WholesalePrices(
        price_area="DE-LU", source="test", resolution_min=15, start=start, price_eur_per_mwh=tuple(prices)
    )


def refusal(prices: list[float], yesterday: list[float] | None = None) -> str:
    return verdict(lambda: judged(prices, yesterday))


def with_run(price: float, first: int, rows: int) -> list[float]:
    day = a_wavy_day()
    day[first : first + rows] = [price] * rows
    return day


@pytest.mark.parametrize(("first", "rows"), [(0, 8), (0, 4), (88, 8), (40, 6)])
def test_zeros_beside_a_jump_are_missing_prices_and_refused(first: int, rows: int) -> None:
    assert f"has 0.00 in {rows} rows from 2026-03-03" in refusal(with_run(0.0, first, rows))


def test_zeros_that_the_market_glides_into_pass() -> None:
    day = with_run(0.0, 40, 8)
    day[39], day[48] = 0.09, 1.2
    assert judged(day).price_eur_per_mwh[44] == 0.0


@pytest.mark.parametrize("level", [0.0, 20.0, -5.0])
def test_a_day_of_steps_says_nothing_about_zeros_or_stuck_values(level: float) -> None:
    steps = [level] * 32 + [80.0] * 32 + [30.0] * 32
    assert judged(steps).price_eur_per_mwh == tuple(steps)


def test_a_value_that_stays_for_hours_in_a_day_that_varies_is_refused() -> None:
    assert "has 77.3 in 24 rows from 2026-03-03 12:00 (2026-03-03 11:00 UTC) on, 6 hours of one price" in refusal(
        with_run(77.3, 48, 24)
    )


def test_a_price_just_below_zero_may_stay_for_hours() -> None:
    assert judged(with_run(-0.01, 44, 24)).price_eur_per_mwh[50] == -0.01


def test_an_hour_that_stands_there_twice_is_refused() -> None:
    day = a_wavy_day()
    day[12:16] = day[8:12]
    assert "the hour of 2026-03-03 02:00 (2026-03-03 01:00 UTC) again in the hour of 2026-03-03 03:00" in refusal(day)


@pytest.mark.parametrize("factor", [1000, 100, 10, 0.1, 0.01, 0.001])
def test_a_slip_is_seen_beside_the_day_before_also_where_digits_hide_it(factor: float) -> None:
    before, day = a_wavy_day(), a_wavy_day(seed=1)
    slipped = [round(price * factor, 2) + 0.01 * (row % 3) for row, price in enumerate(day)]
    sentence = refusal(slipped, before)
    assert "factor" in sentence or "market's limits" in sentence or "per kWh" in sentence


def test_a_dear_day_after_a_cheap_one_is_no_slip() -> None:
    cheap, dear = a_wavy_day(level=5.0), a_wavy_day(level=200.0, seed=2)
    assert judged(dear, cheap)
    assert judged(cheap, dear)


def test_prices_a_tenth_or_tenfold_are_seen_by_their_digits_alone() -> None:
    assert "finer than a cent, which looks like" in refusal([price / 10 + 30 for price in a_wavy_day()])
    assert "none has a cent, which looks like a slip by 10;" in refusal([price * 10 for price in a_wavy_day()])


def test_yesterdays_prices_sent_as_todays_are_refused_also_with_a_few_changed() -> None:
    day = a_wavy_day()
    assert "repeats the day before in 96 of 96 slots" in refusal(day, day)
    changed = [price + 1 if row < 5 else price for row, price in enumerate(day)]
    assert "repeats the day before in 91 of 96 slots" in refusal(changed, day)


def test_two_flat_days_are_no_copy() -> None:
    assert judged([3.78] * 96, [3.78] * 96)


def test_every_fourth_quarter_is_not_taken_for_an_hourly_day() -> None:
    body = document(a_wavy_day()[::4], step_s=3600)
    sentence = verdict(lambda: judge_day(body, "DE-LU", DAY, BERLIN))
    assert "has prices for whole hours, 24 of them from 2026-03-03 00:00 (2026-03-02 23:00 UTC) on" in sentence
    assert "DE-LU is published in quarter-hours since 2025-10-01: quarters may be missing" in sentence


def test_hours_pass_where_hours_are_published() -> None:
    start = datetime(2025, 3, 3, 23, tzinfo=UTC)
    assert judge_day(document(a_wavy_day(24), start, 3600), "DE-LU", HOURLY_DAY, BERLIN).resolution_min == 60
    assert judge_day(document(a_wavy_day(24), step_s=3600), "CH", DAY, BERLIN).resolution_min == 60


@pytest.fixture(scope="module")
def real_days(real_data: Path) -> dict[date, WholesalePrices]:
    """Every whole day of both published series."""
    folder = real_data / "prices"
    days: dict[date, list[tuple[datetime, float]]] = {}
    steps: dict[date, int] = {}
    for path in sorted(folder.glob("de_lu_day_ahead_*.csv")):
        step_s = 900 if "15min" in path.name else 3600
        with path.open(newline="") as lines:
            for row in csv.DictReader(lines):
                start = datetime.fromisoformat(row["start_utc"]).astimezone(UTC)
                day = start.astimezone(BERLIN).date()
                days.setdefault(day, []).append((start, float(row["price_eur_mwh"])))
                steps[day] = step_s
    return {
        day: WholesalePrices(
            price_area="DE-LU",
            source="csv",
            resolution_min=steps[day] // 60,
            start=rows[0][0],
            price_eur_per_mwh=tuple(price for _, price in rows for _ in range(steps[day] // 900)),
        )
        for day, rows in sorted(days.items())[1:]
    }


def rejudged(found: WholesalePrices, day: date, yesterday: WholesalePrices | None) -> WholesalePrices:
    step_s = found.resolution_min * 60
    prices = list(found.price_eur_per_mwh[:: step_s // 900])
    return judge_day(document(prices, found.start, step_s), "DE-LU", day, BERLIN, yesterday=yesterday)


def test_no_real_day_is_taken_for_a_fault_beside_the_day_before(real_days: dict[date, WholesalePrices]) -> None:
    days = real_days
    refused = []
    for day, found in days.items():
        try:
            again = rejudged(found, day, days.get(day - timedelta(days=1)))
        except BadDocument as error:
            refused.append(str(error))
            continue
        assert again.price_eur_per_mwh == found.price_eur_per_mwh
    assert refused == []
    assert len(days) > 1500


def _tenth(prices: list[float]) -> list[float]:
    return [round(price / 10, 2) for price in prices]


def _hundredth(prices: list[float]) -> list[float]:
    return [round(price / 100, 2) for price in prices]


def _tenfold(prices: list[float]) -> list[float]:
    return [round(price * 10, 1) for price in prices]


def _eight_zeros(prices: list[float]) -> list[float]:
    return [0.0] * 8 + prices[8:]


@pytest.mark.parametrize(
    ("spoil", "least_pct"),
    [(_tenth, 60), (_hundredth, 60), (_tenfold, 60), (_eight_zeros, 90)],
)
def test_most_spoilt_copies_of_real_days_are_refused(
    real_days: dict[date, WholesalePrices], spoil: Callable[[list[float]], list[float]], least_pct: int
) -> None:
    days = {day: found for day, found in real_days.items() if found.resolution_min == 15}
    refused = 0
    for day, found in days.items():
        try:
            spoilt = document(spoil(list(found.price_eur_per_mwh)), found.start)
            judge_day(spoilt, "DE-LU", day, BERLIN, yesterday=days.get(day - timedelta(days=1)))
        except BadDocument:
            refused += 1
    assert 100 * refused / len(days) >= least_pct, f"{refused} of {len(days)}"
