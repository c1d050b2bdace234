"""What a home pays in one slot, part by part, and what its planner saves for.

Protects: what is shown is what planning uses: the same prices, the same tariff, the same settlement.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from application.access import Access
from application.errors import ErrorCode, Refused
from application.fleet.homes import pumps_of
from application.planning.power_terms import PowerTerms, power_terms
from domain.homes.enrolment import Enrolment
from domain.homes.panels import OwnSun, Panels
from domain.homes.settlement import Benefit, Settlement, earns_by_moving, most_extra_kwh
from domain.planning.own_sun import own_sun_of
from domain.planning.series import WeatherSeries, WholesalePrices
from domain.planning.tariff import PricePart, Tariff, Tariffs, buys_at_market, parts_for, settled
from domain.slots import SLOT, market_day_bounds, slot_start


@dataclass(frozen=True)
class SurplusPrice:
    """What of a slot's energy comes from the home's own roof, by the forecast, and what it costs."""

    kw: float
    """What the roof leaves one pump of the home; 0 for nothing."""
    eur_per_mwh: float
    """What feeding it in would have earned; what is drawn beyond it costs the sum of the parts."""
    source: str


@dataclass(frozen=True)
class SlotPrice:
    """The price of one slot for the pumps of a home that are billed alike."""

    pumps: Sequence[str]
    tariff: str
    title: str
    settlement: Settlement
    benefit: Benefit
    is_moved: bool
    """Whether planning moves its consumption at all."""
    start: datetime
    """UTC start of the slot."""
    price_version: int
    parts: Sequence[PricePart]
    """Of what the planner counts: the household's price, or its supplier's cost."""
    surplus: SurplusPrice | None = None
    """None for a home without panels, or without a forecast for the slot."""
    power: Sequence[PowerTerms] = ()
    """What each pump's home is charged for peak power; empty where it is not."""

    @property
    def most_extra_kwh(self) -> float | None:
        """How much more than own control's heating a plan's day may use; None for no limit."""
        return most_extra_kwh(self.benefit)

    @property
    def eur_per_mwh(self) -> float:
        """The sum of the parts."""
        return sum(part.eur_per_mwh for part in self.parts)


@dataclass(frozen=True)
class _Day:
    """A market day as pumps that are billed alike pay for it."""

    pumps: Sequence[str]
    tariff: Tariff
    settlement: Settlement
    benefit: Benefit
    version: int
    series: WholesalePrices
    sun: OwnSun | None = None
    forecast: WeatherSeries | None = None
    """What the sun was reckoned from, slot by slot."""
    power: Sequence[PowerTerms] = ()

    def __getitem__(self, at: datetime) -> SlotPrice:
        return SlotPrice(
            pumps=self.pumps,
            tariff=self.tariff.name,
            title=self.tariff.title,
            settlement=self.settlement,
            benefit=self.benefit,
            is_moved=earns_by_moving(self.settlement, self.benefit),
            start=slot_start(at),
            price_version=self.version,
            parts=_parts(self.series, self.tariff, self.settlement, self.benefit, slot_start(at)),
            surplus=self._surplus(slot_start(at)),
            power=self.power,
        )

    def _surplus(self, slot: datetime) -> SurplusPrice | None:
        if self.sun is None or self.forecast is None:
            return None
        place = (slot - self.forecast.start) // SLOT
        if not 0 <= place < len(self.sun.surplus_kw):
            return None
        source = f"own roof, by the forecast of {self.forecast.source} for {self.forecast.cell}"
        return SurplusPrice(self.sun.surplus_kw[place], self.sun.feed_in_eur_per_mwh, source)

    def slots(self) -> list[SlotPrice]:
        return [self[self.series.start + n * SLOT] for n in range(len(self.series.price_eur_per_mwh))]


async def explain_tariff(
    access: Access, name: str, at: datetime, tariffs: Tariffs, tz_of: Callable[[str], ZoneInfo]
) -> list[SlotPrice]:
    """The slot's price for a pump, or for each group of a home's pumps; Refused where no prices are known for the day.

    `tz_of` names the time zone of a price area's market day.
    """
    return [day[at] for day in await _days(access, name, at, tariffs, tz_of)]


async def explain_day(
    access: Access, name: str, at: datetime, tariffs: Tariffs, tz_of: Callable[[str], ZoneInfo]
) -> list[list[SlotPrice]]:
    """As `explain_tariff`, for every slot of the market day that holds `at`."""
    return [day.slots() for day in await _days(access, name, at, tariffs, tz_of)]


async def _days(
    access: Access, name: str, at: datetime, tariffs: Tariffs, tz_of: Callable[[str], ZoneInfo]
) -> list[_Day]:
    alike: dict[tuple[str, str, Settlement, Benefit, Panels | None, str], list[Enrolment]] = {}
    for profile in await pumps_of(access, name, whole_home=False):
        e = profile.enrolment
        cell = "" if e.panels is None else e.weather_cell
        alike.setdefault((e.price_area, e.tariff, e.settlement, e.benefit, e.panels, cell), []).append(e)
    found = []
    for (price_area, tariff, settlement, benefit, _, cell), pumps in alike.items():
        version, series = await _prices(access, price_area, at, tz_of(price_area))
        known, names = _named(tariffs, tariff), [pump.pump_id for pump in pumps]
        forecast = await access.ledger.series.newest_weather(cell, at, slot_start(at) + SLOT) if cell else None
        sun = None if forecast is None else own_sun_of(pumps[0], forecast)
        power = await power_terms(access, names, known, benefit, at)
        found.append(_Day(names, known, settlement, benefit, version, series, sun, forecast, power))
    return found


async def _prices(access: Access, price_area: str, at: datetime, tz: ZoneInfo) -> tuple[int, WholesalePrices]:
    """The newest prices of the market day that holds a moment, and their version."""
    day = at.astimezone(tz).date()
    start, end = market_day_bounds(day, tz)
    version = await access.ledger.series.newest_prices(price_area, start, end)
    if version is None:
        sentence = f"no prices of {price_area} are known for {day}"
        raise Refused(ErrorCode.UNKNOWN_SCOPE, sentence, kind="prices", name=price_area, known=[])
    known = await access.ledger.series.prices(version)
    return version, known.cut(start, (end - start) // SLOT)


def _named(tariffs: Tariffs, name: str) -> Tariff:
    try:
        return tariffs(name)
    except LookupError as error:
        raise Refused(ErrorCode.UNKNOWN_SCOPE, str(error.args[0]), kind="tariff", name=name, known=[]) from error


def _parts(
    series: WholesalePrices, tariff: Tariff, settlement: Settlement, benefit: Benefit, slot: datetime
) -> tuple[PricePart, ...]:
    spot = settled(series, settlement, at_market=buys_at_market(tariff, benefit))[(slot - series.start) // SLOT]
    try:
        return parts_for(tariff, slot, spot, benefit)
    except LookupError as error:
        sentence = str(error.args[0])
        raise Refused(ErrorCode.UNKNOWN_SCOPE, sentence, kind="tariff", name=tariff.name, known=[]) from error
