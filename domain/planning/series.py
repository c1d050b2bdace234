"""Versioned series of prices and weather on UTC slots, and how a document was judged.

Protects: a plan names the very numbers it was made from.
"""

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from domain.base import Instant, Value


class WholesalePrices(Value):
    """Day-ahead prices of one price area on contiguous slots: what the market publishes, not what a home pays."""

    price_area: str
    """Price area, as the market names it (for instance DE-LU)."""
    source: str
    """Where it came from, in words a person can check (for instance "energy-charts (synthetic, seed 7)")."""
    resolution_min: Annotated[int, Field(gt=0)]
    """Resolution of the published document in minutes, before it was spread over slots."""
    start: Instant
    """UTC start of the first slot."""
    price_eur_per_mwh: tuple[FiniteFloat, ...]
    """One price per slot."""


class HomePrices(Value):
    """What a home on one tariff pays for a kilowatt-hour more, on contiguous slots."""

    tariff: str
    source: str
    """The wholesale series it was made from, in words a person can check."""
    start: Instant
    """UTC start of the first slot."""
    price_eur_per_mwh: tuple[FiniteFloat, ...]
    """One price per slot."""


class WeatherSeries(Value):
    """Outdoor temperature and radiation of one weather cell on contiguous slots."""

    cell: str
    """Weather cell as "latitude,longitude"."""
    source: str
    start: Instant
    outdoor_c: tuple[FiniteFloat, ...]
    """Mean outdoor temperature per slot in degrees C."""
    radiation_w_per_m2: tuple[FiniteFloat, ...]
    """Mean global horizontal radiation per slot in W/m2."""


class Quarantined(Value):
    """A document that was not believed, with the sentence that says why."""

    kind: Literal["price", "weather"]
    origin: str
    """File or address it came from."""
    reason: str
    received_at: Instant


class SeriesVersion(Value):
    """A stored series: the number a plan refers to."""

    version: int
    stored_at: Instant
