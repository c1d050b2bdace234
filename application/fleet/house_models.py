"""Use case on what is known of a pump's house: the newest version, and how it came to be.

Protects: what is shown is what is planned with; what was learned and not believed is shown as such.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from application.access import Access
from application.pump_workflows import known
from domain.homes.enrolment import Enrolment
from domain.homes.learned import LearnedHouse


@dataclass(frozen=True)
class HouseModelView:
    """What is known of a house."""

    enrolment: Enrolment
    has_room_sensor: bool
    versions: Sequence[LearnedHouse]
    """Newest first; empty where it is known by its class alone."""


async def house_model(access: Access, pump_id: str) -> HouseModelView:
    """What is known of a pump's house; raises Refused where it is not enrolled."""
    profile = await known(access, pump_id)
    return HouseModelView(profile.enrolment, profile.has_room_sensor, await access.ledger.houses.versions(pump_id))
