"""What a roof gives beyond what the house takes: by the sun's place, the weather and who shares it."""

from datetime import UTC, datetime, timedelta
from math import asin, degrees

import pytest

from domain.homes.panels import OwnSun, Panels, _sun, own_sun, roof_kw
from domain.slots import SLOT

BERLIN = (52.5, 13.4)
CELL = "52.5,13.4"
NOON = datetime(2026, 6, 21, 11, 8, tzinfo=UTC)
"""When the sun is highest over Berlin that day."""


def panels(**given: float) -> Panels:
    return Panels.model_validate({"kwp": 10.0, "feed_in_eur_per_mwh": 80.0, **given})


@pytest.mark.parametrize(
    ("at", "height_deg"),
    [
        (NOON, 90 - 52.5 + 23.44),
        (datetime(2026, 12, 21, 11, 4, tzinfo=UTC), 90 - 52.5 - 23.44),
        (datetime(2026, 3, 20, 5, 14, tzinfo=UTC), 0.0),
    ],
)
def test_the_sun_stands_where_an_almanac_has_it(at: datetime, height_deg: float) -> None:
    assert degrees(asin(_sun(panels(), *BERLIN, at)[0])) == pytest.approx(height_deg, abs=0.6)


def test_a_clear_noon_gives_most_of_the_peak_power_and_a_night_nothing() -> None:
    assert 7.0 < roof_kw(panels(), *BERLIN, NOON, 850.0) < 9.0
    assert roof_kw(panels(), *BERLIN, NOON - timedelta(hours=11), 0.0) == 0.0
    assert roof_kw(panels(), *BERLIN, NOON, 100.0) < 1.2, "under clouds the tilt helps nobody"


def test_a_roof_to_the_east_gives_its_power_in_the_morning_and_one_to_the_west_in_the_evening() -> None:
    early, late = NOON - timedelta(hours=5), NOON + timedelta(hours=5)
    east, west = panels(azimuth_deg=90.0), panels(azimuth_deg=270.0)
    assert roof_kw(east, *BERLIN, early, 400.0) > 1.5 * roof_kw(west, *BERLIN, early, 400.0)
    assert roof_kw(west, *BERLIN, late, 400.0) > 1.5 * roof_kw(east, *BERLIN, late, 400.0)


def test_a_low_winter_sun_gives_a_steep_roof_more_than_level_ground_gets() -> None:
    noon = datetime(2026, 1, 15, 11, 15, tzinfo=UTC)
    assert roof_kw(panels(tilt_deg=60.0), *BERLIN, noon, 220.0) > 1.8 * roof_kw(
        panels(tilt_deg=0.0), *BERLIN, noon, 220.0
    )


def test_the_house_takes_its_own_first_and_pumps_of_one_home_share_what_is_left() -> None:
    radiation = (0.0, 850.0)
    alone = own_sun(panels(), CELL, NOON - 1.5 * SLOT, radiation, 1)
    both = own_sun(panels(), CELL, NOON - 1.5 * SLOT, radiation, 2)
    needy = own_sun(panels(house_kw=3.0), CELL, NOON - 1.5 * SLOT, radiation, 1)
    assert alone.surplus_kw[0] == 0.0
    assert both.surplus_kw[1] == pytest.approx(alone.surplus_kw[1] / 2, abs=1e-3)
    assert alone.surplus_kw[1] - needy.surplus_kw[1] == pytest.approx(2.65, abs=1e-3)


def test_a_pump_pays_for_the_surplus_what_feeding_in_would_have_earned_and_for_the_rest_what_is_bought() -> None:
    sun = OwnSun(surplus_kw=(2.0, 0.0), feed_in_eur_per_mwh=80.0)
    assert sun.paid(0, 1.0, 300.0) == 80.0
    assert sun.paid(0, 4.0, 300.0) == 190.0
    assert sun.paid(1, 1.0, 300.0) == 300.0
    assert (sun.paid(0, 0.0, 300.0), sun.paid(1, 0.0, 300.0)) == (80.0, 300.0)
