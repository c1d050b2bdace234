"""Which parameters a unit has, and the list that the cloud makes of them.

Protects: all stamps of a list are the publication's, with the offset of the place where the unit hangs.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, tzinfo
from typing import Any

from simulator.homes.snapshot import Snapshot
from simulator.homes.unit import Unit
from simulator.levers import Lever
from simulator.vendors.nibe.f_series import F_SERIES
from simulator.vendors.nibe.point import Point
from simulator.vendors.nibe.s_series import S_SERIES


def series(unit: Unit) -> tuple[Point, ...]:
    """The points a unit has."""
    return S_SERIES if unit.spec.by_setpoint else F_SERIES


def point_of(unit: Unit, parameter_id: str) -> Point | None:
    """A point by its id."""
    return next((point for point in series(unit) if point.id == parameter_id), None)


def lever_points(unit: Unit) -> dict[Lever, Point]:
    """The points that show the levers (and take them, but for the S-series' setpoint)."""
    return {point.lever: point for point in series(unit) if point.lever is not None}


def point_list(
    unit: Unit, points: Sequence[Point], snapshot: Snapshot, selected: Collection[str] | None, tz: tzinfo
) -> list[dict[str, Any]]:
    """The cloud's list for a snapshot."""
    at = datetime.fromtimestamp(int(snapshot.at_s), tz=tz).isoformat()
    maker = "NIBE" if unit.spec.by_setpoint else "NIBEF"
    category = f"{maker} {unit.identity.model}"
    return [point.entry(category, at, snapshot) for point in points if selected is None or point.id in selected]
