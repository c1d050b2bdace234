"""Segments: pumps of like houses that are coordinated by one representative, and the room a segment speaks for.

Symbols: a segment has `members` (places in the fleet), a `representative` among them (the member of median heat loss:
a medoid, since a mean house may behave like none of its members), and a `weight`: what its members would draw together
per kilowatt of the representative, by heat loss.

Invariant: segments only ever *find prices* for the cap; every pump's own schedule is planned for its own house, because
a segment's raw mode list sent to unlike houses loses more than the whole gain.

Likeness is what the programme feels: building class, emitter, lever, area (heat loss and storage), and whether the room
is measured. Price area, grid area and weather cell are one per request.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domain.homes.segments import area_band
from domain.planning.fleet_plan import PumpForPlanning
from optimizer.house import House


@dataclass(frozen=True)
class Segment:
    """Like houses, by their places in the fleet."""

    members: npt.NDArray[np.intp]
    representative: int
    weight: float


def segments_of(pumps: Sequence[PumpForPlanning], houses: Sequence[House]) -> tuple[Segment, ...]:
    """The segments of a fleet, in a stable order."""
    alike: defaultdict[tuple[str, str, str, int, bool], list[int]] = defaultdict(list)
    for place, pump in enumerate(pumps):
        profile = pump.profile
        band = area_band(profile.enrolment.heated_area_m2)
        key = (
            profile.enrolment.building_class.value,
            profile.enrolment.emitter.value,
            profile.heating.name,
            band,
            houses[place].sensed,
        )
        alike[key].append(place)
    return tuple(_segment(houses, alike[key]) for key in sorted(alike))


def _segment(houses: Sequence[House], members: list[int]) -> Segment:
    by_loss = sorted(members, key=lambda place: (houses[place].loss_kw_per_k, houses[place].pump_id))
    middle = by_loss[len(by_loss) // 2]
    together = sum(houses[place].loss_kw_per_k for place in members)
    return Segment(np.array(members), middle, together / houses[middle].loss_kw_per_k)
