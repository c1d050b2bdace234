"""What is claimed to have been saved, with its interval.

Protects: no saving is stated without how sure it is, how warm both arms were, and on how much it rests.
"""

from collections.abc import Callable, Sequence
from datetime import date

from domain.base import Value
from domain.savings.home_day import HomeDay


class Interval(Value):
    """An estimate with its 95 % interval."""

    mean: float
    low: float
    high: float

    def times(self, factor: float) -> "Interval":
        """The estimate of so many (not negative)."""
        return Interval(mean=self.mean * factor, low=self.low * factor, high=self.high * factor)


class ArmFigures(Value):
    """How the days of one arm were."""

    home_days: int
    cost_eur_per_day: float
    kwh_per_day: float
    room_c: float | None
    kelvin_hours_per_day: float


class Claim(Value):
    """What steering saved in a price area over a span of days."""

    price_area: str
    first_day: date
    last_day: date
    homes: int
    """Homes that were compared."""
    steered_home_days: int
    """All of them, those left out of the comparison included: what the total is over."""
    left_out: dict[str, int]
    """Home-days that were not compared, by reason."""
    excluded: dict[str, int]
    """Reports of energy that were not believed, by reason."""
    per_home_day_eur: Interval | None
    """None where too few homes can be compared."""
    price_effect_eur: Interval | None = None
    """Of a home-day: the same energy at cheaper times."""
    volume_effect_eur: Interval | None = None
    """Of a home-day: less energy at the day's mean price, what a colder room saved not included."""
    temperature_effect_eur: Interval | None = None
    """Of a home-day: less energy because rooms were colder (negative where they were warmer)."""
    room_k: Interval | None = None
    """By how much steered rooms were warmer."""
    steered: ArmFigures | None = None
    neutral: ArmFigures | None = None
    reason: str = ""
    """Why there is no interval; empty where there is one."""

    @property
    def total_eur(self) -> Interval | None:
        """What was saved over all steered home-days."""
        return None if self.per_home_day_eur is None else self.per_home_day_eur.times(self.steered_home_days)

    @property
    def per_day_eur(self) -> Interval | None:
        """What the fleet saved on a mean day."""
        days = (self.last_day - self.first_day).days + 1
        return None if self.per_home_day_eur is None else self.per_home_day_eur.times(self.steered_home_days / days)


Estimator = Callable[[str, Sequence[HomeDay]], Claim]
"""Makes a claim of a price area's home-days (at least one)."""
