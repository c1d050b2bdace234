"""From the wholesale price to what a home pays, part by part."""

from datetime import UTC, date, datetime, time

import pytest
from pydantic import ValidationError

from domain.homes.settlement import Benefit, Settlement, earns_by_moving
from domain.planning.series import HomePrices, WholesalePrices
from domain.planning.tariff import (
    SPOT,
    WHOLESALE,
    Exchange,
    PartKind,
    Tariff,
    TariffPart,
    Window,
    home_prices,
    price_parts,
)
from tests.builders import MIDNIGHT, at

SERIES = WholesalePrices(
    price_area="DE-LU", source="as the test says", resolution_min=15, start=MIDNIGHT, price_eur_per_mwh=(80.0, -5.0)
)


def a_part(kind: PartKind = PartKind.SPOT, **given: object) -> TariffPart:
    return TariffPart.model_validate(
        {"kind": kind, "name": kind.value, "source": "as the test says", "begins": date(2026, 1, 1)} | given
    )


def a_tariff(*parts: TariffPart, **given: object) -> Tariff:
    return Tariff.model_validate({"name": "t", "title": "a tariff", "tz": "Europe/Berlin", "parts": parts} | given)


def local(text: str) -> datetime:
    """A moment by its local time and offset."""
    return datetime.fromisoformat(text).astimezone(UTC)


def test_a_home_on_spot_pays_the_wholesale_price_and_the_types_stay_apart() -> None:
    paid = home_prices(SERIES, WHOLESALE)
    assert paid == HomePrices(tariff=SPOT, source=SERIES.source, start=MIDNIGHT, price_eur_per_mwh=(80.0, -5.0))
    assert not isinstance(paid, WholesalePrices)


def test_vat_is_charged_on_each_part_at_its_rate_and_keeps_the_sign_of_a_negative_price() -> None:
    tariff = a_tariff(
        a_part(vat_pct=20.0),
        a_part(PartKind.GRID, hundredths_per_kwh=3.0, vat_pct=20.0),
        a_part(PartKind.TAX, hundredths_per_kwh=2.0),
    )
    by_kind = {part.kind: part.eur_per_mwh for part in price_parts(tariff, MIDNIGHT, -100.0)}
    assert by_kind == {PartKind.SPOT: -100.0, PartKind.GRID: 30.0, PartKind.TAX: 20.0, PartKind.VAT: -14.0}
    assert home_prices(SERIES, tariff).price_eur_per_mwh == pytest.approx((80 * 1.2 + 36 + 20, -5 * 1.2 + 36 + 20))


@pytest.mark.parametrize(
    ("when", "paid"),
    [
        ("2026-01-15T17:00+01:00", 90.0),
        ("2026-01-15T16:45+01:00", 50.0),
        ("2026-01-15T19:00+01:00", 50.0),
        ("2026-01-17T17:30+01:00", 50.0),
        ("2026-07-15T17:30+02:00", 50.0),
        ("2026-01-15T23:30+01:00", 10.0),
        ("2026-01-16T05:45+01:00", 10.0),
        ("2026-01-16T06:00+01:00", 50.0),
        ("2026-10-25T02:30+02:00", 10.0),
        ("2026-10-25T02:30+01:00", 10.0),
    ],
)
def test_a_grid_fee_by_time_of_use_follows_local_clocks_weekdays_and_months(when: str, paid: float) -> None:
    high = Window(months=(1, 12), weekdays=(1, 2, 3, 4, 5), start=time(17), end=time(19), hundredths_per_kwh=9.0)
    night = Window(start=time(22), end=time(6), hundredths_per_kwh=1.0)
    tariff = a_tariff(a_part(PartKind.GRID, hundredths_per_kwh=5.0, windows=(high, night)))
    assert sum(part.eur_per_mwh for part in price_parts(tariff, local(when), 80.0)) == paid


def test_the_hours_past_midnight_belong_to_the_weekday_on_which_a_window_began() -> None:
    friday_night = Window(weekdays=(5,), start=time(22), end=time(6), hundredths_per_kwh=1.0)
    assert friday_night.holds(datetime(2026, 1, 17, 3, tzinfo=UTC))
    assert not friday_night.holds(datetime(2026, 1, 16, 3, tzinfo=UTC))


def test_a_window_to_midnight_ends_with_its_day() -> None:
    evening = Window(start=time(21), hundredths_per_kwh=1.0)
    assert evening.holds(datetime(2026, 1, 16, 23, 45, tzinfo=UTC))
    assert not evening.holds(datetime(2026, 1, 17, 0, 0, tzinfo=UTC))


def test_a_tax_changes_on_its_date_at_local_midnight() -> None:
    tariff = a_tariff(
        a_part(PartKind.TAX, hundredths_per_kwh=7.0, ends=date(2026, 3, 1)),
        a_part(PartKind.TAX, hundredths_per_kwh=1.0, begins=date(2026, 3, 1)),
    )
    before, after = local("2026-02-28T23:45+01:00"), local("2026-03-01T00:00+01:00")
    assert [part.eur_per_mwh for part in price_parts(tariff, before, 80.0)] == [70.0]
    assert [part.eur_per_mwh for part in price_parts(tariff, after, 80.0)] == [10.0]


def test_two_power_charges_never_hold_in_one_month() -> None:
    winter = {"name": "w", "source": "s", "begins": date(2026, 1, 1), "peaks": 3, "different_days": True}
    winter |= {"per_kw_month": 90.0, "times": {"months": (1, 2, 12)}}
    summer = winter | {"per_kw_month": 45.0, "times": {"months": (6, 7)}}
    tariff = a_tariff(a_part(), power=(winter, summer))
    held = [tariff.power_charge(date(2026, month, 9)) for month in (1, 4, 7)]
    assert [charge and charge.per_kw_month for charge in held] == [90.0, None, 45.0]
    with pytest.raises(ValidationError, match="two power charges hold at once"):
        a_tariff(a_part(), power=(winter, winter | {"begins": date(2027, 1, 1)}))


def test_a_day_of_which_a_tariff_says_nothing_is_named() -> None:
    with pytest.raises(LookupError, match="tariff t has no prices for 2025-06-01"):
        price_parts(a_tariff(a_part()), datetime(2025, 6, 1, 12, tzinfo=UTC), 80.0)


def test_support_pays_back_its_share_of_what_is_above_the_threshold_and_nothing_below() -> None:
    tariff = a_tariff(a_part(), a_part(PartKind.SUPPORT, share=0.9, above_hundredths_per_kwh=7.5))
    assert home_prices(SERIES, tariff).price_eur_per_mwh == pytest.approx((80 - 0.9 * 5, -5.0))


def test_fees_in_another_currency_are_counted_at_the_rate_of_their_day() -> None:
    rates = (
        Exchange(begins=date(2026, 1, 1), per_eur=10.0, source="a bank"),
        Exchange(begins=date(2026, 2, 1), per_eur=12.5, source="a bank"),
    )
    tariff = a_tariff(a_part(PartKind.TAX, hundredths_per_kwh=50.0), currency="SEK", exchange=rates)
    assert [part.eur_per_mwh for part in price_parts(tariff, at(12), 80.0)] == [50.0]
    assert [part.eur_per_mwh for part in price_parts(tariff, at(24 * 40), 80.0)] == [40.0]
    with pytest.raises(ValidationError, match="a tariff in SEK needs an exchange rate"):
        a_tariff(a_part(), currency="SEK")


def test_a_tariff_is_not_used_where_it_is_not_offered() -> None:
    with pytest.raises(LookupError, match="tariff t is offered in SE3, not in DE-LU"):
        home_prices(SERIES, a_tariff(a_part(), price_areas=("SE3",)))


def test_who_is_settled_by_the_hour_pays_the_hours_mean_in_each_of_its_quarters_and_by_a_profile_the_mean() -> None:
    prices = SERIES.model_copy(update={"start": at(0, 30), "price_eur_per_mwh": (10.0, 30.0, 1.0, 2.0, 3.0, 6.0, 9.0)})
    by_hour = home_prices(prices, WHOLESALE, Settlement.HOUR).price_eur_per_mwh
    assert by_hour == (20.0, 20.0, 3.0, 3.0, 3.0, 3.0, 9.0)
    assert set(home_prices(prices, WHOLESALE, Settlement.PROFILE).price_eur_per_mwh) == {61 / 7}


def test_a_supplier_saves_its_wholesale_cost_alone_and_nothing_where_a_profile_is_billed() -> None:
    tariff = a_tariff(a_part(vat_pct=19.0), a_part(PartKind.GRID, hundredths_per_kwh=5.0))
    assert home_prices(SERIES, tariff, Settlement.QUARTER, Benefit.SUPPLIER).price_eur_per_mwh == (80.0, -5.0)
    assert not earns_by_moving(Settlement.PROFILE, Benefit.SUPPLIER)
    assert earns_by_moving(Settlement.PROFILE, Benefit.HOUSEHOLD), "a grid fee by time of use needs no market"
    assert earns_by_moving(Settlement.HOUR, Benefit.SUPPLIER)
