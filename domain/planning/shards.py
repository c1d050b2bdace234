"""Shards: a price area's pumps in portions that are planned, stored and delivered on their own.

Protects: a limit and a nomination bind for their whole area however its pumps are spread over requests, and no shard
grows with the fleet.

A small grid area stays whole in one shard, which it may share with others. A larger one is dealt out evenly over
shards of its own, so that each is a like sample of it. Wherever an area's pumps need several requests (too many, or
of several weather cells or tariffs), each request gets the share of the limit that its pumps have of the area's
nameplate power. The shares add up to the limit, so requests need not know of each other; the share of a request that
fails stays reserved for its pumps, which then run under their own control.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from domain.base import Value
from domain.homes.enrolment import Enrolment
from domain.modes import Mode
from domain.planning.fleet_plan import Certificate, Refusal
from domain.planning.load_curve import ExpectedLoad, NominatedPower, Nomination
from domain.planning.scope import GridCaps, Scope, nameplate_kw, scope_of
from domain.slots import SLOT

SHARD_PUMPS = 2000
"""Bounds what one attempt loses when its worker dies, and keeps the history of a run of 100,000 pumps at some
hundred shards."""


class Part(Value):
    """Pumps of one scope that are planned in one request."""

    scope: Scope
    pump_ids: tuple[str, ...]
    cap_kw: float | None = None
    """This part's share of its grid area's limit; None for no limit."""
    nominated: NominatedPower | None = None
    """This part's share of what was nominated of its area, by slot of the plan; None for nothing."""
    weather_version: int


class SolvedPart(Value):
    """A part with what the solver made of it."""

    asked: Part
    pumps: int
    """Pumps that were planned: those that were still steered."""
    cold_snap_pumps: int
    """Of them, those kept at neutral or above because of the forecast."""
    certificate: Certificate
    price_eur_per_mwh: tuple[float, ...]
    """What a kilowatt-hour more costs under this scope's tariff, per slot: kept, as tariffs change."""
    cap_price_eur_per_mwh: tuple[float, ...]
    """What limit and nomination add to the price, per slot."""
    neutral_load_kw: tuple[float, ...]
    """Expected power of the heating of all its pumps together under their own control, per slot."""
    power_kw: Mapping[str, tuple[float, ...]]
    """Expected power of every pump's heating per slot."""
    pumps_by_mode: Mapping[Mode, tuple[int, ...]]
    """How many pumps are in each mode, per slot; modes that nobody is in are left out."""
    refused: tuple[Refusal, ...] = ()
    """Of a submitted plan: what of it is not taken."""

    @property
    def load_kw(self) -> tuple[float, ...]:
        """Expected power of the heating of all its pumps together, per slot."""
        nothing = (0.0,) * len(self.price_eur_per_mwh)
        return tuple(sum(of_slot) for of_slot in zip(nothing, *self.power_kw.values(), strict=True))


class Shard(Value):
    """What one attempt plans, part by part."""

    number: Annotated[int, Field(ge=0)]
    parts: tuple[Part, ...]

    @property
    def pumps(self) -> int:
        """How many pumps it holds."""
        return sum(len(part.pump_ids) for part in self.parts)


def shards_of(
    enrolments: Sequence[Enrolment],
    caps: GridCaps,
    weather_versions: Mapping[str, int],
    most_pumps: int = SHARD_PUMPS,
) -> tuple[Shard, ...]:
    """Shards of one price area's pumps; pumps whose weather cell has no version are in none of them."""
    areas: dict[str, list[Enrolment]] = {}
    for enrolment in sorted(enrolments, key=lambda e: (e.grid_area, e.pump_id)):
        areas.setdefault(enrolment.grid_area, []).append(enrolment)
    portions: list[list[Part]] = []
    shared: list[Part] = []
    room = most_pumps
    for area in areas.values():
        count = -(-len(area) // most_pumps)
        for portion in (area[first::count] for first in range(count)):
            parts = list(_parts(portion, area, caps, weather_versions))
            if count > 1:
                portions.append(parts)
                continue
            if len(portion) > room:
                portions.append(shared)
                shared, room = [], most_pumps
            shared += parts
            room -= len(portion)
    portions.append(shared)
    return tuple(Shard(number=number, parts=tuple(parts)) for number, parts in enumerate(filter(None, portions)))


def _parts(
    portion: Sequence[Enrolment], area: Sequence[Enrolment], caps: GridCaps, weather_versions: Mapping[str, int]
) -> Iterator[Part]:
    """A portion of a grid area by scope, each with its share of the area's limit."""
    by_scope: dict[Scope, list[Enrolment]] = {}
    for enrolment in portion:
        by_scope.setdefault(scope_of(enrolment), []).append(enrolment)
    whole_kw = nameplate_kw(area)
    for scope, members in by_scope.items():
        cap_kw = caps.cap_kw(scope.price_area, scope.grid_area, whole_kw)
        version = weather_versions.get(scope.weather_cell)
        if version is not None:
            yield Part(
                scope=scope,
                pump_ids=tuple(member.pump_id for member in members),
                cap_kw=None if cap_kw is None else round(cap_kw * nameplate_kw(members) / whole_kw, 3),
                weather_version=version,
            )


def nominated_shards(
    shards: Sequence[Shard],
    enrolments: Sequence[Enrolment],
    nomination: Nomination,
    expected: Sequence[ExpectedLoad],
    first_slot: datetime,
    slots: int,
) -> tuple[Shard, ...]:
    """The same shards, each part of the nominated area with its share of what was nominated.

    A pump's share is what the load curve expected of it: its part's load by nameplate. A pump that the curve did not
    know counts as the known ones do on average, and the load of one that has left counts for those that were planned
    with it. So shares add up to what was nominated, those of parts that are not planned included. Unchanged where the
    nomination does not cover the plan's slots.
    """
    skip = (first_slot - nomination.first_slot) // SLOT
    if skip < 0 or skip + slots > len(nomination.power.power_kw):
        return tuple(shards)
    within = [e for e in enrolments if nomination.area in (e.price_area, e.grid_area)]
    weigh = _Weights(within, expected, skip, slots)
    whole, whole_kw = weigh.of(e.pump_id for e in within), nameplate_kw(within)
    nominated_kw = nomination.power.power_kw[skip : skip + slots]

    def share(part: Part) -> Part:
        if nomination.area not in (part.scope.price_area, part.scope.grid_area):
            return part
        by_name = weigh.nameplate_kw(part.pump_ids) / whole_kw
        shares = [
            mine / all_ if all_ > 0 else by_name for mine, all_ in zip(weigh.of(part.pump_ids), whole, strict=True)
        ]
        power = tuple(round(kw * one, 4) for kw, one in zip(nominated_kw, shares, strict=True))
        return part.model_copy(update={"nominated": nomination.power.model_copy(update={"power_kw": power})})

    return tuple(shard.model_copy(update={"parts": tuple(share(part) for part in shard.parts)}) for shard in shards)


class _Weights:
    """Load that a curve expected of pumps, slot by slot."""

    def __init__(self, within: Sequence[Enrolment], expected: Sequence[ExpectedLoad], skip: int, slots: int) -> None:
        self._kw = {e.pump_id: e.nameplate_kw for e in within}
        self._of = {pump_id: place for place, one in enumerate(expected) for pump_id in one.pump_ids}
        self._per_kw: dict[int | None, list[float]] = {}
        """Load per kW of nameplate of each of the curve's parts, and under None of all of them."""
        load, known_kw = [0.0] * slots, 0.0
        for place, one in enumerate(expected):
            if (kw := self.nameplate_kw(one.pump_ids)) > 0:
                mine = one.load_kw[skip : skip + slots]
                self._per_kw[place] = [of_slot / kw for of_slot in mine]
                load, known_kw = [a + b for a, b in zip(load, mine, strict=True)], known_kw + kw
        self._per_kw[None] = [of_slot / known_kw for of_slot in load] if known_kw else [1.0] * slots

    def nameplate_kw(self, pump_ids: Iterable[str]) -> float:
        """Nameplate power of those that are still enrolled."""
        return sum(self._kw.get(pump_id, 0.0) for pump_id in pump_ids)

    def of(self, pump_ids: Iterable[str]) -> list[float]:
        """The expected load of these pumps together, by slot of the plan."""
        by_place: dict[int | None, float] = defaultdict(float)
        for pump_id in pump_ids:
            by_place[self._of.get(pump_id)] += self._kw.get(pump_id, 0.0)
        loads = [[kw * one for one in self._per_kw[place]] for place, kw in by_place.items() if kw > 0]
        return [sum(of_slot) for of_slot in zip(*loads, strict=True)] if loads else [0.0] * len(self._per_kw[None])
