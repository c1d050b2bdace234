"""A home's charge for peak power as people are told it, from what the ledger knows."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from application.access import Access
from application.planning.tariffs import explain_tariff
from domain.planning.house_load import MeterReadings
from domain.planning.power_charge import Peak
from domain.planning.tariff import Tariff
from market.tariff_files import tariffs_in
from tests.builders import MIDNIGHT, at
from tests.ledger.builders import enrol_pumps, prices
from tests.ledger.savings.test_savings import a_home_day

pytestmark = pytest.mark.servers


def gothenburg(_: str) -> Tariff:
    return tariffs_in()("se-goteborg-power").model_copy(update={"price_areas": ()})


async def test_the_months_peaks_and_the_plans_price_beyond_them_are_told_and_whether_they_are_metered(
    access: Access,
) -> None:
    await enrol_pumps(access.ledger.engine, "p-0001")
    await access.ledger.series.store_prices(prices(start=at(-1)), at(1))
    asked = (access, "p-0001", at(11), gothenburg, lambda _: ZoneInfo("Europe/Berlin"))
    (told,) = await explain_tariff(*asked)
    (terms,) = told.power
    assert (terms.so_far, terms.above_kw, terms.is_metered, terms.is_charged_slot) == ((), 0.0, False, True)
    assert terms.per_kw == pytest.approx(29 * 1.25)
    day, energy = a_home_day()
    for n, kw in enumerate((5.0, 4.0, 3.0, 2.0), start=1):
        peak = Peak(at=at(9) - timedelta(days=n), kw=kw)
        settled = {"day": date(2026, 1, 15) - timedelta(days=n), "peaks": (peak,), "is_house_metered": True}
        await access.ledger.savings.keep([(day.model_copy(update=settled), energy)], at(1))
    metered = MeterReadings(pump_id="p-0001", source="a test", start=MIDNIGHT, kwh=(0.5,) * 40, raw_sha256="a" * 64)
    await access.ledger.house_loads.store([metered], at(11))
    (told,) = await explain_tariff(*asked)
    (terms,) = told.power
    assert [peak.kw for peak in terms.so_far] == [5.0, 4.0, 3.0]
    assert (terms.above_kw, terms.is_metered) == (3.0, True)
    assert terms.plan_eur_per_kw == pytest.approx(29 * 1.25 / 3 / 11 * 5 / 31)
