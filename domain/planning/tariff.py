"""Tariffs: from the wholesale price to what a home pays, part by part.

Protects: the planner's objective is in the money of whoever it is to save for; a wholesale series never reaches it by
accident; and every part of a price names where it comes from.

A price is the sum of its parts. VAT is charged on each part at the part's own rate and carries its sign: where the
wholesale price is negative, so is the VAT on it, as the bill charges VAT on the sum.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from enum import StrEnum
from itertools import groupby
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, FiniteFloat, model_validator

from domain.base import Value
from domain.homes.settlement import Benefit, Settlement
from domain.planning.local_times import LocalTimes
from domain.planning.power_charge import PowerCharge
from domain.planning.series import HomePrices, WholesalePrices
from domain.slots import SLOT

SPOT = "spot"
PER_MWH = 10.0
"""Hundredths of a currency per kWh, as tariffs are published, in the currency per MWh."""


class PartKind(StrEnum):
    """What a part of a price is for."""

    SPOT = "spot"
    SUPPLIER = "supplier"
    GRID = "grid"
    TAX = "tax"
    SUPPORT = "support"
    """Paid back by the state: a share of what the wholesale price is above a threshold."""
    VAT = "vat"


class Window(LocalTimes):
    """Local times in which a part has a price of its own."""

    hundredths_per_kwh: FiniteFloat


class TariffPart(Value):
    """One line of a tariff, in its own dates."""

    kind: PartKind
    name: str
    source: str
    """Who says so, in words a person can check."""
    begins: date
    """Local day from which it holds."""
    ends: date | None = None
    """First local day on which it holds no more; None for no end."""
    hundredths_per_kwh: FiniteFloat = 0.0
    """Outside its windows."""
    windows: tuple[Window, ...] = ()
    """The first that holds counts."""
    share: Annotated[FiniteFloat, Field(ge=0, le=2)] = 1.0
    """Of the wholesale price (spot), or of what it is above the threshold (support)."""
    above_hundredths_per_kwh: FiniteFloat = 0.0
    """The threshold of support."""
    vat_pct: Annotated[FiniteFloat, Field(ge=0, le=50)] = 0.0

    def holds_on(self, day: date) -> bool:
        """Whether it is charged on a local day."""
        return self.begins <= day and (self.ends is None or day < self.ends)


class Exchange(Value):
    """What a euro is worth in a tariff's currency from a day on."""

    begins: date
    per_eur: Annotated[FiniteFloat, Field(gt=0)]
    source: str


class Tariff(Value):
    """What homes pay under one contract in one grid."""

    name: str
    title: str
    price_areas: tuple[str, ...] = ()
    """Where it is offered; empty for everywhere."""
    tz: str = "UTC"
    """The time zone of its windows and dates."""
    currency: str = "EUR"
    exchange: tuple[Exchange, ...] = ()
    """By date; none for euros."""
    parts: Annotated[tuple[TariffPart, ...], Field(min_length=1)]
    power: tuple[PowerCharge, ...] = ()
    """What is charged by peak power; at most one holds in any month."""

    @model_validator(mode="after")
    def _can_be_read(self) -> "Tariff":
        if self.currency != "EUR" and not self.exchange:
            raise ValueError(f"a tariff in {self.currency} needs an exchange rate")
        if any(part.kind is PartKind.VAT for part in self.parts):
            raise ValueError("VAT is a rate of each part, not a part of its own")
        for n, charge in enumerate(self.power):
            if any(charge.meets(other) for other in self.power[:n]):
                raise ValueError(f"two power charges hold at once: {charge.name}")
        return self

    def power_charge(self, day: date) -> PowerCharge | None:
        """What is charged by peak power in the month of a local day; None for nothing."""
        return next((charge for charge in self.power if charge.holds_in(day.year, day.month)), None)

    def per_eur(self, day: date) -> float:
        """The exchange rate of a local day; LookupError before the first."""
        if self.currency == "EUR":
            return 1.0
        rates = [rate.per_eur for rate in sorted(self.exchange, key=lambda rate: rate.begins) if rate.begins <= day]
        if not rates:
            raise LookupError(f"tariff {self.name} has no exchange rate of {self.currency} for {day}")
        return rates[-1]


Tariffs = Callable[[str], Tariff]
"""A tariff by its name; LookupError, naming those there are, for one that is not known."""

WHOLESALE = Tariff(
    name=SPOT,
    title="the wholesale price itself, without fees and taxes",
    parts=(
        TariffPart(kind=PartKind.SPOT, name="wholesale price", source="the price version", begins=date(2000, 1, 1)),
    ),
)


class PricePart(Value):
    """A part of one slot's price."""

    kind: PartKind
    name: str
    eur_per_mwh: float
    source: str


def price_parts(tariff: Tariff, moment: datetime, spot_eur_per_mwh: float) -> tuple[PricePart, ...]:
    """The parts of a slot's price, VAT last; LookupError where the tariff says nothing of its day."""
    local = moment.astimezone(ZoneInfo(tariff.tz))
    parts = tuple(_parts(tariff, local, spot_eur_per_mwh))
    if not parts:
        raise LookupError(f"tariff {tariff.name} has no prices for {local.date()}: add that time to its file")
    return parts


def home_prices(
    wholesale: WholesalePrices,
    tariff: Tariff,
    settlement: Settlement = Settlement.QUARTER,
    benefit: Benefit = Benefit.HOUSEHOLD,
) -> HomePrices:
    """What a kilowatt-hour more costs, slot by slot, whom the planner saves for.

    Give the whole known series and cut the answer: an hour's mean and a profile's need the slots beside a slot.
    LookupError where the tariff says nothing of a day, or is not offered in the price area.
    """
    if tariff.price_areas and wholesale.price_area not in tariff.price_areas:
        offered = ", ".join(tariff.price_areas)
        raise LookupError(f"tariff {tariff.name} is offered in {offered}, not in {wholesale.price_area}")
    spot = settled(wholesale, settlement, at_market=buys_at_market(tariff, benefit))
    moments = [wholesale.start + n * SLOT for n in range(len(spot))]
    prices = tuple(
        sum(part.eur_per_mwh for part in parts_for(tariff, moment, price, benefit))
        for moment, price in zip(moments, spot, strict=True)
    )
    return HomePrices(tariff=tariff.name, source=wholesale.source, start=wholesale.start, price_eur_per_mwh=prices)


def parts_for(tariff: Tariff, moment: datetime, spot_eur_per_mwh: float, benefit: Benefit) -> tuple[PricePart, ...]:
    """`price_parts` of what the household pays, or the supplier's own cost alone."""
    return price_parts(tariff if benefit is Benefit.HOUSEHOLD else WHOLESALE, moment, spot_eur_per_mwh)


def buys_at_market(tariff: Tariff, benefit: Benefit) -> bool:
    """Whether a kilowatt-hour more costs what the intraday market says; a household's bill knows the auction only."""
    return benefit is Benefit.SUPPLIER or tariff.name == SPOT


def settled(wholesale: WholesalePrices, settlement: Settlement, *, at_market: bool = False) -> tuple[float, ...]:
    """The wholesale prices that a home's consumption is settled at, slot by slot; `at_market` with what came later."""
    prices = wholesale.newest_eur_per_mwh if at_market else wholesale.price_eur_per_mwh
    match settlement:
        case Settlement.QUARTER:
            return prices
        case Settlement.HOUR:
            hours = groupby(enumerate(prices), key=lambda slot: (wholesale.start + slot[0] * SLOT).replace(minute=0))
            return tuple(mean for _, slots in hours for mean in _mean_each([price for _, price in slots]))
        case Settlement.PROFILE:
            return tuple(_mean_each(wholesale.price_eur_per_mwh))


def _mean_each(prices: Sequence[float]) -> list[float]:
    return [sum(prices) / len(prices)] * len(prices) if prices else []


def _parts(tariff: Tariff, local: datetime, spot_eur_per_mwh: float) -> Iterator[PricePart]:
    day, vat_eur_per_mwh, vat_on = local.date(), 0.0, set[float]()
    per_eur = tariff.per_eur(day)
    for part in tariff.parts:
        if not part.holds_on(day):
            continue
        eur_per_mwh = _eur_per_mwh(part, local, spot_eur_per_mwh, per_eur)
        if part.vat_pct:
            vat_eur_per_mwh += eur_per_mwh * part.vat_pct / 100
            vat_on.add(part.vat_pct)
        yield PricePart(kind=part.kind, name=part.name, eur_per_mwh=eur_per_mwh, source=part.source)
    if vat_on:
        rates = " and ".join(f"{rate:g} %" for rate in sorted(vat_on))
        yield PricePart(
            kind=PartKind.VAT, name=f"VAT {rates}", eur_per_mwh=vat_eur_per_mwh, source="on the parts above"
        )


def _eur_per_mwh(part: TariffPart, local: datetime, spot_eur_per_mwh: float, per_eur: float) -> float:
    match part.kind:
        case PartKind.SPOT:
            return part.share * spot_eur_per_mwh
        case PartKind.SUPPORT:
            above = spot_eur_per_mwh - part.above_hundredths_per_kwh * PER_MWH / per_eur
            return -part.share * max(0.0, above)
        case _:
            window = next((window for window in part.windows if window.holds(local)), None)
            hundredths = part.hundredths_per_kwh if window is None else window.hundredths_per_kwh
            return hundredths * PER_MWH / per_eur
