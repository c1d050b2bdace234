"""Energy and comfort of a house and its twin, summed by quarter-hour.

Protects: figures of a period are sums of its slots, exact and the same whoever asks when.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

from domain.homes.comfort import ComfortBand
from simulator.physics.house import STEP_S, HouseState

SLOT_S = 900
KEPT_SLOTS = 14 * 96
SAVED_SLOTS = 3 * 96
MINUTE_KWH = STEP_S / 3600.0 / 1000.0
"""Energy of one watt over one step."""
_HIGH, _LOW = 999.0, -999.0


@dataclass(slots=True)
class SlotTotals:
    """Sums of one slot. Energies in kWh, room sums in K x minutes, comfort in kelvin-hours."""

    minutes: int = 0
    kwh: float = 0.0
    twin_kwh: float = 0.0
    heat_kwh: float = 0.0
    twin_heat_kwh: float = 0.0
    room_c_sum: float = 0.0
    twin_room_c_sum: float = 0.0
    too_cold_kh: float = 0.0
    too_warm_kh: float = 0.0
    twin_too_cold_kh: float = 0.0
    twin_too_warm_kh: float = 0.0
    backup_kwh: float = 0.0
    twin_backup_kwh: float = 0.0
    outdoor_c_sum: float = 0.0
    stored_kwh: float = 0.0
    """Heat held by the house more than by its twin, at the slot's end."""
    hot_water_kwh: float = 0.0
    twin_hot_water_kwh: float = 0.0
    tank_c_sum: float = 0.0
    twin_tank_c_sum: float = 0.0
    tank_min_c: float = _HIGH
    tank_max_c: float = _LOW
    twin_tank_min_c: float = _HIGH
    room_min_c: float = _HIGH
    twin_room_min_c: float = _HIGH


class History:
    """The slots of one house, the newest ones kept."""

    def __init__(self) -> None:
        self._slots: dict[int, SlotTotals] = {}
        self._forgotten = (0.0, 0.0)
        """Electricity of slots that are kept no more: in all, and for hot water."""

    def open(self, slot: int) -> SlotTotals:
        """The totals of a slot (Unix seconds / 900), started if need be."""
        totals = self._slots.get(slot)
        if totals is None:
            totals = self._slots[slot] = SlotTotals()
            if len(self._slots) > KEPT_SLOTS:
                gone = self._slots.pop(next(iter(self._slots)))
                kwh, water_kwh = self._forgotten
                self._forgotten = (kwh + gone.kwh, water_kwh + gone.hot_water_kwh)
        return totals

    def counted(self, moments: Sequence[float]) -> list[tuple[float, float]]:
        """Electricity used before each of these moments, in order of time: for heating, and for hot water, kWh."""
        kwh, water_kwh = self._forgotten
        slots = deque(self._slots.items())
        found = []
        for moment in moments:
            while slots and slots[0][0] * SLOT_S < moment:
                totals = slots.popleft()[1]
                kwh, water_kwh = kwh + totals.kwh, water_kwh + totals.hot_water_kwh
            found.append((kwh - water_kwh, water_kwh))
        return found

    def get(self, slot: int) -> SlotTotals:
        """The totals of a slot; empty ones where nothing was added."""
        return self._slots.get(slot) or SlotTotals()

    def to_json(self) -> dict[str, list[float]]:
        newest = list(self._slots.items())[-SAVED_SLOTS:]
        return {str(slot): list(astuple(totals)) for slot, totals in newest}

    @classmethod
    def from_json(cls, kept: dict[str, list[Any]]) -> "History":
        history = cls()
        history._slots = {int(slot): SlotTotals(*sums) for slot, sums in kept.items()}
        return history


def add_minute(totals: SlotTotals, band: ComfortBand, steered: HouseState, twin: HouseState, outdoor_c: float) -> None:
    """Add one minute of both lives."""
    room_c, twin_c = steered.rooms.air_c, twin.rooms.air_c
    totals.minutes += 1
    totals.kwh += steered.power_w * MINUTE_KWH
    totals.twin_kwh += twin.power_w * MINUTE_KWH
    totals.heat_kwh += (steered.heat_w + steered.tank_heat_w) * MINUTE_KWH
    totals.twin_heat_kwh += (twin.heat_w + twin.tank_heat_w) * MINUTE_KWH
    totals.backup_kwh += steered.backup_w * MINUTE_KWH
    totals.twin_backup_kwh += twin.backup_w * MINUTE_KWH
    totals.room_c_sum += room_c
    totals.twin_room_c_sum += twin_c
    totals.outdoor_c_sum += outdoor_c
    if room_c < band.room_min_c:
        totals.too_cold_kh += (band.room_min_c - room_c) / 60.0
    elif room_c > band.room_max_c:
        totals.too_warm_kh += (room_c - band.room_max_c) / 60.0
    if twin_c < band.room_min_c:
        totals.twin_too_cold_kh += (band.room_min_c - twin_c) / 60.0
    elif twin_c > band.room_max_c:
        totals.twin_too_warm_kh += (twin_c - band.room_max_c) / 60.0
    if room_c < totals.room_min_c:
        totals.room_min_c = room_c
    if twin_c < totals.twin_room_min_c:
        totals.twin_room_min_c = twin_c
    _add_water(totals, steered, twin)


def _add_water(totals: SlotTotals, steered: HouseState, twin: HouseState) -> None:
    tank_c, twin_c = steered.tank.water_c, twin.tank.water_c
    totals.hot_water_kwh += steered.tank_w * MINUTE_KWH
    totals.twin_hot_water_kwh += twin.tank_w * MINUTE_KWH
    totals.tank_c_sum += tank_c
    totals.twin_tank_c_sum += twin_c
    if tank_c < totals.tank_min_c:
        totals.tank_min_c = tank_c
    if tank_c > totals.tank_max_c:
        totals.tank_max_c = tank_c
    if twin_c < totals.twin_tank_min_c:
        totals.twin_tank_min_c = twin_c
