"""What heatsteer asks of a vendor's adapter, by capability.

Protects: a caller declares only what it needs of an adapter; all methods raise `domain.oem.errors.OemError` and
nothing else; `now` is steered time, and so is the `retry_at` of an error.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from domain.oem.energy import EnergyReading
from domain.oem.errors import OemError
from domain.oem.lever import LeverName
from domain.oem.readings import Reading
from domain.oem.timing import VendorTiming
from domain.oem.units import Capability, PumpAddress


class UnitReader(Protocol):
    """Reads one unit."""

    @property
    def timing(self) -> VendorTiming:
        """How this vendor behaves in time."""
        ...

    async def read(self, pump: PumpAddress, lever: LeverName, now: datetime, *, urgent: bool = False) -> Reading:
        """What the cloud reports of the unit, with the lever's setting as evidence of a write.

        `urgent` may use the part of the call budget that routine calls leave alone.
        """
        ...


class LeverWriter(Protocol):
    """Sets a lever."""

    async def write(
        self, pump: PumpAddress, lever: LeverName, setting: float, now: datetime, *, urgent: bool = False
    ) -> None:
        """Set the lever to an absolute value; returns when the cloud accepted it, and claims nothing more."""
        ...


@runtime_checkable
class LeverReverter(Protocol):
    """Ends a setting of ours where that is another call than setting the lever; not every adapter is one."""

    async def revert(
        self, pump: PumpAddress, lever: LeverName, baseline: float, now: datetime, *, urgent: bool = False
    ) -> None:
        """Give the lever back to the household's own setting, which was last seen as `baseline`.

        Returns when the cloud accepted it. Harmless where nothing of ours stands.
        """
        ...


class LeverAccess(UnitReader, LeverWriter, Protocol):
    """What bringing a command about takes."""


class FleetReader(Protocol):
    """Looks at units that were not written to just now, as cheaply as the vendor allows."""

    async def observe(self, pump: PumpAddress, lever: LeverName, now: datetime) -> Reading:
        """As `UnitReader.read`, for the fleet's sweeps."""
        ...

    async def connections(self, account_id: str, now: datetime) -> Mapping[str, bool]:
        """Whether each unit of an account is connected to its cloud, by `vendor_ref`."""
        ...


@runtime_checkable
class BulkReader(Protocol):
    """Reads all units of an account in one call; not every adapter is one."""

    async def observe_account(self, account_id: str, now: datetime) -> Mapping[str, Reading | OemError]:
        """What the cloud reports of each unit that the account reaches, by `vendor_ref`.

        A unit that is offline or cannot be read has its error and spoils nothing for the others; what concerns the
        whole account is raised.
        """
        ...


@runtime_checkable
class EnergyReader(Protocol):
    """Reports what the vendor itself counted of a unit's electrical energy; not every adapter is one."""

    @property
    def energy_calls(self) -> int:
        """Calls that asking for one unit costs; zero where answers to observations carry it already."""
        ...

    async def energy(self, pump: PumpAddress, tz: ZoneInfo, now: datetime) -> Sequence[EnergyReading]:
        """Counters as they stood, and whole spans that are over, oldest first; `tz` is what the home's clocks show.

        Without a call of its own it is what the newest answer carried. Empty where the vendor says nothing that can be
        dated.
        """
        ...


class UnitSurveyor(Protocol):
    """Asks what units can do."""

    async def capability(self, pump: PumpAddress, now: datetime) -> Capability:
        """What the unit can do now."""
        ...


class OemAdapter(LeverAccess, FleetReader, UnitSurveyor, Protocol):
    """One vendor's cloud: what every adapter offers."""

    @property
    def oem(self) -> str:
        """The vendor's name in queues, tables and ids."""
        ...
