"""Series of prices and weather on UTC slots.

Protects: a plan names the very numbers it was made from.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, FiniteFloat

from domain.base import Instant, Value
from domain.slots import SLOT


class Basis(StrEnum):
    """What a price series rests on."""

    PUBLISHED = "published"
    ESTIMATED = "estimated"
    """The shape of days like it, at the level last known: the market was silent."""
    FLAT = "flat"
    """One price for every slot: nothing was known to estimate from."""


class Provenance(Value):
    """Where a price series comes from, for people and for whoever must make a plan again."""

    raw_sha256: str | None = None
    """Of the document as it was sent; None where there was none."""
    published_at: Instant | None = None
    """As the document says; None where it does not."""
    currency: str = "EUR"
    """Of the document; the series is in euros."""
    verdicts: tuple[str, ...] = ()
    """What judging had to say, a sentence each."""


class WholesalePrices(Value):
    """Day-ahead prices of one price area on contiguous slots: what the market publishes, not what a home pays."""

    price_area: str
    """Price area, as the market names it (for instance DE-LU)."""
    source: str
    """Where it came from, in words a person can check (for instance "energy-charts (synthetic, seed 7)")."""
    resolution_min: Annotated[int, Field(gt=0)]
    """Resolution of the published document in minutes, before it was spread over slots."""
    basis: Basis = Basis.PUBLISHED
    provenance: Provenance = Provenance()
    start: Instant
    """UTC start of the first slot."""
    price_eur_per_mwh: tuple[FiniteFloat, ...]
    """One price per slot."""
    later_eur_per_mwh: tuple[FiniteFloat | None, ...] = ()
    """What the intraday or imbalance market said since, by slot; None where nothing, and empty where it never did."""

    @property
    def newest_eur_per_mwh(self) -> tuple[float, ...]:
        """What was said last of each slot: a kilowatt-hour's price for who buys at the market itself."""
        if not self.later_eur_per_mwh:
            return self.price_eur_per_mwh
        both = zip(self.price_eur_per_mwh, self.later_eur_per_mwh, strict=True)
        return tuple(price if later is None else later for price, later in both)

    def cut(self, first_slot: datetime, slots: int) -> Self:
        """The part of the series that covers these slots."""
        skip = (first_slot - self.start) // SLOT
        cut = slice(skip, skip + slots)
        prices, later = self.price_eur_per_mwh[cut], self.later_eur_per_mwh[cut]
        return self.model_copy(update={"start": first_slot, "price_eur_per_mwh": prices, "later_eur_per_mwh": later})


class HomePrices(Value):
    """What a home on one tariff pays for a kilowatt-hour more, on contiguous slots."""

    tariff: str
    source: str
    """The wholesale series it was made from, in words a person can check."""
    start: Instant
    """UTC start of the first slot."""
    price_eur_per_mwh: tuple[FiniteFloat, ...]
    """One price per slot."""

    def cut(self, first_slot: datetime, slots: int) -> Self:
        """The part of the series that covers these slots."""
        skip = (first_slot - self.start) // SLOT
        prices = self.price_eur_per_mwh[skip : skip + slots]
        return self.model_copy(update={"start": first_slot, "price_eur_per_mwh": prices})


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

    def cut(self, first_slot: datetime, slots: int) -> Self:
        """The part of the series that covers these slots."""
        skip = (first_slot - self.start) // SLOT
        cut = slice(skip, skip + slots)
        return self.model_copy(
            update={
                "start": first_slot,
                "outdoor_c": self.outdoor_c[cut],
                "radiation_w_per_m2": self.radiation_w_per_m2[cut],
            }
        )

    def after(self, earlier: Self) -> Self:
        """This series with the slots of one that ends where it starts before it."""
        return self.model_copy(
            update={
                "start": earlier.start,
                "outdoor_c": earlier.outdoor_c + self.outdoor_c,
                "radiation_w_per_m2": earlier.radiation_w_per_m2 + self.radiation_w_per_m2,
            }
        )
