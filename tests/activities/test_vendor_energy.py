"""Energy as vendors count it: taken along with reads, for free where an answer carries it, else once a day."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from domain.oem.energy import EnergyCircuit, EnergyKind, EnergyReading
from domain.oem.errors import AuthExpired, OemError
from domain.oem.units import PumpAddress
from tests.activities.test_observation_sweep import FLEET, NOW, Sky, Sweeping
from tests.builders import MIDNIGHT, at

YESTERDAY = EnergyReading(
    kind=EnergyKind.TOTAL,
    start=MIDNIGHT - timedelta(days=1),
    end=MIDNIGHT,
    kwh={EnergyCircuit.HEATING: 9.0, EnergyCircuit.HOT_WATER: 2.5},
    step_kwh=0.1,
)


class Counting(Sky):
    """A vendor that counts, for so many calls a unit."""

    def __init__(self, calls: int, failing: Mapping[str, OemError] | None = None) -> None:
        super().__init__()
        self.energy_calls = calls
        self.refusing = dict(failing or {})
        self.asked_for_energy: list[str] = []

    async def energy(self, pump: PumpAddress, tz: ZoneInfo, now: datetime) -> Sequence[EnergyReading]:
        assert tz.key == "Europe/Berlin"
        assert pump.pump_id in self.asked, "it goes along with a read"
        self.asked_for_energy.append(pump.pump_id)
        if pump.pump_id in self.refusing:
            raise self.refusing[pump.pump_id]
        return [YESTERDAY]


async def test_what_an_answer_carries_is_taken_after_every_read_and_stored_once() -> None:
    sweep = Sweeping(Counting(calls=0))
    await sweep.a_pass()
    await sweep.next_pass()
    assert sorted(pump for pump, *_ in sweep.energy.reports) == list(FLEET)
    ((_, reported, received_at), *_) = sweep.energy.reports
    assert [total.kwh for total in reported.own_totals] == [11.5]
    assert received_at >= NOW


async def test_a_call_of_its_own_is_made_once_a_day_for_each_unit() -> None:
    sky = Counting(calls=1)
    sweep = Sweeping(sky)
    await sweep.a_pass()
    await sweep.next_pass()
    assert sorted(sky.asked_for_energy) == list(FLEET)


async def test_another_worker_does_not_ask_again_on_the_same_day() -> None:
    sky = Counting(calls=1)
    sweep = Sweeping(sky)
    sweep.energy.reported_at = {"p-0001": at(3), "p-0002": at(-20)}
    await sweep.a_pass()
    assert "p-0001" not in sky.asked_for_energy, "asked at four on its clock, and next at three tomorrow"
    assert "p-0002" in sky.asked_for_energy


async def test_a_refusal_costs_the_read_nothing_and_holds_the_account_back() -> None:
    sky = Counting(calls=1, failing={"p-0001": AuthExpired("401")})
    sweep = Sweeping(sky, fleet=FLEET[:2])
    sweep.book.grant = 60.0  # a read every two steered seconds
    await sweep.a_pass()
    assert "p-0001" in sweep.book.stored
    assert sky.asked_for_energy == ["p-0001"]
    assert "p-0002" not in sweep.book.stored, "its turn comes when a person renewed the consent"
    assert [account_id for account_id, _ in sweep.book.asks] == ["nibe-main"]
    assert sweep.energy.reports == []
