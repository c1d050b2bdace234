"""From the wholesale price to what a home pays."""

import pytest

from domain.planning.series import HomePrices, WholesalePrices
from domain.planning.tariff import SPOT, home_prices
from tests.builders import MIDNIGHT

WHOLESALE = WholesalePrices(
    price_area="DE-LU", source="as the test says", resolution_min=60, start=MIDNIGHT, price_eur_per_mwh=(80.0, -5.0)
)


def test_a_home_on_spot_pays_the_wholesale_price_and_the_types_stay_apart() -> None:
    paid = home_prices(WHOLESALE, SPOT)
    assert paid == HomePrices(tariff=SPOT, source=WHOLESALE.source, start=MIDNIGHT, price_eur_per_mwh=(80.0, -5.0))
    assert not isinstance(paid, WholesalePrices)


def test_an_unknown_tariff_is_named() -> None:
    with pytest.raises(LookupError, match="tariff 'flat' is not known; known are spot"):
        home_prices(WHOLESALE, "flat")
