"""What a vendor itself counted of its units' energy, taken along with the sweep's reads.

Protects: what answers carry already costs no call, and a call of its own is made once a day per unit and never in place
of a read; the same report is stored once.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog

from domain.homes.enrolment import PumpProfile
from domain.local_clock import next_time
from domain.oem.energy import EnergyKind, EnergyReading, is_worth_keeping
from domain.oem.errors import OemError
from domain.oem.ports import EnergyReader, OemAdapter
from domain.savings.vendor_energy import EnergyLog, reported_by_vendor

log = structlog.get_logger(__name__)

ASKED_FROM = time(3)
"""On a home's clock, where asking costs a call: by then vendors have summed up the day before."""
AFTER_FAILURE = timedelta(hours=3)


class VendorEnergy:
    """One vendor's; it outlives the sweeps of a worker."""

    def __init__(self, adapter: OemAdapter, kept: EnergyLog, tz_of: Callable[[str], str]) -> None:
        """`tz_of` names what clocks show in the homes of a price area."""
        self._reader = adapter if isinstance(adapter, EnergyReader) else None
        self._kept = kept
        self._tz_of = tz_of
        self._next_at: dict[str, datetime] = {}
        self._stored: dict[str, Sequence[EnergyReading]] = {}

    @property
    def calls(self) -> int:
        """Calls that asking for one unit costs."""
        return 0 if self._reader is None else self._reader.energy_calls

    async def remember(self, profiles: Sequence[PumpProfile]) -> None:
        """Take up when units were asked that this worker has not seen yet."""
        new = {p.enrolment.pump_id: p for p in profiles if p.enrolment.pump_id not in self._next_at}
        if not self.calls or not new:
            return
        reported_at = await self._kept.vendor_reported_at(list(new))
        self._next_at |= {i: next_time(ASKED_FROM, reported_at[i], self._tz(new[i])) for i in reported_at}

    def is_due(self, profile: PumpProfile, now: datetime) -> bool:
        """Whether a unit that was read just now is to be asked as well."""
        next_at = self._next_at.get(profile.enrolment.pump_id)
        return self._reader is not None and (not self.calls or next_at is None or next_at <= now)

    async def take(self, profile: PumpProfile, now: datetime) -> OemError | None:
        """Ask and store. What went wrong is returned: it says nothing of the read that this went along with."""
        if self._reader is None:
            return None
        pump_id, tz = profile.enrolment.pump_id, self._tz(profile)
        try:
            readings = await self._reader.energy(profile.address, tz, now)
        except OemError as error:
            log.info("energy not reported", pump=pump_id, reason=f"{type(error).__name__}: {error}")
            self._next_at[pump_id] = now + AFTER_FAILURE
            return error
        self._next_at[pump_id] = next_time(ASKED_FROM, now, tz)
        known = self._stored.get(pump_id, ())
        counted = [one for one in readings if _is_news(one, known)]
        if counted:
            new = await self._kept.store_reports(pump_id, reported_by_vendor(counted), now)
            self._stored[pump_id] = readings
            log.debug("energy reported by the vendor", pump=pump_id, new=new)
        return None

    def _tz(self, profile: PumpProfile) -> ZoneInfo:
        return ZoneInfo(self._tz_of(profile.enrolment.price_area))


def _is_news(reading: EnergyReading, known: Sequence[EnergyReading]) -> bool:
    if reading in known:
        return False
    if reading.kind is not EnergyKind.COUNTER:
        return True
    kept = next((one for one in known if one.kind is EnergyKind.COUNTER), None)
    return is_worth_keeping(reading, kept)
