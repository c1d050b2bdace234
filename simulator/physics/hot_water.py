"""The hot-water tank: what people draw, what it loses, when the unit charges it, and its own hygiene cycle.

Protects: the unit keeps its own limits whatever a lever says; no lever suppresses the hygiene cycle, and none takes
the tank beyond the unit's highest step.

Source of the form: one mixed mass. Standing losses of 60 to 90 W at 50 C are those of well insulated tanks of 200 l
(EN 12897); people draw 35 to 50 l of 40 C water a day each (EN 16147's cycles M and L are two to five of them).
"""

from dataclasses import dataclass

WATER_WH_PER_L_K = 1.163
COLD_C = 10.0
TAP_C = 40.0
PLACE_C = 18.0
"""Where the tank stands: in a utility room outside the heated rooms, so that its loss does not warm them."""
NORMAL = 1.0
CHARGE_C: dict[float, tuple[float, float]] = {
    0.0: (38.0, 45.0),
    1.0: (42.0, 48.0),
    2.0: (46.0, 52.0),
    4.0: (42.0, 48.0),
}
"""Charging begins at the first and ends at the second temperature, by comfort step; smart control (4) that has learned
nothing yet is the normal step."""
TARGET_HYSTERESIS_K = 6.0
"""A tank with a target temperature is charged once it is so much cooler; about what the steps above have too."""
HYGIENE_EVERY_S = 14 * 86400.0
HYGIENE_C = 60.0
_HYGIENE_CHARGE_C = (50.0, 52.0)
"""How far the compressor goes in the hygiene cycle: there its supply reaches the unit's own limit of 60 C."""
HYGIENE_HEATER_W = 3000.0


@dataclass(frozen=True, slots=True)
class Tank:
    """One tank as built."""

    water_wh_k: float
    loss_w_k: float
    """Standing loss per kelvin over the place where it stands."""
    charge_w: float
    """Heat that its coil is made for; the compressor is slowed down to it."""
    coil_w_k: float
    """Heat that the coil gives per kelvin between the supply and the tank."""


@dataclass(slots=True)
class TankState:
    """What a tank and its control remember."""

    water_c: float = 46.0
    wants: bool = False
    """It is to be charged; the compressor follows as soon as its rest allows."""
    hygiene: bool = False
    since_hygiene_s: float = 0.0


def charge_band_c(comfort: float) -> tuple[float, float]:
    """Where charging begins and ends, for a comfort step or, above all steps, for a target temperature in degrees C."""
    return CHARGE_C.get(comfort) or (comfort - TARGET_HYSTERESIS_K, comfort)


def wants_charge(state: TankState, comfort: float, step_s: float) -> bool:
    """The unit's own decision for one step, with hysteresis; `comfort` as in `charge_band_c`."""
    state.since_hygiene_s += step_s
    if state.since_hygiene_s >= HYGIENE_EVERY_S:
        state.hygiene = True
    start_c, stop_c = _HYGIENE_CHARGE_C if state.hygiene else charge_band_c(comfort)
    if state.wants:
        state.wants = state.water_c < stop_c
    else:
        state.wants = state.water_c <= start_c
    return state.wants


def step_tank(tank: Tank, state: TankState, heat_w: float, drawn_l: float, hours: float) -> None:
    """Advance a tank by a short step; `drawn_l` is water at 40 C, mixed from the tank's and the main's."""
    water_c = state.water_c
    over_k = water_c - COLD_C if water_c < TAP_C else TAP_C - COLD_C
    gained_wh = (heat_w - tank.loss_w_k * (water_c - PLACE_C)) * hours - WATER_WH_PER_L_K * drawn_l * over_k
    state.water_c = water_c + gained_wh / tank.water_wh_k
    if state.hygiene and state.water_c >= HYGIENE_C:
        state.hygiene, state.since_hygiene_s = False, 0.0


def tank_stored_kwh(tank: Tank, state: TankState) -> float:
    """Heat held above 0 degrees C."""
    return tank.water_wh_k * state.water_c / 1000.0
