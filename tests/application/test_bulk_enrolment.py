"""Enrolling a sheet: all of it is checked first, a grant is never overdrawn, and each unit that is no go is named."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr

from application.access import Access
from application.audit_log import Actor
from application.fleet.bulk_enrolment import BulkResult, Request, checks_of, enrol_sheet
from application.fleet.sheet import Sheet, read_sheet
from domain.homes.enrolment import PumpProfile
from domain.oem.errors import OemError, Offline, RateLimited, Rejected
from domain.oem.quota import Quota, QuotaScope
from domain.oem.readings import Condition, Reading
from domain.oem.timing import VendorTiming
from domain.oem.units import Capability, PumpAddress
from oem_adapters.registry import manifest_of
from tests.application.test_sheet import a_sheet
from tests.builders import a_profile
from workflows.contracts import Patience

pytestmark = pytest.mark.servers

BY = Actor("onboarding", "a new utility")
DRY = Request(dry_run=True)
TIMING = manifest_of("nibe").timing


class Units:
    """The units of an account, each with its condition or the error that its cloud answers with."""

    oem = "nibe"

    def __init__(self, special: Mapping[str, Condition | OemError] | None = None) -> None:
        self._special = special or {}
        self.asked: list[str] = []

    @property
    def timing(self) -> VendorTiming:
        return TIMING

    async def capability(self, pump: PumpAddress, now: datetime) -> Capability:
        self.asked.append(pump.pump_id)
        special = self._special.get(pump.pump_id)
        if isinstance(special, OemError):
            raise special
        profile: PumpProfile = a_profile()
        return Capability(model=profile.model, heating=profile.heating, has_room_sensor=True)

    async def read(self, pump: PumpAddress, lever: str, now: datetime, *, urgent: bool = False) -> Reading:
        special = self._special.get(pump.pump_id)
        condition = special if isinstance(special, Condition) else Condition.NORMAL
        return Reading(as_of=now, lever=lever, setting=0.0, condition=condition)

    async def observe(self, pump: PumpAddress, lever: str, now: datetime) -> Reading:
        return await self.read(pump, lever, now)

    async def connections(self, account_id: str, now: datetime) -> Mapping[str, bool]:
        return {}

    async def write(
        self, pump: PumpAddress, lever: str, setting: float, now: datetime, *, urgent: bool = False
    ) -> None:
        raise AssertionError("enrolment writes nothing to a unit")


async def an_account(access: Access, *quotas: Quota) -> None:
    account = manifest_of("nibe").at("http://127.0.0.1:1").account("nibe-main", "app", SecretStr("s"))
    await access.ledger.vault.add_account(account.model_copy(update={"quotas": quotas or account.quotas}))


async def a_checked_sheet(access: Access, *changed: dict[str, str]) -> Sheet:
    return read_sheet(a_sheet(*changed), await checks_of(access, lambda _: {}))


async def enrolled(access: Access, sheet: Sheet, units: Units, request: Request = DRY) -> BulkResult:
    return await enrol_sheet(access, sheet, lambda _: units, Patience(), BY, request)


async def test_a_sheet_with_a_bad_row_asks_no_unit_and_changes_nothing(access: Access) -> None:
    await an_account(access)
    units = Units()
    sheet = await a_checked_sheet(access, {}, {"account_id": "nobody"}, {"emitter": "stove"})
    found = await enrolled(access, sheet, units, Request())
    assert [(fault.line, fault.column) for fault in found.faults] == [(3, "account_id"), (4, "emitter")]
    assert (found.enrolled, units.asked) == ((), [])
    assert await access.ledger.reports.audit_trail() == []
    skipped = await enrolled(access, sheet, units, Request(dry_run=True, skip_faulty=True))
    assert (skipped.enrolled, len(skipped.faults)) == (["home-0001"], 2)
    assert await access.ledger.reports.pumps() == []


async def test_a_fleet_that_the_grant_cannot_carry_is_refused_with_the_number_that_it_can(access: Access) -> None:
    await an_account(access, Quota(calls=200, window=timedelta(days=1), scope=QuotaScope.CLIENT))
    found = await enrolled(access, await a_checked_sheet(access, *({} for _ in range(20))), Units())
    assert [fault.line for fault in found.faults] == list(range(5, 22))
    assert "carries 3 pumps for all accounts of nibe" in found.faults[0].problem
    assert found.enrolled == ()


async def test_every_unit_that_cannot_be_steered_is_named_with_the_reason(access: Access) -> None:
    await an_account(access)
    special: dict[str, Condition | OemError] = {
        "home-0002": Condition.EXTERNAL,
        "home-0003": Rejected("The account may only look.", is_read_only=True),
        "home-0004": Offline("It is not connected."),
        "home-0005": RateLimited("used up", access.now() + timedelta(hours=9)),
        "home-0006": Condition.AWAY,
    }
    own = {"own_setting": "99"}
    found = await enrolled(access, await a_checked_sheet(access, {}, {}, {}, {}, {}, {}, own), Units(special))
    assert found.enrolled == ["home-0001", "home-0006"]
    assert [refusal.line for refusal in found.refusals] == [3, 4, 5, 6, 8]
    reasons = [refusal.reason for refusal in found.refusals]
    for reason, said in zip(
        reasons,
        ("another controller", "right to steer", "not connected", "enrol again then", "own_setting"),
        strict=True,
    ):
        assert said in reason


async def test_a_unit_or_an_id_that_is_taken_already_is_named(access: Access) -> None:
    await an_account(access)
    sheet = await a_checked_sheet(access, {})
    await access.ledger.pumps.enrol(
        PumpProfile.of(
            sheet.rows[0].enrolment, await Units().capability(sheet.rows[0].enrolment.address, access.now())
        ),
        access.now(),
    )
    taken = await a_checked_sheet(access, {"pump_id": "home-0009"}, {"pump_id": "home-0001"})
    assert [(fault.line, fault.column) for fault in taken.faults] == [(2, "vendor_ref"), (3, "pump_id")]
    again = await enrolled(access, await a_checked_sheet(access, {}), Units())
    assert (again.enrolled, again.already) == ([], ["home-0001"])


async def test_a_unit_that_fails_its_trial_is_not_enrolled_and_has_its_own_setting_back(access: Access) -> None:
    class Deaf(Units):
        """Its cloud accepts everything, and its unit stays as it is."""

        def __init__(self) -> None:
            super().__init__()
            self.written: list[float] = []

        @property
        def timing(self) -> VendorTiming:
            short = {"usual_delay": timedelta(), "look_again": timedelta(), "longest_in_flight": timedelta()}
            return TIMING.model_copy(update=short)

        async def write(
            self, pump: PumpAddress, lever: str, setting: float, now: datetime, *, urgent: bool = False
        ) -> None:
            self.written.append(setting)

    await an_account(access)
    units, own = Deaf(), a_profile().heating.baseline
    found = await enrolled(access, await a_checked_sheet(access, {}), units, Request(trial=True))
    ((reason,), enrolled_) = [refusal.reason for refusal in found.refusals], await access.ledger.reports.pumps()
    assert "did not apply it" in reason
    assert (found.enrolled, enrolled_) == ([], [])
    assert units.written[0] > own, "a trial never leaves a home colder"
    assert units.written[-1] == own
