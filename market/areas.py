"""Price areas we know: market-day time zone, code at ENTSO-E, usual resolution, and where on the map they lie.

Protects: weather of another country, or latitude and longitude swapped, never heats a home here.
"""

import math
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from market.errors import refused

SLOT_S = 900
HOUR_S = 3600
QUARTERS_SINCE = date(2025, 10, 1)
"""First delivery day of the coupled day-ahead auction (SDAC) in quarter-hours."""


@dataclass(frozen=True)
class Area:
    """A price area (bidding zone): its market-day time zone, its EIC code and its bounding box in degrees."""

    price_area: str
    tz: ZoneInfo
    eic: str
    south: float
    north: float
    west: float
    east: float
    quarters_since: date | None = QUARTERS_SINCE
    """First delivery day that is published in quarter-hours; None where hours are published."""
    clocks: str = ""
    """The time zone of its homes, where that is another than the market's."""

    @property
    def home_tz(self) -> ZoneInfo:
        """What clocks in its homes show, by which vendors count their days."""
        return ZoneInfo(self.clocks) if self.clocks else self.tz

    def holds(self, latitude: float, longitude: float) -> bool:
        """Whether a place lies within the box."""
        return self.south <= latitude <= self.north and self.west <= longitude <= self.east

    def usual_step_s(self, day: date) -> int:
        """Seconds between the prices that the day-ahead auction publishes for a delivery day."""
        return HOUR_S if self.quarters_since is None or day < self.quarters_since else SLOT_S

    @property
    def box(self) -> str:
        """The box in words."""
        return f"latitude {self.south} to {self.north}, longitude {self.west} to {self.east}"


_AREAS = (
    # The market day is the Central European day in all coupled areas, whatever the local time (Finland, the Baltics).
    Area("AT", ZoneInfo("Europe/Vienna"), "10YAT-APG------L", 46.3, 49.1, 9.5, 17.2),
    Area("BE", ZoneInfo("Europe/Brussels"), "10YBE----------2", 49.4, 51.6, 2.5, 6.5),
    Area("CH", ZoneInfo("Europe/Zurich"), "10YCH-SWISSGRIDZ", 45.8, 47.9, 5.9, 10.6, quarters_since=None),
    Area("CZ", ZoneInfo("Europe/Prague"), "10YCZ-CEPS-----N", 48.5, 51.1, 12.0, 18.9),
    Area("DE-LU", ZoneInfo("Europe/Berlin"), "10Y1001A1001A82H", 47.2, 55.1, 5.8, 15.1),
    Area("DK1", ZoneInfo("Europe/Copenhagen"), "10YDK-1--------W", 54.7, 57.8, 8.0, 11.3),
    Area("DK2", ZoneInfo("Europe/Copenhagen"), "10YDK-2--------M", 54.5, 56.3, 10.8, 15.3),
    Area("EE", ZoneInfo("Europe/Brussels"), "10Y1001A1001A39I", 57.5, 59.8, 21.7, 28.3, clocks="Europe/Tallinn"),
    Area(
        "FI",
        ZoneInfo("Europe/Brussels"),
        "10YFI-1--------U",
        59.7,
        70.1,
        19.0,
        31.6,
        clocks="Europe/Helsinki",
    ),
    Area("FR", ZoneInfo("Europe/Paris"), "10YFR-RTE------C", 41.3, 51.2, -5.2, 9.7),
    Area("LT", ZoneInfo("Europe/Brussels"), "10YLT-1001A0008Q", 53.8, 56.5, 20.9, 26.9, clocks="Europe/Vilnius"),
    Area("LV", ZoneInfo("Europe/Brussels"), "10YLV-1001A00074", 55.6, 58.1, 20.9, 28.3, clocks="Europe/Riga"),
    Area("NL", ZoneInfo("Europe/Amsterdam"), "10YNL----------L", 50.7, 53.7, 3.3, 7.3),
    Area("NO1", ZoneInfo("Europe/Oslo"), "10YNO-1--------2", 58.8, 62.7, 7.5, 12.9),
    Area("NO2", ZoneInfo("Europe/Oslo"), "10YNO-2--------T", 57.9, 60.5, 5.0, 10.0),
    Area("NO3", ZoneInfo("Europe/Oslo"), "10YNO-3--------J", 61.5, 65.0, 4.5, 14.3),
    Area("NO4", ZoneInfo("Europe/Oslo"), "10YNO-4--------9", 64.0, 71.3, 10.5, 31.2),
    Area("NO5", ZoneInfo("Europe/Oslo"), "10Y1001A1001A48H", 59.8, 61.9, 4.5, 8.6),
    Area("PL", ZoneInfo("Europe/Warsaw"), "10YPL-AREA-----S", 49.0, 54.9, 14.1, 24.2),
    Area("SE1", ZoneInfo("Europe/Stockholm"), "10Y1001A1001A44P", 64.5, 69.1, 15.0, 24.2),
    Area("SE2", ZoneInfo("Europe/Stockholm"), "10Y1001A1001A45N", 61.2, 66.0, 12.0, 21.5),
    Area("SE3", ZoneInfo("Europe/Stockholm"), "10Y1001A1001A46L", 56.9, 61.6, 11.1, 19.4),
    Area("SE4", ZoneInfo("Europe/Stockholm"), "10Y1001A1001A47J", 55.3, 57.6, 12.4, 17.2),
)
AREAS = {area.price_area: area for area in _AREAS}
_BY_EIC = {area.eic: area for area in _AREAS}


def area_of(price_area: str) -> Area:
    """The area of this name; raises `LookupError` with a sentence where it is not known."""
    if price_area not in AREAS:
        raise LookupError(f"price area {price_area} is not known; known are {', '.join(sorted(AREAS))}.")
    return AREAS[price_area]


def known_area(name: str) -> Area | None:
    """The area of a name in the spelling of any source (de_lu, DE/LU) or of an EIC code; None where not known."""
    return AREAS.get(normal_name(name)) or _BY_EIC.get(name.strip())


def normal_name(name: str) -> str:
    """A price area's name as we spell it."""
    return name.strip().upper().replace("_", "-").replace("/", "-")


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
