"""A home's solar panels: what the roof gives beyond what the house takes, slot by slot, from the weather.

Protects: a surplus is counted once: it is divided among a home's pumps, and what they leave is what is fed in.

Formulas: declination and equation of time after Spencer (1971), as in Iqbal, An Introduction to Solar Radiation (1983);
the diffuse share of the radiation after Erbs et al. (1982); diffuse and reflected radiation on the panels alike from
all parts of the sky and the ground (Liu and Jordan, 1963).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import cos, pi, radians, sin
from typing import Annotated

from pydantic import Field, FiniteFloat

from domain.base import Value
from domain.slots import SLOT, SLOT_HOURS

SOLAR_W_PER_M2 = 1361.0
GROUND_REFLECTS = 0.2
PERFORMANCE = 0.85
"""Of what panels give under test: warm cells, cables, inverter, dirt."""
LOWEST_SUN = 0.05
"""Sine of the sun's height below which its beam is not reckoned: what is measured then is diffuse."""
ORIENTATIONS = {"n": 0.0, "ne": 45.0, "e": 90.0, "se": 135.0, "s": 180.0, "sw": 225.0, "w": 270.0, "nw": 315.0}


class Panels(Value):
    """Solar panels of a home, and what feeding in earns."""

    kwp: Annotated[FiniteFloat, Field(gt=0, le=100)]
    tilt_deg: Annotated[FiniteFloat, Field(ge=0, le=90)] = 35.0
    azimuth_deg: Annotated[FiniteFloat, Field(ge=0, le=360)] = 180.0
    """Clockwise from north: 180 is south."""
    feed_in_eur_per_mwh: Annotated[FiniteFloat, Field(ge=-1000, le=1000)]
    """What a megawatt-hour fed in earns, and so costs where the pump uses it instead."""
    house_kw: Annotated[FiniteFloat, Field(ge=0, le=50)] = 0.35
    """What the house takes beside its heat pump, on average: 0.35 kW are 3,000 kWh a year."""


class OwnSun(Value):
    """What one pump may use of its home's surplus."""

    surplus_kw: tuple[float, ...]
    """Mean of each slot."""
    feed_in_eur_per_mwh: float

    def paid(self, slot: int, kw: float, bought_eur_per_mwh: float) -> float:
        """EUR per MWh on average for a pump that draws `kw` in a slot: the surplus at what it would have earned."""
        share = 1.0 if kw <= 0 else min(1.0, self.surplus_kw[slot] / kw)
        if kw <= 0 and not self.surplus_kw[slot]:
            return bought_eur_per_mwh
        return share * self.feed_in_eur_per_mwh + (1 - share) * bought_eur_per_mwh

    def used_kwh(self, kwh: Sequence[float]) -> float:
        """How much of a pump's energy by slot was surplus."""
        return sum(min(used, kw * SLOT_HOURS) for used, kw in zip(kwh, self.surplus_kw, strict=True))


def own_sun(panels: Panels, cell: str, start: datetime, radiation_w_per_m2: Sequence[float], pumps: int) -> OwnSun:
    """One pump's part of the surplus, for slots from `start` on; `pumps` share the roof.

    `cell` is "latitude,longitude"; radiation is the mean of each slot on level ground, as forecasts give it.
    """
    latitude, longitude = (float(part) for part in cell.split(","))
    surplus = (
        max(0.0, roof_kw(panels, latitude, longitude, start + (n + 0.5) * SLOT, w) - panels.house_kw) / max(1, pumps)
        for n, w in enumerate(radiation_w_per_m2)
    )
    return OwnSun(surplus_kw=tuple(round(kw, 4) for kw in surplus), feed_in_eur_per_mwh=panels.feed_in_eur_per_mwh)


def roof_kw(panels: Panels, latitude: float, longitude: float, at: datetime, radiation_w_per_m2: float) -> float:
    """Power of the panels in kW under a global horizontal radiation."""
    if radiation_w_per_m2 <= 0:
        return 0.0
    height, facing, beyond = _sun(panels, latitude, longitude, at)
    clearness = min(1.0, radiation_w_per_m2 / beyond) if height > LOWEST_SUN else 0.0
    diffuse = radiation_w_per_m2 * _diffuse_share(clearness)
    tilted = cos(radians(panels.tilt_deg))
    on_panels = diffuse * (1 + tilted) / 2 + radiation_w_per_m2 * GROUND_REFLECTS * (1 - tilted) / 2
    if height > LOWEST_SUN:
        on_panels += (radiation_w_per_m2 - diffuse) * max(0.0, facing) / height
    return panels.kwp * min(1.2, on_panels / 1000) * PERFORMANCE


def _diffuse_share(clearness: float) -> float:
    """Of the radiation on level ground, by its share of what there would be without an atmosphere."""
    k = clearness
    if k <= 0.22:
        return 1.0 - 0.09 * k
    if k > 0.8:
        return 0.165
    return 0.9511 - 0.1604 * k + 4.388 * k**2 - 16.638 * k**3 + 12.336 * k**4


def _sun(panels: Panels, latitude: float, longitude: float, at: datetime) -> tuple[float, float, float]:
    """Sine of the sun's height, cosine of its angle to the panels, radiation above the atmosphere on level ground."""
    utc = at.astimezone(UTC)
    hour = utc.hour + utc.minute / 60 + utc.second / 3600
    year = 2 * pi * (utc.timetuple().tm_yday - 1 + hour / 24) / 365.25
    declination = (
        0.006918
        - 0.399912 * cos(year)
        + 0.070257 * sin(year)
        - 0.006758 * cos(2 * year)
        + 0.000907 * sin(2 * year)
        - 0.002697 * cos(3 * year)
        + 0.00148 * sin(3 * year)
    )
    ahead_min = 229.18 * (
        0.000075 + 0.001868 * cos(year) - 0.032077 * sin(year) - 0.014615 * cos(2 * year) - 0.04089 * sin(2 * year)
    )
    angle = radians((hour + ahead_min / 60 - 12) * 15 + longitude)
    place = radians(latitude)
    east = -cos(declination) * sin(angle)
    north = cos(place) * sin(declination) - sin(place) * cos(declination) * cos(angle)
    height = sin(place) * sin(declination) + cos(place) * cos(declination) * cos(angle)
    tilt, azimuth = radians(panels.tilt_deg), radians(panels.azimuth_deg)
    facing = height * cos(tilt) + sin(tilt) * (east * sin(azimuth) + north * cos(azimuth))
    return height, facing, SOLAR_W_PER_M2 * max(height, 0.0) * (1 + 0.033 * cos(year))
