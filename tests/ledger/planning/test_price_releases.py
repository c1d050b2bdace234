"""Price versions as use cases on a real ledger: listed, shown, compared, fetched, and released by a person."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import pytest_asyncio
from pydantic import SecretStr

from application.access import Access
from application.audit_log import Actor
from application.errors import ErrorCode, Failed, Refused
from application.planning.price_versions import compare_versions, fetch, list_versions, release, show_version
from domain.clock import SteeringClock
from domain.planning.series import Provenance, WholesalePrices
from domain.ports import DocumentRefused, NotPublished
from ledger.repositories import open_repositories
from tests.builders import MIDNIGHT, at
from tests.ledger.builders import a_key, prices

pytestmark = pytest.mark.servers

BY = Actor("operator-1", "the exchange confirms it")
SUSPECTED = prices(level=800.0).model_copy(update={"provenance": Provenance(verdicts=("Read from a page.",))})


@pytest_asyncio.fixture
async def access(database: str) -> AsyncIterator[Access]:
    """A ledger without a Temporal server: nothing here asks a workflow."""
    clock = SteeringClock(epoch=MIDNIGHT, start_wall=MIDNIGHT)
    async with open_repositories(SecretStr(database), [a_key()], 1) as ledger:
        yield Access(cast(Any, None), ledger, clock)


async def refusing() -> WholesalePrices:
    raise DocumentRefused("a page looks ten times too dear; compare it.", "a page", SUSPECTED)


async def silent() -> WholesalePrices:
    raise NotPublished("no prices yet; ask again later.")


async def answering() -> WholesalePrices:
    return prices()


async def test_a_suspected_day_is_held_back_until_a_person_believes_it(access: Access) -> None:
    version = await fetch(access, "DE-LU", answering, BY)
    with pytest.raises(Refused, match="ten times too dear"):
        await fetch(access, "DE-LU", refusing, BY)
    suspected, stored = await list_versions(access, "DE-LU", MIDNIGHT, at(24), 10)
    assert (stored.name, stored.basis, stored.verdicts) == (str(version), "published", ())
    assert (suspected.name[0], suspected.start, suspected.released_as) == ("q", MIDNIGHT, None)
    assert suspected.verdicts == ("a page looks ten times too dear; compare it.", "Read from a page.")
    assert await list_versions(access, "AT", None, None, 10) == []
    assert (await show_version(access, suspected.name)).series == SUSPECTED
    compared = await compare_versions(access, str(version), suspected.name)
    assert (compared.slots, len(compared.differences)) == (96, 96)
    assert compared.differences[0].second_eur_per_mwh == 800.0
    released = await release(access, suspected.name, BY)
    assert released > version
    believed = (await show_version(access, str(released))).series
    assert believed.price_eur_per_mwh == SUSPECTED.price_eur_per_mwh
    assert believed.provenance.verdicts[-1] == "Released by operator-1: the exchange confirms it"
    assert await access.ledger.series.newest_prices("DE-LU", MIDNIGHT, at(24)) == released
    assert await fetch(access, "DE-LU", refusing, BY) == released, "it is suspected once"
    acts = [row["act"] for row in await access.ledger.reports.audit_trail()]
    assert acts == ["fetch-prices", "fetch-prices", "fetch-prices:refused", "release-prices", "fetch-prices"]


async def test_what_holds_no_whole_day_cannot_be_released_and_is_listed_with_its_reason(access: Access) -> None:
    await access.ledger.series.quarantine("price", "a page", "a page is not JSON; give another.", at(1))
    await access.ledger.series.quarantine("weather", "a page", "a page is not JSON; give another.", at(1))
    (broken,) = await list_versions(access, None, None, None, 10)
    assert (broken.price_area, broken.verdicts) == (None, ("a page is not JSON; give another.",))
    with pytest.raises(Refused, match="holds no whole day: a page is not JSON"):
        await release(access, broken.name, BY)


@pytest.mark.parametrize("name", ["99", "q99", "q", "yesterday", "-1", "٣"])
async def test_a_version_that_is_not_there_is_named(access: Access, name: str) -> None:
    with pytest.raises(Refused, match=name):
        await show_version(access, name)
    with pytest.raises(Refused, match=name):
        await release(access, name, BY)


async def test_a_silent_market_is_no_wrong_input(access: Access) -> None:
    with pytest.raises(Failed, match="no prices yet") as failure:
        await fetch(access, "DE-LU", silent, BY)
    assert failure.value.code is ErrorCode.NOT_PUBLISHED


async def test_versions_of_two_areas_or_of_two_days_are_not_compared(access: Access) -> None:
    series = access.ledger.series
    here = await series.store_prices(prices(), at(1))
    there = await series.store_prices(prices().model_copy(update={"price_area": "AT"}), at(1))
    later = await series.store_prices(prices(start=at(24)), at(1))
    with pytest.raises(Refused, match="of DE-LU and 2 of AT"):
        await compare_versions(access, str(here), str(there))
    with pytest.raises(Refused, match="no slot in common"):
        await compare_versions(access, str(here), str(later))
