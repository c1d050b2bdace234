"""What acts on each house from outside its heating: weather here, people, airing, and the sensor's noise.

Protects: a pure function of seed, house and steered time, so that a house and its twin, and a run and its
repetition, live through the same day.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from simulator.physics.building import Surroundings
from simulator.physics.house import HouseSpec
from simulator.physics.weather import Weather, instant
from simulator.seeded import bell, share

_PRESENCE = (
    *(0.62, 0.60, 0.60, 0.60, 0.62, 0.75, 1.15, 1.30, 1.00, 0.80, 0.75, 0.80),
    *(0.95, 0.85, 0.75, 0.80, 0.95, 1.30, 1.55, 1.60, 1.55, 1.45, 1.20, 0.80),
)
"""People and their appliances by local hour, mean about one."""
_DRAWN = (
    *(0.3, 0.1, 0.1, 0.1, 0.3, 1.0, 2.4, 2.6, 1.6, 1.0, 0.8, 0.8),
    *(1.0, 0.9, 0.6, 0.6, 0.7, 1.0, 1.5, 1.7, 1.6, 1.6, 1.1, 0.6),
)
"""Hot water by local hour, mean about one."""
_DRAW_MIN = 12
"""Minutes in which an hour's water is drawn: a shower, a sink."""
_NOISES = 1024
_NOISE_K = 0.03


class HouseDay:
    """The random part of one house's hour (people, airing, hot water), drawn when the hour begins."""

    __slots__ = ("_draw_from_min", "_drawn_l", "_hour", "_people", "_seed", "_spec", "around")

    def __init__(self, seed: int, spec: HouseSpec) -> None:
        self._seed = seed
        self._spec = spec
        self._hour = -1
        self._people = (1.0, 1.0, 1.0)
        self._draw_from_min = 0
        self._drawn_l = 0.0
        self.around = Surroundings()

    def refresh(self, moment_s: float, outdoor_c: float, radiation_w_m2: float, hour: float, noise_k: float) -> None:
        """Set the surroundings for the minute that begins at a moment; `hour` is the local hour with fraction."""
        number = int(moment_s // 3600)
        if number != self._hour:
            self._hour = number
            index = self._spec.index
            self._people = (
                1.0 + 0.3 * bell(self._seed, "people", index, number),
                1.0 + 0.3 * bell(self._seed, "people", index, number + 1),
                1.0 + 0.6 * max(0.0, share(self._seed, "airing", index, number) - 0.7),
            )
            self._draw_water(index, number, hour)
        first, second, airing = self._people
        weight = moment_s % 3600 / 3600
        household, around = self._spec.household, self.around
        usual_w = household.people_base_w + household.people_per_m2_w * self._spec.building.area_m2
        presence = _PRESENCE[int(hour + household.early_h) % 24]
        around.outdoor_c = outdoor_c + self._spec.local_outdoor_k
        around.radiation_w_m2 = radiation_w_m2
        around.people_w = usual_w * presence * max(0.1, first * (1 - weight) + second * weight)
        around.ventilation_factor = airing if 6 <= hour < 22 else 1.0
        around.sensor_noise_k = noise_k
        minute = int(moment_s % 3600 / 60) - self._draw_from_min
        around.drawn_l = self._drawn_l if 0 <= minute < _DRAW_MIN else 0.0

    def _draw_water(self, index: int, number: int, hour: float) -> None:
        """An hour's hot water, drawn at once somewhere in it: some hours none, others twice the usual and more."""
        household = self._spec.household
        factor = max(0.0, 1.0 + 0.9 * bell(self._seed, "hot-water", index, number))
        usual = _DRAWN[int(int(hour) + household.early_h) % 24]  # of the whole hour, whenever in it this is asked
        litres = household.drawn_l_day / 24.0 * usual * factor
        self._draw_from_min = int(share(self._seed, "tap", index, number) * (60 - _DRAW_MIN))
        self._drawn_l = litres / _DRAW_MIN


class Outside:
    """The weather's truth and the local clock, looked up once a minute for all houses."""

    def __init__(self, seed: int, weather: Weather, tz: ZoneInfo, specs: list[HouseSpec]) -> None:
        self._weather = weather
        self._tz = tz
        self._noises_k = tuple(_NOISE_K * bell(seed, "noise", i) for i in range(_NOISES))
        self.days = [HouseDay(seed, spec) for spec in specs]
        self.outdoor_c = 0.0

    def refresh(self, moment_s: float) -> None:
        """Set everything for the minute that begins at a moment."""
        self.outdoor_c, radiation_w_m2 = self._weather.truth(moment_s)
        local: datetime = instant(moment_s).astimezone(self._tz)
        hour = local.hour + local.minute / 60.0
        minute = int(moment_s // 60)
        for index, day in enumerate(self.days):
            noise_k = self._noises_k[(minute + 37 * index) % _NOISES]
            day.refresh(moment_s, self.outdoor_c, radiation_w_m2, hour, noise_k)
