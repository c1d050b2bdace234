"""What a house and its twin took and felt, booked by quarter-hours.

Protects: figures of a period are sums of its slots, exact and the same whoever asks when.
"""

from dataclasses import astuple, dataclass
from typing import Any

SLOT_S = 900
KEPT_SLOTS = 14 * 96
SAVED_SLOTS = 3 * 96


@dataclass(slots=True)
class SlotBook:
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


class History:
    """The slots of one house, the newest ones kept."""

    def __init__(self) -> None:
        self._slots: dict[int, SlotBook] = {}

    def open(self, slot: int) -> SlotBook:
        """The book of a slot (Unix seconds / 900), begun if need be."""
        book = self._slots.get(slot)
        if book is None:
            book = self._slots[slot] = SlotBook()
            if len(self._slots) > KEPT_SLOTS:
                del self._slots[next(iter(self._slots))]
        return book

    def get(self, slot: int) -> SlotBook:
        """The book of a slot; an empty one where nothing was booked."""
        return self._slots.get(slot) or SlotBook()

    def to_json(self) -> dict[str, list[float]]:
        newest = list(self._slots.items())[-SAVED_SLOTS:]
        return {str(slot): list(astuple(book)) for slot, book in newest}

    @classmethod
    def from_json(cls, kept: dict[str, list[Any]]) -> "History":
        history = cls()
        history._slots = {int(slot): SlotBook(*sums) for slot, sums in kept.items()}
        return history
