"""The load an area is expected to draw before its prices are known, quarter by quarter; and what was nominated of it.

Protects: a curve names the versions it was made from, and an interval is never narrower than what its scenarios did.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Self

from pydantic import Field, FiniteFloat

from domain.base import Instant, Value
from domain.planning.series import Basis
from domain.slots import SLOT, SLOT_HOURS

FORECAST_ERROR_K = 1.5
"""Of the outdoor temperature, a day ahead."""
HEATING_BASE_C = 16.0
LEAST_SPAN_K = 3.0
"""On mild days a kelvin is the whole demand; below this the share says nothing any more."""
COP_SHARE_PER_K = 0.02
"""A heat pump's efficiency falls by about this share per kelvin of colder air."""


class Scenario(Value):
    """The area's plan at one course of prices."""

    name: str
    price_version: int
    revision: int
    """Of the preview that it was planned as."""
    mean_price_eur_per_mwh: float
    load_kw: tuple[float, ...]


class LoadSlot(Value):
    """A quarter-hour's mean power of the heating of all pumps together, kW."""

    start: Instant
    steered_kw: float
    low_kw: float
    high_kw: float
    neutral_kw: float
    neutral_low_kw: float
    neutral_high_kw: float


class LoadCurve(Value):
    """What an area's heat pumps will draw on a market day, as far as can be said when it was made."""

    area: str
    """Grid area, or the whole price area."""
    price_area: str
    day: date
    made_at: Instant
    pumps: int
    basis: Basis
    """What the prices rest on."""
    base: Scenario
    weather_versions: tuple[int, ...]
    slots: tuple[LoadSlot, ...]
    days_like_it: tuple[Scenario, ...] = ()
    """The plan at the prices of single days like it: what makes the interval, beside the weather."""
    levels: tuple[Scenario, ...] = ()
    """The plan with the day's prices moved to other means: how much the load answers to the level."""

    @classmethod
    def of(cls, neutral_kw: Sequence[float], outdoor_c: Sequence[float], first_slot: datetime, **known: object) -> Self:
        """The curve of a day's scenarios (`known`: the other fields); `outdoor_c` is the pumps' mean, per slot."""
        curve = cls.model_validate({**known, "slots": ()})
        loads = [curve.base.load_kw, *(scenario.load_kw for scenario in curve.days_like_it)]
        slots = []
        for n, (neutral, outdoor) in enumerate(zip(neutral_kw, outdoor_c, strict=True)):
            share = weather_share(outdoor)
            of_slot = [load[n] for load in loads]
            slots.append(
                LoadSlot(
                    start=first_slot + n * SLOT,
                    steered_kw=round(curve.base.load_kw[n], 3),
                    low_kw=round(min(of_slot) * (1 - share), 3),
                    high_kw=round(max(of_slot) * (1 + share), 3),
                    neutral_kw=round(neutral, 3),
                    neutral_low_kw=round(neutral * (1 - share), 3),
                    neutral_high_kw=round(neutral * (1 + share), 3),
                )
            )
        return curve.model_copy(update={"slots": tuple(slots)})

    @property
    def steered_kwh(self) -> float:
        """Energy of the day."""
        return sum(slot.steered_kw for slot in self.slots) * SLOT_HOURS


class DeviationPrices(Value):
    """What a MWh off the nominated energy costs beside its price of the day, EUR/MWh."""

    up_eur_per_mwh: Annotated[FiniteFloat, Field(ge=0)]
    """Of energy beyond it: what it costs above the day-ahead price."""
    down_eur_per_mwh: Annotated[FiniteFloat, Field(ge=0)]
    """Of energy missing of it: what it loses below the day-ahead price."""


class NominatedPower(Value):
    """Power that pumps are to draw together, slot by slot, and what deviating costs."""

    power_kw: tuple[Annotated[FiniteFloat, Field(ge=0)], ...]
    prices: DeviationPrices
    curve: int | None = None
    """Version of the load curve that this is (a share of)."""

    def deviation_kwh(self, load_kw: Sequence[float]) -> tuple[float, float]:
        """Energy of a load above and below it."""
        more = [load - kw for load, kw in zip(load_kw, self.power_kw, strict=True)]
        above, below = sum(max(kw, 0.0) for kw in more), sum(max(-kw, 0.0) for kw in more)
        return above * SLOT_HOURS, below * SLOT_HOURS

    def cost_eur(self, above_kwh: float, below_kwh: float) -> float:
        """What such a deviation costs."""
        return (above_kwh * self.prices.up_eur_per_mwh + below_kwh * self.prices.down_eur_per_mwh) / 1000


class Nomination(Value):
    """What was nominated of an area for a market day: a load curve's steered load, whole quarter-hours of the day."""

    number: int
    area: str
    """Grid area, or the whole price area."""
    price_area: str
    first_slot: Instant
    power: NominatedPower
    revision: int
    """Of the preview that the curve was planned as."""
    given_at: Instant

    @property
    def energy_kwh(self) -> float:
        """Energy of the day."""
        return sum(self.power.power_kw) * SLOT_HOURS


class ExpectedLoad(Value):
    """Pumps that a load curve was planned with in one request, and the load that it expected of them together."""

    pump_ids: tuple[str, ...]
    load_kw: tuple[float, ...]
    """By slot of the curve."""


class LoadError(Value):
    """How far a curve was from what came of its day."""

    version: int
    day: date
    slots: int
    """Those that both cover."""
    mean_kw: float
    """Mean load of the day that came."""
    bias_kw: float
    """Forecast less what came."""
    mean_abs_kw: float
    within_interval_pct: float


def weather_share(outdoor_c: float) -> float:
    """By what share heating's power is uncertain, for the forecast's error alone.

    Demand is proportional to the kelvins below the temperature at which heating ends; efficiency adds to that.
    """
    span_k = max(HEATING_BASE_C - outdoor_c, LEAST_SPAN_K)
    return min(FORECAST_ERROR_K * (1 / span_k + COP_SHARE_PER_K), 1.0)


def load_error(version: int, curve: LoadCurve, came_kw: dict[datetime, float]) -> LoadError | None:
    """The curve against the load that came, kW by slot; None where they have no slot in common."""
    pairs = [(slot, came_kw[slot.start]) for slot in curve.slots if slot.start in came_kw]
    if not pairs:
        return None
    errors = [slot.steered_kw - came for slot, came in pairs]
    within = sum(slot.low_kw <= came <= slot.high_kw for slot, came in pairs)
    return LoadError(
        version=version,
        day=curve.day,
        slots=len(pairs),
        mean_kw=round(_mean(came for _, came in pairs), 3),
        bias_kw=round(_mean(errors), 3),
        mean_abs_kw=round(_mean(abs(error) for error in errors), 3),
        within_interval_pct=round(100 * within / len(pairs), 1),
    )


def added(loads: Iterable[Sequence[float]]) -> tuple[float, ...]:
    """Loads of several parts together, slot by slot."""
    return tuple(sum(of_slot) for of_slot in zip(*loads, strict=True))


def _mean(values: Iterable[float]) -> float:
    kept = list(values)
    return sum(kept) / len(kept)
