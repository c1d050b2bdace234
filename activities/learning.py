"""Learning of houses, once the day is settled: from a month of observations to a version in the ledger.

Protects: learning anew on the same day makes no second version, and one house's bad numbers cost the others nothing.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from domain.homes.enrolment import PumpProfile
from domain.homes.learned import HouseRecord, LearnedHouse, LearnedHouses, ObservedHouses, ObservedSlot
from domain.modes import Mode
from domain.planning.series import WeatherSeries
from domain.ports import SeriesStore
from domain.slots import SLOT, slots_between

log = structlog.get_logger(__name__)

LOOK_BACK = timedelta(days=28)
LEAST = timedelta(days=7)
"""Of observations, before anything is made of them."""
AGAIN_AFTER = timedelta(days=6.5)
"""Houses change slowly: each is learned once a week, which spreads a fleet over the days."""
DAY = timedelta(days=1)

Learner = Callable[[PumpProfile, HouseRecord, datetime], LearnedHouse]
FleetMean = Callable[[Sequence[LearnedHouse]], list[LearnedHouse]]


@dataclass(frozen=True)
class HouseLearning:
    """Learns the houses of some pumps."""

    observed: ObservedHouses
    learned: LearnedHouses
    series: SeriesStore
    learn: Learner
    with_the_fleet: FleetMean
    """Gives houses whose power is not seen what those of their batch showed."""

    async def learn_batch(self, profiles: Sequence[PumpProfile], end: datetime, now: datetime) -> int:
        """Learn those that are due from what was observed before `end`; returns how many new versions there are."""
        newest = await self.learned.newest([profile.enrolment.pump_id for profile in profiles])
        due = [profile for profile in profiles if _is_due(newest.get(profile.enrolment.pump_id), now)]
        if not due:
            return 0
        start = end - LOOK_BACK
        ids = [profile.enrolment.pump_id for profile in due]
        observed = await self.observed.observed(ids, start, end)
        modes = await self.observed.modes(ids, start, end)
        weather = {cell: await self._weather(cell, start, end) for cell in {p.enrolment.weather_cell for p in due}}
        found = []
        for profile in due:
            pump_id, cell = profile.enrolment.pump_id, profile.enrolment.weather_cell
            record = record_of(observed.get(pump_id, ()), modes.get(pump_id, ()), weather[cell], start, end)
            if record is None:
                continue
            try:
                found.append(await asyncio.to_thread(self.learn, profile, record, now))
            except Exception as error:  # noqa: BLE001 -- one house's bad numbers must not cost the others theirs
                log.warning("house not learned", pump=pump_id, reason=str(error).partition("\n")[0][:240])
        others = [one for pump_id, one in newest.items() if pump_id not in ids]
        return await self.learned.keep(self.with_the_fleet([*found, *others])[: len(found)])

    async def _weather(self, cell: str, start: datetime, end: datetime) -> Mapping[datetime, tuple[float, float]]:
        """Outdoor temperature and radiation by slot, day by day from the newest forecast that covers the day."""
        found: dict[datetime, tuple[float, float]] = {}
        for day in slots_between(start, end)[:: DAY // SLOT]:
            until = min(day + DAY, end)
            known: WeatherSeries | None = await self.series.newest_weather(cell, day, until)
            if known is not None:
                known = known.cut(day, (until - day) // SLOT)
                pairs = zip(known.outdoor_c, known.radiation_w_per_m2, strict=True)
                found |= {day + n * SLOT: pair for n, pair in enumerate(pairs)}
        return found


def record_of(
    observed: Sequence[ObservedSlot],
    modes: Sequence[tuple[datetime, Mode]],
    weather: Mapping[datetime, tuple[float, float]],
    start: datetime,
    end: datetime,
) -> HouseRecord | None:
    """A house's past on whole days, from the first with observations on; None where that is too short.

    A slot without weather counts as not observed, with the last weather known. A unit that never says that it charges
    its tank does not tell hot water apart, and its power says nothing of heating.
    """
    by_slot = {one.slot: one for one in observed}
    first = min(by_slot, default=end)
    begin = start + (first - start) // DAY * DAY
    if end - begin < LEAST or not weather:
        return None
    tells_water_apart = any(one.on_water for one in observed)
    slots, last = slots_between(begin, end), weather[min(weather)]
    known_weather, seen, in_force = [], [], []
    place, mode = 0, Mode.LOW
    for slot in slots:
        last = weather.get(slot, last)
        known_weather.append(last)
        seen.append(by_slot.get(slot) if slot in weather else None)
        while place < len(modes) and modes[place][0] <= slot + SLOT / 2:
            mode = modes[place][1]
            place += 1
        in_force.append(mode)
    power = [None if one is None or one.heating_w is None else one.heating_w / 1000 for one in seen]
    return HouseRecord(
        start=begin,
        room_c=[None if one is None else one.room_c for one in seen],
        heating_kw=power if tells_water_apart else [None] * len(slots),
        modes=in_force,
        outdoor_c=[outdoor for outdoor, _ in known_weather],
        sun_w_per_m2=[sun for _, sun in known_weather],
    )


def _is_due(newest: LearnedHouse | None, now: datetime) -> bool:
    return newest is None or now - newest.learned_at >= AGAIN_AFTER
