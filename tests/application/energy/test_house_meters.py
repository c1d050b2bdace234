"""Whole-house readings as they are taken over: all of a document or nothing, and once."""

import pytest

from application.access import Access
from application.audit_log import Actor
from application.errors import ErrorCode, Refused
from application.savings.house_meters import Taken, take_readings
from domain.planning.house_load import MeterReadings
from tests.builders import MIDNIGHT
from tests.ledger.builders import enrol_pumps

pytestmark = pytest.mark.servers

BY = Actor("operator", "the grid's readings came")


def readings_of(pump: str) -> MeterReadings:
    return MeterReadings(pump_id=pump, source="a test", start=MIDNIGHT, kwh=(0.5,) * 4, raw_sha256="a" * 64)


async def test_one_house_that_is_not_enrolled_refuses_the_whole_document_and_is_named(access: Access) -> None:
    await enrol_pumps(access.ledger.engine, "p-0001")
    with pytest.raises(Refused, match="p-9999 is not enrolled") as refused:
        await take_readings(access, [readings_of("p-0001"), readings_of("p-9999")], BY)
    assert refused.value.code is ErrorCode.UNKNOWN_SCOPE
    kept = await take_readings(access, [readings_of("p-0001")], BY)
    assert kept == Taken(houses=1, slots=4, new=1), "nothing of the refused document was stored"


async def test_the_same_document_twice_changes_nothing(access: Access) -> None:
    await enrol_pumps(access.ledger.engine, "p-0001")
    first = await take_readings(access, [readings_of("p-0001")], BY)
    again = await take_readings(access, [readings_of("p-0001")], BY)
    assert (first.new, again.new) == (1, 0)
