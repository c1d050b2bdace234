"""What can be set on a simulated unit, read from the vendors' documents independently of the adapters' manifests."""

from enum import StrEnum


class Lever(StrEnum):
    """One setting of a unit, as the truth log names it."""

    HEATING_OFFSET = "heating_offset"
    """Parallel shift of the heating curve, in the vendor's steps."""
    LEAVING_WATER = "leaving_water"
    """Supply temperature that the unit keeps whatever the weather, in degrees C."""
    ROOM_SETPOINT = "room_setpoint"
    """Room temperature that the unit aims at, in degrees C."""
    HOT_WATER_COMFORT = "hot_water_comfort"
    """Comfort step of the hot water: 0 economy, 1 normal, 2 luxury, 4 smart control."""
    HOT_WATER_TARGET = "hot_water_target"
    """Temperature that the tank is charged to, in degrees C."""

    @property
    def circuit(self) -> str:
        """What the lever acts on."""
        return _CIRCUITS[self]


_CIRCUITS = {
    Lever.HEATING_OFFSET: "heating",
    Lever.LEAVING_WATER: "heating",
    Lever.ROOM_SETPOINT: "heating",
    Lever.HOT_WATER_COMFORT: "hot_water",
    Lever.HOT_WATER_TARGET: "hot_water",
}
