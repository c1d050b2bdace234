"""Load curves before gate closure: intervals, errors, and the price scenarios they rest on."""

from datetime import UTC, date, datetime

import pytest

from domain.planning.estimate import days_like, prices_as_on, prices_at_level
from domain.planning.load_curve import LoadCurve, Scenario, load_error, weather_share
from domain.planning.series import Basis, WholesalePrices
from domain.slots import SLOT, bounds_of

BERLIN = "Europe/Berlin"
START = datetime(2026, 1, 14, 23, tzinfo=UTC)


def a_scenario(name: str, *load_kw: float) -> Scenario:
    return Scenario(name=name, price_version=1, revision=1, mean_price_eur_per_mwh=80.0, load_kw=load_kw)


def a_curve(base: Scenario, *days_like_it: Scenario, outdoor_c: float = 0.0) -> LoadCurve:
    slots = len(base.load_kw)
    return LoadCurve.of(
        (5.0,) * slots,
        (outdoor_c,) * slots,
        START,
        area="feeder-1",
        price_area="DE-LU",
        day=date(2026, 1, 15),
        made_at=START,
        pumps=3,
        basis=Basis.ESTIMATED,
        base=base,
        weather_versions=(1,),
        days_like_it=days_like_it,
    )


def prices_of(day: date) -> WholesalePrices:
    start, end = bounds_of(day, BERLIN)
    slots = (end - start) // SLOT
    return WholesalePrices(
        price_area="DE-LU",
        source="test",
        resolution_min=15,
        start=start,
        price_eur_per_mwh=tuple(50.0 + n for n in range(slots)),
    )


def test_an_interval_holds_every_scenario_and_the_weather() -> None:
    curve = a_curve(a_scenario("base", 4.0, 6.0), a_scenario("a day", 3.0, 7.0))
    share = weather_share(0.0)
    first, second = curve.slots
    assert (first.steered_kw, first.low_kw, first.high_kw) == pytest.approx(
        (4, 3 * (1 - share), 4 * (1 + share)), abs=1e-3
    )
    assert (second.low_kw, second.high_kw) == pytest.approx((6 * (1 - share), 7 * (1 + share)), abs=1e-3)
    assert (first.neutral_low_kw, first.neutral_high_kw) == pytest.approx((5 * (1 - share), 5 * (1 + share)), abs=1e-3)


def test_a_kelvin_matters_more_on_a_mild_day_and_never_more_than_all() -> None:
    shares = [weather_share(outdoor_c) for outdoor_c in (-15, 0, 10, 16, 30)]
    assert shares == sorted(shares)
    assert 0.05 < shares[0] < 0.1
    assert shares[-1] <= 1


def test_the_error_of_a_curve_is_against_what_came_in_the_slots_that_both_cover() -> None:
    curve = a_curve(a_scenario("base", 4.0, 6.0))
    error = load_error(7, curve, {START: 5.0, START + 5 * SLOT: 90.0})
    assert error is not None
    assert (error.version, error.slots, error.mean_kw, error.bias_kw, error.mean_abs_kw) == (7, 1, 5.0, -1.0, 1.0)
    assert error.within_interval_pct == 0
    assert load_error(7, curve, {}) is None


def test_a_day_s_prices_are_carried_to_another_day_by_the_clock_over_a_change_of_clocks() -> None:
    carried = prices_as_on(prices_of(date(2026, 3, 27)), date(2026, 3, 29), BERLIN)
    assert len(carried.price_eur_per_mwh) == 92
    assert carried.basis is Basis.ESTIMATED
    assert carried.price_eur_per_mwh[:8] == prices_of(date(2026, 3, 27)).price_eur_per_mwh[:8]
    assert carried.price_eur_per_mwh[-1] == prices_of(date(2026, 3, 27)).price_eur_per_mwh[-1]


def test_a_level_moves_the_mean_and_keeps_the_course() -> None:
    prices = prices_of(date(2026, 1, 14))
    moved = prices_at_level(prices, 20.0)
    assert sum(moved.price_eur_per_mwh) / 96 == pytest.approx(20, abs=0.01)
    assert moved.price_eur_per_mwh[5] - moved.price_eur_per_mwh[1] == pytest.approx(4)


def test_days_like_a_saturday_are_saturdays_and_the_newest_of_them() -> None:
    known = [prices_of(date(2026, 1, day)) for day in range(1, 24)]
    like = days_like(known, date(2026, 1, 24), BERLIN, most=2)
    assert [one.start for one in like] == [bounds_of(date(2026, 1, day), BERLIN)[0] for day in (10, 17)]
