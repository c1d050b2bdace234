"""Price areas we know: their market-day time zone and where on the map they lie.

Protects: weather of another country, or latitude and longitude swapped, never heats a home here.
"""

import math
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from market.errors import refused


@dataclass(frozen=True)
class Area:
    """A price area (bidding zone) with its market-day time zone and bounding box in degrees."""

    price_area: str
    tz: ZoneInfo
    south: float
    north: float
    west: float
    east: float

    def holds(self, latitude: float, longitude: float) -> bool:
        """Whether a place lies within the box."""
        return self.south <= latitude <= self.north and self.west <= longitude <= self.east

    @property
    def box(self) -> str:
        """The box in words."""
        return f"latitude {self.south} to {self.north}, longitude {self.west} to {self.east}"


AREAS = {
    "AT": Area("AT", ZoneInfo("Europe/Vienna"), south=46.3, north=49.1, west=9.5, east=17.2),
    "DE-LU": Area("DE-LU", ZoneInfo("Europe/Berlin"), south=47.2, north=55.1, west=5.8, east=15.1),
}


def area_of(price_area: str) -> Area:
    """The area of this name; raises `LookupError` with a sentence where it is not known."""
    if price_area not in AREAS:
        raise LookupError(f"price area {price_area} is not known; known are {', '.join(sorted(AREAS))}.")
    return AREAS[price_area]


def place_of(cell: str, area: Area) -> tuple[float, float]:
    """Latitude and longitude of a weather cell "latitude,longitude"; raises `BadDocument` outside the area."""
    origin = f"weather cell {cell!r}"
    try:
        latitude, longitude = (float(part) for part in cell.split(","))
    except ValueError:
        raise refused(origin, "is no place", 'write it as "latitude,longitude", for instance "52.52,13.41"') from None
    if not (math.isfinite(latitude) and math.isfinite(longitude) and area.holds(latitude, longitude)):
        raise refused(origin, f"lies outside price area {area.price_area} ({area.box})", "correct the cell")
    return latitude, longitude
