"""A home's panels as people set them, and the price of its surplus as they are told it."""

from zoneinfo import ZoneInfo

import pytest

from application.access import Access
from application.audit_log import Actor
from application.fleet.homes import set_panels
from application.planning.tariffs import explain_tariff
from domain.homes.panels import Panels
from market.tariff_files import tariffs_in
from tests.builders import MIDNIGHT, at
from tests.ledger.builders import enrol_pumps, prices, weather

pytestmark = pytest.mark.servers

BY = Actor("household-1", "a new roof")
PANELS = Panels(kwp=9.8, feed_in_eur_per_mwh=60.0, house_kw=0.3)


async def test_panels_that_are_set_are_explained_with_the_surplus_and_its_source_until_they_are_removed(
    access: Access,
) -> None:
    ledger = access.ledger
    await enrol_pumps(ledger.engine, "p-0001")
    await ledger.series.store_prices(prices(start=at(-1)), at(1))
    sunny = weather(start=MIDNIGHT).model_copy(update={"radiation_w_per_m2": (200.0,) * 96})
    await ledger.series.store_weather(sunny, at(1))
    asked = (access, "p-0001", at(11), tariffs_in(), lambda _: ZoneInfo("Europe/Berlin"))
    assert (await explain_tariff(*asked))[0].surplus is None
    assert await set_panels(access, "p-0001", PANELS, BY) == ["p-0001"]
    assert (await ledger.pumps.profile("p-0001")).enrolment.panels == PANELS
    (told,) = await explain_tariff(*asked)
    assert told.surplus is not None
    assert told.surplus.kw > 1.0
    assert told.surplus.eur_per_mwh == 60.0
    assert told.surplus.source == f"own roof, by the forecast of {sunny.source} for {sunny.cell}"
    await set_panels(access, "p-0001", None, BY)
    assert (await explain_tariff(*asked))[0].surplus is None
