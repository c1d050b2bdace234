"""The scope of a plan: under which prices, limit, weather and tariff a pump is planned.

Protects: no pump is planned under another area's prices, another cell's weather or another feeder's limit.
"""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, FiniteFloat

from domain.base import Value
from domain.homes.enrolment import Enrolment
from domain.homes.settlement import Benefit, Settlement


class Scope(Value):
    """Price area x grid area x weather cell x tariff, as settled and for whom.

    Pumps of one scope share every number they are planned against.

    A grid area belongs to its price area: the same name in two price areas means two feeders.
    """

    price_area: str
    grid_area: str
    weather_cell: str
    tariff: str
    settlement: Settlement = Settlement.QUARTER
    benefit: Benefit = Benefit.HOUSEHOLD


class EnrolledArea(Value):
    """A price area that has steered pumps, and what must be asked before they can be planned."""

    price_area: str
    weather_cells: tuple[str, ...]
    oems: tuple[str, ...]
    """Vendors whose clouds know these pumps' rooms."""
    pumps: int


class GridLimit(Value):
    """What one grid area can carry."""

    price_area: str
    grid_area: str
    cap_kw: Annotated[FiniteFloat, Field(ge=0)]


class GridCaps(Value):
    """Limits on the electrical power of each grid area's pumps together."""

    share: Annotated[float, Field(ge=0)] | None = None
    """Limit of an area without one of its own, as a share of its pumps' nameplate power; None for no limit."""
    limits: tuple[GridLimit, ...] = ()

    def cap_kw(self, price_area: str, grid_area: str, nameplate_kw: float) -> float | None:
        """The limit of one grid area whose pumps have this nameplate power together; None for no limit."""
        for limit in self.limits:
            if (limit.price_area, limit.grid_area) == (price_area, grid_area):
                return limit.cap_kw
        return None if self.share is None else self.share * nameplate_kw


def scope_of(enrolment: Enrolment) -> Scope:
    """The scope a home was enrolled in."""
    return Scope(
        price_area=enrolment.price_area,
        grid_area=enrolment.grid_area,
        weather_cell=enrolment.weather_cell,
        tariff=enrolment.tariff,
        settlement=enrolment.settlement,
        benefit=enrolment.benefit,
    )


def nameplate_kw(enrolments: Iterable[Enrolment]) -> float:
    """Largest electrical power of these pumps together."""
    return sum(enrolment.nameplate_kw for enrolment in enrolments)
