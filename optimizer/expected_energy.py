"""What the model of a house expects it to draw, slot by slot: for settlement, where nothing was measured.

Protects: it is a model's figure from enrolment, weather and what was learned; whoever uses it says so.
"""

from collections.abc import Sequence

import numpy as np

from domain.homes.enrolment import PumpProfile
from domain.homes.learned import LearnedHouse
from domain.modes import Mode
from domain.planning.fleet_plan import PumpForPlanning
from domain.slots import SLOT_HOURS
from optimizer.house import MODES, Houses, cop, house_of


def expected_kwh(
    profile: PumpProfile,
    outdoor_c: Sequence[float],
    modes: Sequence[Mode],
    room_c: float | None,
    learned: LearnedHouse | None = None,
) -> tuple[float, ...]:
    """Electrical energy by slot, kWh, of a house whose room is near `room_c`, in the mode of each slot.

    A mode's shift of the water moves the heat as it does at first; standing by costs something always. Without
    what was `learned` of the house it is one of its class.
    """
    house = house_of(PumpForPlanning(profile=profile, room_c=room_c, learned=learned))
    houses = Houses.of([house])
    outdoor = np.asarray(outdoor_c, dtype=float)
    shift_k = np.array([house.shift_k[MODES.index(mode)] for mode in modes])
    steady_kw = np.maximum(house.loss_kw_per_k * (house.room_held_c - outdoor) - house.gains_kw, 0.0)
    heat_kw = np.clip(steady_kw + house.emitter_kw_per_k * shift_k * (steady_kw > 0), 0.0, house.rated_heat_kw)
    water_c = house.room_held_c + heat_kw / houses.emitter_kw_per_k
    power_kw = house.power_scale * heat_kw / cop(outdoor, water_c, heat_kw / houses.rated_heat_kw) + house.standby_kw
    return tuple(float(kw) * SLOT_HOURS for kw in power_kw)


def kwh_to_warm(profile: PumpProfile, rise_k: float, outdoor_c: float, room_c: float | None) -> float:
    """Electricity that warms such a house by so much, kWh; negative for a fall."""
    house = house_of(PumpForPlanning(profile=profile, room_c=room_c))
    steady_kw = max(house.loss_kw_per_k * (house.room_held_c - outdoor_c) - house.gains_kw, 0.0)
    water_c = np.array(house.room_held_c + steady_kw / house.emitter_kw_per_k)
    load = np.array(min(1.0, steady_kw / house.rated_heat_kw))
    return house.capacity_kwh_per_k * rise_k / float(cop(np.array(outdoor_c), water_c, load))
