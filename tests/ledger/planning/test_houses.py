"""Houses in the ledger: observations come summed up by slot, and every version of what was learned stays."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.homes.learned import Fitted, LearnedHouse, ObservedSlot, Source
from domain.oem.readings import Busy, Reading
from ledger.houses import LedgerHouses
from ledger.observations import LedgerObservations
from tests.builders import MIDNIGHT, OFFSET, at
from tests.ledger.builders import enrol_pumps

pytestmark = pytest.mark.servers


def a_reading(minute: float, room_c: float | None, power_w: float | None = None, busy: Busy | None = None) -> Reading:
    return Reading(as_of=at(0, minute), lever=OFFSET, setting=0.0, room_c=room_c, power_w=power_w, busy=busy)


async def test_observations_are_summed_up_by_slot_and_a_charging_tank_is_no_heating(engine: AsyncEngine) -> None:
    await LedgerObservations(engine).store(
        [
            ("p-0001", a_reading(1, 21.0, 1000)),
            ("p-0001", a_reading(9, 21.5, 2400, Busy.HOT_WATER)),
            ("p-0001", a_reading(20, None, 600)),
            ("p-0001", a_reading(31, None)),
            ("p-0001", a_reading(60, 22.0)),
            ("p-0002", a_reading(1, 19.0)),
        ],
        at(2),
    )
    found = await LedgerHouses(engine).observed(["p-0001"], MIDNIGHT, at(1))
    assert found == {
        "p-0001": [
            ObservedSlot(MIDNIGHT, 21.25, 500.0, on_water=True),
            ObservedSlot(at(0, 15), None, 600.0, on_water=False),
        ]
    }


async def test_the_newest_version_is_planned_with_and_the_others_stay(engine: AsyncEngine) -> None:
    await enrol_pumps(engine, "p-0001", "p-0002")
    houses = LedgerHouses(engine)
    factor = Fitted(value=0.7, low=0.5, high=0.9)
    first = LearnedHouse(pump_id="p-0001", learned_at=at(24), since=MIDNIGHT, room_days=7, power_days=0)
    second = first.model_copy(
        update={"learned_at": at(24) + timedelta(days=7), "rooms": Source.LEARNED, "capacity": factor}
    )
    assert await houses.keep([first]) == 1
    assert await houses.keep([second, first]) == 1
    assert await houses.keep([]) == 0
    assert await houses.newest(["p-0001", "p-0002"]) == {"p-0001": second}
    assert await houses.versions("p-0001") == [second, first]
