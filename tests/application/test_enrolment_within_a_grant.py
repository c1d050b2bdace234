"""A sheet that the vendor's calls cannot carry is refused before anything is changed, with the number that they can."""

from datetime import datetime
from typing import Any

import pytest
from pydantic import SecretStr

from application.access import Access
from application.audit_log import Actor
from application.fleet.bulk_enrolment import BulkResult, Request, enrol_sheet
from application.fleet.sheet import Row, Sheet
from domain.oem.errors import Offline
from domain.oem.quota import QuotaScope
from domain.oem.units import Capability, PumpAddress
from oem_adapters.daikin import MANIFEST
from tests.builders import a_profile
from workflows.contracts import patience_at

pytestmark = pytest.mark.servers

HOMES = 20
BY = Actor("onboarding", "twenty households")


class Nobody:
    """A cloud in which every unit is offline just now."""

    async def capability(self, pump: PumpAddress, now: datetime) -> Capability:
        raise Offline(f"pump {pump.pump_id} is not connected")


async def tried(access: Access, scope: QuotaScope) -> BulkResult:
    """A dry run of twenty homes, each with an account of its own, at a vendor that counts calls so."""
    vault, rows = access.ledger.vault, []
    manifest = MANIFEST.counted_per(scope).at("http://127.0.0.1:1")
    for number in range(1, HOMES + 1):
        account_id = f"{scope.value}-home-{number:02d}"
        await vault.add_account(manifest.account(account_id, scope.value, SecretStr("s3cr3t")))
        unit = {"account_id": account_id, "pump_id": f"{scope.value}-{number:02d}", "vendor_ref": account_id}
        enrolment = a_profile().enrolment.model_copy(update=unit | {"oem": MANIFEST.oem})
        rows.append(Row(number + 1, enrolment))
    nobody: Any = Nobody()
    request = Request(dry_run=True)
    return await enrol_sheet(access, Sheet(rows, ()), lambda _: nobody, patience_at(1), BY, request)


async def test_twenty_homes_on_a_quota_of_the_application_are_refused_with_the_number_it_carries(
    access: Access,
) -> None:
    refused = await tried(access, QuotaScope.CLIENT)
    assert [fault.line for fault in refused.faults] == list(range(5, HOMES + 2)), "200 calls a day carry three homes"
    assert {fault.column for fault in refused.faults} == {"account_id"}
    assert "carries 3 pumps for all accounts of daikin" in refused.faults[0].problem
    assert (refused.enrolled, refused.refusals) == ((), ()), "nothing was asked, and nothing changed"


async def test_twenty_homes_on_a_quota_of_each_household_are_within_it(access: Access) -> None:
    asked = await tried(access, QuotaScope.ACCOUNT)
    assert asked.faults == []
    assert len(asked.refusals) == HOMES, "each was asked, and is offline now"
