"""Intraday prices over the auction's: what was said last counts for who buys at the market, and for nobody else."""

from domain.homes.settlement import Benefit, Settlement
from domain.planning.intraday import MOVE_EUR, LaterPrices, Market, earned_by_moving, overlaid
from domain.planning.renewal import may_wait, what_changed
from domain.planning.tariff import WHOLESALE, home_prices
from domain.slots import SLOT
from market.tariff_files import tariffs_in
from tests.builders import MIDNIGHT, at
from tests.ledger.builders import prices


def later(start_h: int, *said: float | None) -> LaterPrices:
    return LaterPrices(
        price_area="DE-LU", market=Market.INTRADAY, source="test", start=at(start_h), price_eur_per_mwh=said
    )


def test_the_newest_series_counts_slot_by_slot_and_a_hole_in_it_leaves_what_was_known() -> None:
    once = overlaid(prices(), (), later(10, 200.0, 201.0, 202.0))
    twice = overlaid(prices(), once.later_eur_per_mwh, later(10, 300.0, None))
    assert twice.newest_eur_per_mwh[40:43] == (300.0, 201.0, 202.0)
    assert twice.newest_eur_per_mwh[43:] == prices().price_eur_per_mwh[43:]
    assert twice.price_eur_per_mwh == prices().price_eur_per_mwh
    assert twice.cut(at(10), 2).newest_eur_per_mwh == (300.0, 201.0)
    assert overlaid(prices(), (), later(30, 9.0)).newest_eur_per_mwh == prices().price_eur_per_mwh


def test_a_household_pays_the_auction_and_its_supplier_what_the_market_said_last() -> None:
    series = overlaid(prices(), (), later(10, *([500.0] * 4)))
    tariff = tariffs_in()("de-module-3")
    assert home_prices(series, tariff) == home_prices(prices(), tariff)
    supplier = home_prices(series, tariff, Settlement.QUARTER, Benefit.SUPPLIER)
    assert supplier.price_eur_per_mwh[40] == 500.0
    assert home_prices(series, WHOLESALE).price_eur_per_mwh[40] == 500.0
    profile = home_prices(series, WHOLESALE, Settlement.PROFILE)
    assert profile == home_prices(prices(), WHOLESALE, Settlement.PROFILE), "nobody's meter shows it"


def test_a_change_of_all_prices_alike_is_worth_no_plan_and_one_of_some_is() -> None:
    level = overlaid(prices(), (), later(0, *(price + 40 for price in prices().price_eur_per_mwh)))
    assert earned_by_moving(prices(), level, MIDNIGHT, 96) < 1e-9
    assert what_changed(prices(), level, MIDNIGHT, at(24)) is None
    spike = overlaid(prices(), (), later(18, *([400.0] * 4)))
    assert earned_by_moving(prices(), spike, MIDNIGHT, 96) > MOVE_EUR
    assert what_changed(prices(), spike, MIDNIGHT, at(24)) is not None
    assert what_changed(prices(), spike, at(19), at(24)) is None, "what is over moves nobody"
    assert what_changed(spike, spike, MIDNIGHT, at(24)) is None
    assert not may_wait(prices(), spike)
    assert may_wait(spike, overlaid(prices(), spike.later_eur_per_mwh, later(20, 1.0)))


def test_where_a_series_ends_is_the_end_of_its_last_slot() -> None:
    assert later(10, 1.0, None).end == at(10) + 2 * SLOT
