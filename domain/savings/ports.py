"""Ports of settlement: what it needs of the ledger and of a model of houses.

Protects: what was settled before is replaced, never doubled, however often a day is settled.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from domain.base import Value
from domain.homes.enrolment import PumpProfile
from domain.homes.learned import LearnedHouse
from domain.modes import Mode
from domain.savings.claim import Claim
from domain.savings.energy import EnergyCourse, Reported
from domain.savings.experiment import Experiment
from domain.savings.home_day import HomeDay


class DayEvidence(Value):
    """What the ledger knows of one pump's day."""

    reported: Reported = Reported()
    rooms: tuple[tuple[datetime, float], ...] = ()
    """Room temperatures by their own timestamps, oldest first."""
    modes: tuple[tuple[datetime, Mode], ...] = ()
    """Targets of its heating from their decision on, oldest first, the one in force at the start included."""
    outdoor: tuple[tuple[datetime, float], ...] = ()
    """Outdoor temperatures as the unit shows them."""
    is_ours: bool = True
    """Whether nothing but plan and own control held its heating on these slots."""


class ExperimentLog(Protocol):
    """Which experiments there are."""

    async def experiment_on(self, day: date) -> Experiment | None:
        """The experiment that runs on a local day; None for none."""
        ...


class SettlementStore(ExperimentLog, Protocol):
    """The ledger's books on savings; every write of it is idempotent."""

    async def evidence(self, pump_ids: Sequence[str], slots: Sequence[datetime]) -> Mapping[str, DayEvidence]:
        """What is known of each pump's slots, reports of the day before included; a pump without any is missing."""
        ...

    async def keep(self, settled: Sequence[tuple[HomeDay, EnergyCourse]], at: datetime) -> int:
        """Store home-days in place of what was; returns how many changed."""
        ...

    async def home_days(self, price_area: str, first: date, last: date) -> Sequence[HomeDay]:
        """The settled home-days of an area from one day to another, both included."""
        ...

    async def keep_claim(self, claim: Claim, at: datetime) -> None:
        """Store a claim in place of the one on the same days."""
        ...


class HouseModel(Protocol):
    """What a model of houses expects of one (`optimizer.expected_energy`)."""

    def expected_kwh(
        self,
        profile: PumpProfile,
        outdoor_c: Sequence[float],
        modes: Sequence[Mode],
        room_c: float | None,
        learned: LearnedHouse | None = None,
    ) -> tuple[float, ...]:
        """Electrical energy by slot, kWh; without what was `learned` of the house, of its class."""
        ...

    def kwh_to_warm(self, profile: PumpProfile, rise_k: float, outdoor_c: float, room_c: float | None) -> float:
        """Electricity that warms it by so much, kWh."""
        ...
