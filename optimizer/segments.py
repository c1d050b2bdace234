"""Segments: pumps of like houses that are coordinated by one representative.

Symbols: a segment has members, a representative among them (the member of median heat loss: a medoid, since a mean
house may behave like none of its members), and a weight: what its members draw together per kilowatt of the
representative, by heat loss.

Invariant: segments only ever *find prices* for the cap; every pump's own schedule is planned for its own house, because
a segment's raw mode list sent to unlike houses loses more than the whole gain.

Likeness is what the programme feels: whether the room is measured, how long the house remembers warmth, and how far its
room is above its floor. An area with few pumps has one segment per pump.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.house import Array, Houses

SEGMENTS_PER_AREA = 192
"""By measured loss (3,000 pumps, a tight cap): with 87 the duals miss 0.04 % of the cost, with 245 0.01 %."""


@dataclass(frozen=True)
class Segments:
    """S segments of a fleet, each within one grid area."""

    of: npt.NDArray[np.intp]
    """Segment of each pump, (B,)."""
    area: npt.NDArray[np.intp]
    representative: npt.NDArray[np.intp]
    """Place in the fleet, (S,)."""
    weight: Array
    size: npt.NDArray[np.intp]

    @property
    def are_single(self) -> bool:
        """Is every pump its own segment?"""
        return bool((self.size == 1).all())


def segments_of(houses: Houses, area: npt.NDArray[np.intp], most: int = SEGMENTS_PER_AREA) -> Segments:
    """Segments of a fleet, at most about `most` in each of its areas (B,), in a stable order."""
    groups: list[npt.NDArray[np.intp]] = []
    memory_h = houses.capacity_kwh_per_k / (houses.emitter_kw_per_k * (1 + houses.feedback) + houses.loss_kw_per_k)
    slack_k = houses.room_held_c - houses.floor_c
    for a in np.unique(area):
        mine = np.flatnonzero(area == a)
        if len(mine) <= most:
            groups += [mine[i : i + 1] for i in range(len(mine))]
            continue
        for sensed in (True, False):
            alike = mine[houses.sensed[mine] == sensed]
            bands = max(round(most * len(alike) / len(mine)), 1)
            across = max(round(bands**0.5), 1)
            for by_memory in np.array_split(alike[np.argsort(memory_h[alike], kind="stable")], across):
                by_slack = by_memory[np.argsort(slack_k[by_memory], kind="stable")]
                groups += [part for part in np.array_split(by_slack, max(bands // across, 1)) if len(part)]
    of = np.empty(houses.size, dtype=np.intp)
    middle, weight = np.empty(len(groups), dtype=np.intp), np.empty(len(groups))
    for s, members in enumerate(groups):
        of[members] = s
        loss = houses.loss_kw_per_k[members]
        middle[s] = members[np.argsort(loss, kind="stable")[len(members) // 2]]
        weight[s] = loss.sum() / houses.loss_kw_per_k[middle[s]]
    return Segments(of, area[middle], middle, weight, np.array([len(members) for members in groups], dtype=np.intp))
