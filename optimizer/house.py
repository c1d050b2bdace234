"""What the planner believes of a house: class priors, bounded by the installer's sizing, and what was learned since.

Symbols: UA heat loss, kW/K; C accessible heat capacity, kWh/K; K heat the emitters give per kelvin of water above the
room, kW/K; s_m shift of the mean water temperature in mode m, K; g room feedback of the pump's own control, K of water
per K of room. What follows from them slot by slot is in `response`.

Invariant: nothing here comes from a simulator. A house is known by enrolment (class, area, emitter, rated power, band),
by its lever, and by the room temperature that was observed.

Sources: UA and C after the TABULA table for German single-family houses (ISO 13790 capacity classes), solar aperture
likewise; emitters linearised at design; Carnot fraction 0.45 with 2 K / 4 K approaches, between When2Heat and the
Keymark medians of hplib; inverter part load after Rogeau et al. (2024), flattened.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from domain.homes.enrolment import BuildingClass, Enrolment
from domain.homes.learned import LearnedHouse, Source
from domain.homes.site import Emitter
from domain.modes import Mode
from domain.planning.fleet_plan import MOST_CHANGES_A_DAY, PumpForPlanning

Array = npt.NDArray[np.float64]

MODES: tuple[Mode, ...] = (Mode.MIN, Mode.LOW, Mode.MID, Mode.MAX)
MIN, LOW, MID, MAX = range(4)

LOSS_W_PER_M2_K = {
    BuildingClass.OLD: 2.9,
    BuildingClass.RENOVATED: 1.7,
    BuildingClass.MODERN: 1.6,
    BuildingClass.NEW: 1.1,
}
CAPACITY_WH_PER_M2_K = {
    BuildingClass.OLD: 60.0,
    BuildingClass.RENOVATED: 55.0,
    BuildingClass.MODERN: 50.0,
    BuildingClass.NEW: 50.0,
}
SLAB_WH_PER_M2_K = 25.0
"""A heated screed of 50 mm, mostly."""
APERTURE_M2_PER_M2 = 0.02
"""Windows by what of the sun gets past frames, shades and curtains; low on purpose, since counted-on sun that does not
come leaves rooms cold."""
INTERNAL_GAINS_W_PER_M2 = 2.5
WATER_AT_DESIGN_C = {
    (BuildingClass.OLD, Emitter.RADIATOR): 50.0,
    (BuildingClass.RENOVATED, Emitter.RADIATOR): 47.0,
    (BuildingClass.MODERN, Emitter.RADIATOR): 44.0,
    (BuildingClass.NEW, Emitter.RADIATOR): 40.0,
}
FLOOR_WATER_AT_DESIGN_C = 33.0
"""Mean water temperature at the design outdoor temperature and a room of 20 degrees C."""

CARNOT_FRACTION = 0.45
COP_LIMITS = (1.0, 7.0)
STANDBY_KW = 0.017
CIRCULATION_KW_PER_KW = 0.005
"""Controller and circulating pump run whether the compressor does or not: the median of hplib's Keymark units, and an
efficient pump's half a per cent of the rated heat."""
DEFROST_SHARE = 0.08
DEFROST_WORST_C, DEFROST_WIDTH_K = 0.0, 4.0
"""Heat that a coil icing up and its defrosts take from the rooms, most of it a little above freezing, where air is wet:
3 to 12 % between -4 and 3 C after Rogeau et al. (2024)."""
ASSUMED_ROOM_C = 21.0
SENSED_MARGIN_K = 0.4
UNSENSED_MARGIN_K = 0.6
"""Kept inside the comfort band, because houses follow another physics than the plan's."""
ROOM_C = (5.0, 40.0)
"""What a living room's sensor can truly show; anything else is a broken sensor."""
DESIGN_OUTDOOR_C = (-40.0, 15.0)
USUAL_DESIGN_OUTDOOR_C = -12.0
MODEL_DOUBT = 0.5
"""The true drop below the held room may be this share larger than the model's; the floor leaves room for it."""


@dataclass(frozen=True)
class House:
    """One home as the planner imagines it."""

    pump_id: str
    loss_kw_per_k: float
    capacity_kwh_per_k: float
    emitter_kw_per_k: float
    feedback: float
    shift_k: tuple[float, ...]
    gains_kw: float
    aperture_m2: float
    rated_heat_kw: float
    design_outdoor_c: float
    standby_kw: float
    room_held_c: float
    """What neutral holds: as learned, or the observed room temperature, or the assumed one."""
    room_start_c: float
    """Where the horizon starts."""
    power_scale: float
    """Electricity for heating as a multiple of what the classes' efficiency makes it."""
    room_min_c: float
    room_max_c: float
    margin_k: float
    sensed: bool
    may_set_back: bool = True
    low_shift_k: tuple[float, ...] = (0.0,)
    """By how much the accepted minimum of each slot lies above `room_min_c`; one figure for all slots where it is 0."""
    high_shift_k: tuple[float, ...] = (0.0,)
    """By how much the accepted maximum of each slot lies below `room_max_c`, as above."""
    sun_kw: tuple[float, ...] = (0.0,)
    """What the home's own roof has left over in each slot; one figure for all slots where it is 0."""
    feed_in_eur_per_mwh: float = 0.0
    """What that earns where it is fed in."""
    most_changes: int = MOST_CHANGES_A_DAY
    """Changes of mode that a plan day may hold."""


@dataclass(frozen=True)
class Houses:
    """Many homes as arrays (B,), `shift_k` (B, M): the same fields as `House`, without its id.

    What shifts a band by slot is (B, N), or (B, 1) where no home's band changes.
    """

    loss_kw_per_k: Array
    capacity_kwh_per_k: Array
    emitter_kw_per_k: Array
    feedback: Array
    shift_k: Array
    gains_kw: Array
    aperture_m2: Array
    rated_heat_kw: Array
    design_outdoor_c: Array
    standby_kw: Array
    room_held_c: Array
    room_start_c: Array
    power_scale: Array
    room_min_c: Array
    room_max_c: Array
    margin_k: Array
    sensed: npt.NDArray[np.bool_]
    may_set_back: npt.NDArray[np.bool_]
    low_shift_k: Array
    high_shift_k: Array
    sun_kw: Array
    """(B, N), or (B, 1) where no home has a roof of its own."""
    feed_in_eur_per_mwh: Array
    most_changes: npt.NDArray[np.int64]

    @classmethod
    def of(cls, houses: Sequence[House]) -> "Houses":
        """The arrays of some houses."""
        alike = list(houses)
        for name in ("low_shift_k", "high_shift_k", "sun_kw"):
            slots = max((len(getattr(house, name)) for house in houses), default=1)
            alike = [
                house if len(getattr(house, name)) == slots else replace(house, **{name: getattr(house, name) * slots})
                for house in alike
            ]
        return cls(**{f.name: np.array([getattr(house, f.name) for house in alike]) for f in fields(cls)})

    @property
    def size(self) -> int:
        """B."""
        return len(self.loss_kw_per_k)

    def part(self, rows: npt.NDArray[np.intp]) -> "Houses":
        """Some of the houses."""
        return Houses(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @property
    def floor_c(self) -> Array:
        """Coldest room the plan aims for: the band's floor plus what the model may be wrong by."""
        return self._floor_c(self.room_held_c, self.room_min_c, self.margin_k)

    @property
    def floor_by_slot_c(self) -> Array:
        """As `floor_c`, (B, N) or (B, 1), for the band of each slot."""
        held, lowest, margin = self.room_held_c[:, None], self.room_min_c[:, None], self.margin_k[:, None]
        return self._floor_c(held, lowest + self.low_shift_k, margin)

    @staticmethod
    def _floor_c(held_c: Array, room_min_c: Array, margin_k: Array) -> Array:
        doubted = held_c - (held_c - room_min_c) / (1 + MODEL_DOUBT)
        return np.asarray(np.maximum(room_min_c + margin_k, doubted))

    @property
    def ceiling_c(self) -> Array:
        """Warmest room the plan aims for."""
        return np.asarray(np.maximum(self.room_max_c - self.margin_k, self.floor_c + 0.1))


def house_of(pump: PumpForPlanning) -> House:
    """Class priors for a pump: its building class per square metre, bounded by what the installer sized it for."""
    enrolment, spec = pump.profile.enrolment, pump.profile.heating.spec
    assert spec.response is not None, "a heating lever declares its response"
    area_m2 = enrolment.heated_area_m2
    design_outdoor_c = _believed(enrolment.design_outdoor_c, DESIGN_OUTDOOR_C, USUAL_DESIGN_OUTDOOR_C)
    design_lift_k = max(20.0 - design_outdoor_c, 10.0)
    sized_for = enrolment.rated_heat_kw / design_lift_k
    loss = LOSS_W_PER_M2_K[enrolment.building_class] * area_m2 / 1000
    loss = float(np.clip(loss, 0.5 * sized_for, 0.95 * sized_for))
    room_c = _believed(pump.room_c, ROOM_C, None) if pump.profile.has_room_sensor else None
    sensed = room_c is not None
    lows, highs = zip(*pump.accepts or [(enrolment.band.room_min_c, enrolment.band.room_max_c)], strict=True)
    low_c, high_c = min(lows), max(highs)
    held = ASSUMED_ROOM_C if room_c is None else room_c
    if not sensed:
        held = min(max(held, max(lows) + 2 * UNSENSED_MARGIN_K), min(highs) - UNSENSED_MARGIN_K)
    is_moved = pump.may_move and pump.most_changes > 0
    house = House(
        pump_id=enrolment.pump_id,
        loss_kw_per_k=loss,
        capacity_kwh_per_k=_capacity(enrolment),
        emitter_kw_per_k=loss * design_lift_k / (_water_at_design(enrolment) - 20.0),
        feedback=spec.response.feedback_k_per_k,
        # Modes without an effect: a pump that must not be moved has no authority.
        shift_k=tuple(is_moved * spec.response.water_k_per_unit * spec.deltas.get(mode, 0.0) for mode in MODES),
        gains_kw=INTERNAL_GAINS_W_PER_M2 * area_m2 / 1000,
        aperture_m2=APERTURE_M2_PER_M2 * area_m2,
        rated_heat_kw=enrolment.rated_heat_kw,
        design_outdoor_c=design_outdoor_c,
        standby_kw=STANDBY_KW + CIRCULATION_KW_PER_KW * enrolment.rated_heat_kw,
        room_held_c=held,
        room_start_c=held,
        power_scale=1.0,
        room_min_c=low_c,
        room_max_c=high_c,
        margin_k=SENSED_MARGIN_K if sensed else UNSENSED_MARGIN_K,
        sensed=sensed,
        may_set_back=pump.floor is Mode.MIN,
        low_shift_k=tuple(low - low_c for low in lows),
        high_shift_k=tuple(high_c - high for high in highs),
        sun_kw=(0.0,) if pump.own_sun is None else pump.own_sun.surplus_kw,
        feed_in_eur_per_mwh=0.0 if pump.own_sun is None else pump.own_sun.feed_in_eur_per_mwh,
        most_changes=min(pump.most_changes, MOST_CHANGES_A_DAY),
    )
    return house if pump.learned is None else as_learned(house, pump.learned, pump.lead_h)


def as_learned(house: House, learned: LearnedHouse, lead_h: float = 0.0) -> House:
    """The house with what is believed of it; a room read `lead_h` before the start has neared what neutral holds."""
    if learned.power is not Source.CLASS and learned.power_scale is not None:
        house = replace(house, power_scale=learned.power_scale.value)
    parts = learned.held_c, learned.capacity, learned.authority, learned.aperture
    held, capacity, authority, aperture = parts
    if learned.rooms is Source.CLASS or not (capacity and authority and aperture):
        return house
    acts = authority.value * (authority.low > 0)  # authority that cannot be told from zero is none
    house = replace(
        house,
        capacity_kwh_per_k=house.capacity_kwh_per_k * capacity.value,
        aperture_m2=house.aperture_m2 * aperture.value,
        shift_k=tuple(shift * acts for shift in house.shift_k),
    )
    if held is None or not house.sensed:
        return house
    memory_h = house.capacity_kwh_per_k / (house.emitter_kw_per_k * (1 + house.feedback) + house.loss_kw_per_k)
    left = math.exp(-lead_h / memory_h)
    return replace(house, room_held_c=held.value, room_start_c=held.value + left * (house.room_start_c - held.value))


def _believed[D: (float, None)](value: float | None, limits: tuple[float, float], otherwise: D) -> float | D:
    """The value, or what is assumed instead where it is missing, not finite, or nothing a house can have."""
    if value is None or not math.isfinite(value) or not limits[0] <= value <= limits[1]:
        return otherwise
    return value


def _capacity(enrolment: Enrolment) -> float:
    per_m2 = CAPACITY_WH_PER_M2_K[enrolment.building_class]
    if enrolment.emitter is Emitter.FLOOR:
        per_m2 += SLAB_WH_PER_M2_K
    return per_m2 * enrolment.heated_area_m2 / 1000


def _water_at_design(enrolment: Enrolment) -> float:
    if enrolment.emitter is Emitter.FLOOR:
        return FLOOR_WATER_AT_DESIGN_C
    return WATER_AT_DESIGN_C[(enrolment.building_class, enrolment.emitter)]


def cop(outdoor_c: Array, water_c: Array, part_load: Array) -> Array:
    """Coefficient of performance at a mean water temperature and a share of the rated output; shapes broadcast."""
    condensing_k = water_c + 2.5 + 2.0 + 273.15  # supply is half the spread above the mean, 2 K approach
    evaporating_k = outdoor_c - 4.0 + 273.15
    lift_k = np.maximum(condensing_k - evaporating_k, 12.0)
    part_load_factor = 1.10 - 0.15 * np.clip(part_load, 0.2, 1.0)
    left = left_by_defrosts(outdoor_c)
    return np.clip(CARNOT_FRACTION * condensing_k / lift_k * part_load_factor * left, *COP_LIMITS)


def left_by_defrosts(outdoor_c: Array) -> Array:
    """Share of an air source's heat that ice on its coil leaves to the house."""
    return np.asarray(1 - DEFROST_SHARE * np.exp(-(((outdoor_c - DEFROST_WORST_C) / DEFROST_WIDTH_K) ** 2)))


def steady_power(houses: Houses, outdoor_c: Array, room_c: Array) -> Array:
    """Electrical power that holds rooms at `room_c` (B,) for ever, kW (B, N) for outdoor temperatures (N,)."""
    room = room_c[:, None]
    heat = np.maximum(houses.loss_kw_per_k[:, None] * (room - outdoor_c) - houses.gains_kw[:, None], 0.0)
    water = room + heat / houses.emitter_kw_per_k[:, None]
    per_heat = houses.power_scale[:, None] / cop(outdoor_c, water, heat / houses.rated_heat_kw[:, None])
    return np.asarray(heat * per_heat)
