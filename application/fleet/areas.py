"""What is known of grid areas: their pumps and the orders imposed on them."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.access import Access
from application.scopes import is_meant
from domain.steering.orders import Order


@dataclass(frozen=True)
class GridArea:
    """A grid area as enrolled."""

    area: str
    pumps: int
    rated_heat_kw: float
    orders: Sequence[Order]
    """Those in force for any of its pumps."""


async def grid_areas(access: Access) -> list[GridArea]:
    """Every grid area with a steered pump, by name."""
    standing = await access.ledger.orders.standing(access.now())
    profiles = await access.ledger.pumps.active()
    found = []
    for name in sorted({p.enrolment.grid_area for p in profiles}):
        of_area = [p for p in profiles if p.enrolment.grid_area == name]
        found.append(
            GridArea(
                area=name,
                pumps=len(of_area),
                rated_heat_kw=sum(p.enrolment.rated_heat_kw for p in of_area),
                orders=[o for o in standing if any(is_meant(o.scope, p) for p in of_area)],
            )
        )
    return found
