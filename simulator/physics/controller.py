"""The unit's own control: heating curve, degree minutes or supply hysteresis, hot water first, inverter speed.

Protects: a lever only moves the target of the supply; when the compressor runs stays the unit's own business,
and it is never started before its rest is over. One compressor serves rooms or tank, never both at once.
"""

from dataclasses import dataclass

from simulator.physics.building import Temperatures
from simulator.physics.heat_pump import DEFROST_TAKES, ICE_BELOW_C, HeatPump, capacity_w, icing

CURVE_FROM_C = -20.0
CURVE_STEP_K = 5.0
CURVE_KNOTS = 9
SETPOINT_STEP_K = 2.0
"""Supply per kelvin of room setpoint."""

START_DM = -60.0
STOP_DM = 0.0
BACKUP_DM = -700.0
BACKUP_OFF_DM = -500.0
_BACKUP_SECOND_DM = -100.0
_MOST_DM = 30.0
_LEAST_DM = -1000.0
MIN_OFF_S = 600.0
MIN_CYCLE_S = 1200.0
"""From one start to the next."""
MIN_ON_S = 360.0
SUMMER_OUTDOOR_C = 17.0
DEBT_MEMORY_H = 6.0
THERMOSTAT_HALF_K = 0.3
"""Half the hysteresis of a room thermostat."""
COLD_START_LACK_K = 3.0
"""Most that a supply which comes back from a thermostat's rest counts towards the immersion heater's debt."""
SPEED_PER_MIN = 0.06
"""Most by which the share of full speed changes in a minute."""


@dataclass(frozen=True, slots=True)
class Control:
    """Settings an installer left, never touched by steering."""

    by_setpoint: bool
    """Room setpoint with room feedback and supply hysteresis; else heating offset and degree minutes."""
    offset_step_k: float
    """Supply per step of the heating offset."""
    curve_c: tuple[float, ...]
    """Supply by smoothed outdoor temperature, from -20 C in steps of 5 K, at the commissioned setting."""
    commissioned: float
    """The lever's setting at which the curve was tuned."""
    supply_min_c: float
    supply_max_c: float
    filter_h: float
    """Time constant of the outdoor temperature's smoothing."""
    room_gain: float
    """Supply per kelvin that the room lacks."""
    gain_per_k: float
    """Share of full speed per kelvin of supply error."""
    reset_h: float
    """Time in which a lasting error doubles that."""
    thermostat_c: float | None = None
    """Room temperature at which a thermostat stops heating, where the supply is fixed, its curve level; else None."""

    @property
    def by_hysteresis(self) -> bool:
        """The compressor starts and stops by the supply's error; else by degree minutes."""
        return self.by_setpoint or self.thermostat_c is not None


@dataclass(slots=True)
class ControlState:
    """What the controller remembers."""

    smoothed_outdoor_c: float
    degree_minutes: float = -30.0
    running: bool = False
    modulation: float = 0.0
    integral: float = 0.0
    """Part of the speed that a lasting error has built up."""
    since_switch_s: float = 3600.0
    since_start_s: float = 3600.0
    backup_share: float = 0.0
    supply_c: float = 25.0
    target_c: float = 25.0
    starts: int = 0
    on_water: bool = False
    """The compressor charges the tank."""
    heated_before: bool = False
    """It was heating rooms when the charge began."""
    warm_enough: bool = False
    """A room thermostat has stopped heating."""
    iced_s: float = 0.0
    defrost_left_s: float = 0.0


def curve_supply_c(curve_c: tuple[float, ...], outdoor_c: float) -> float:
    """The curve by straight lines, level beyond its ends."""
    position = (outdoor_c - CURVE_FROM_C) / CURVE_STEP_K
    if position <= 0:
        return curve_c[0]
    if position >= CURVE_KNOTS - 1:
        return curve_c[-1]
    knot = int(position)
    return curve_c[knot] + (curve_c[knot + 1] - curve_c[knot]) * (position - knot)


def target_supply_c(control: Control, smoothed_outdoor_c: float, setting: float, room_sensor_c: float) -> float:
    """Supply temperature the unit aims at, for a lever's setting."""
    step_k = SETPOINT_STEP_K if control.by_setpoint else control.offset_step_k
    target_c = curve_supply_c(control.curve_c, smoothed_outdoor_c) + step_k * (setting - control.commissioned)
    if control.by_setpoint:
        lacking_k = setting - room_sensor_c
        target_c += control.room_gain * max(-3.0, min(3.0, lacking_k))
    return max(control.supply_min_c, min(control.supply_max_c, target_c))


def step_control(
    control: Control,
    state: ControlState,
    pump: HeatPump,
    now: Temperatures,
    setting: float,
    outdoor_c: float,
    room_sensor_c: float,
    step_s: float,
    water_w: float = 0.0,
    heating_allowed: bool = True,
) -> tuple[float, float]:
    """Decide one step: heat of the compressor (for the tank while `on_water`) and of the immersion heater, in W.

    `water_w` is the heat that the tank wants, zero where it wants none.
    """
    state.smoothed_outdoor_c += (outdoor_c - state.smoothed_outdoor_c) * step_s / (control.filter_h * 3600.0)
    state.target_c = target_supply_c(control, state.smoothed_outdoor_c, setting, room_sensor_c)
    state.since_switch_s += step_s
    state.since_start_s += step_s
    error_k = state.target_c - state.supply_c
    if control.thermostat_c is not None:
        _step_thermostat(control.thermostat_c, state, room_sensor_c)
        heating_allowed = heating_allowed and not state.warm_enough
    if heating_allowed:  # hot water and defrosts count too: the rooms get back what they missed
        _step_degree_minutes(control, state, error_k, step_s)
    wants_heat = heating_allowed and state.smoothed_outdoor_c < SUMMER_OUTDOOR_C
    wants_water = water_w > 0.0
    if wants_water or state.on_water:
        _serve_water(control, state, pump, error_k, wants_water, wants_heat)
    if state.running:
        if (
            not state.on_water
            and state.since_switch_s >= MIN_ON_S
            and (not wants_heat or _may_stop(control, state, pump, error_k))
        ):
            _stop(state)
    elif wants_heat and not wants_water and _may_start(control, state, error_k):
        _start(control, state, pump, error_k)
    _step_backup(state, wants_heat)
    backup_w = state.backup_share * pump.backup_w
    heat_w = 0.0
    if state.running:
        full_w = capacity_w(pump, outdoor_c)
        if state.on_water:
            if wants_water:
                state.modulation = max(pump.minimum_modulation, min(1.0, water_w / full_w))
        else:
            _step_speed(control, state, pump, error_k, step_s)
        heat_w = state.modulation * full_w
        if outdoor_c < ICE_BELOW_C or state.defrost_left_s > 0.0:
            heat_w = _defrosted_w(state, pump, heat_w, full_w, outdoor_c, step_s)
    to_rooms_w = backup_w if state.on_water and heat_w > 0.0 else heat_w + backup_w
    state.supply_c = now.water_c + to_rooms_w / (2.0 * pump.flow_w_k)
    return heat_w, backup_w


def _start(control: Control, state: ControlState, pump: HeatPump, error_k: float) -> None:
    state.running, state.modulation = True, pump.minimum_modulation + 0.15
    state.since_switch_s = state.since_start_s = 0.0
    state.integral = state.modulation - control.gain_per_k * error_k
    state.starts += 1


def _stop(state: ControlState) -> None:
    state.running, state.modulation, state.since_switch_s = False, 0.0, 0.0
    state.on_water, state.defrost_left_s = False, 0.0


def _serve_water(
    control: Control, state: ControlState, pump: HeatPump, error_k: float, wants_water: bool, wants_heat: bool
) -> None:
    """Hot water goes first: turn the compressor to the tank, and back to the rooms or off when it is charged."""
    if wants_water:
        if state.running and not state.on_water:
            state.on_water, state.heated_before = True, True
        elif not state.running and _is_rested(state):
            _start(control, state, pump, error_k)
            state.on_water, state.heated_before = True, False
        return
    rooms_want = wants_heat and (state.heated_before or _lacks(control, state, error_k))
    if rooms_want:
        state.on_water = False
        if not state.heated_before:
            state.integral = state.modulation - control.gain_per_k * error_k
    elif state.since_switch_s >= MIN_ON_S:
        _stop(state)


def _defrosted_w(
    state: ControlState, pump: HeatPump, heat_w: float, full_w: float, outdoor_c: float, step_s: float
) -> float:
    """Heat of the step; in a defrost it is negative, taken back out of the house's water."""
    if state.defrost_left_s <= 0.0:
        state.iced_s += step_s * icing(outdoor_c)
        if state.iced_s < pump.defrost_every_s:
            return heat_w
        state.iced_s, state.defrost_left_s = 0.0, pump.defrost_s + step_s
    state.defrost_left_s -= step_s
    return heat_w if state.defrost_left_s <= 0.0 else -DEFROST_TAKES * full_w


def _step_thermostat(stops_at_c: float, state: ControlState, room_c: float) -> None:
    """It knows the room only; a room that is warm enough misses nothing, so that its debt is over."""
    if room_c > stops_at_c + THERMOSTAT_HALF_K:
        state.warm_enough, state.degree_minutes = True, 0.0
    elif room_c < stops_at_c - THERMOSTAT_HALF_K:
        state.warm_enough = False


def _step_degree_minutes(control: Control, state: ControlState, error_k: float, step_s: float) -> None:
    if control.thermostat_c is not None:
        error_k = min(error_k, COLD_START_LACK_K)
    debt = state.degree_minutes - error_k * step_s / 60.0
    if control.by_hysteresis:
        # Here the debt only calls the immersion heater, and forgets: it needs a lasting lack of about 2 K.
        debt -= debt * step_s / (DEBT_MEMORY_H * 3600.0)
    state.degree_minutes = max(_LEAST_DM, min(0.0 if control.by_hysteresis else _MOST_DM, debt))


def _is_rested(state: ControlState) -> bool:
    return state.since_switch_s >= MIN_OFF_S and state.since_start_s >= MIN_CYCLE_S


def _lacks(control: Control, state: ControlState, error_k: float) -> bool:
    return error_k > 2.5 if control.by_hysteresis else state.degree_minutes <= START_DM


def _may_start(control: Control, state: ControlState, error_k: float) -> bool:
    return _is_rested(state) and _lacks(control, state, error_k)


def _may_stop(control: Control, state: ControlState, pump: HeatPump, error_k: float) -> bool:
    if error_k < -12.0:  # high pressure: the water takes no more heat
        return True
    if control.by_hysteresis:
        return error_k < -3.0 and state.modulation <= pump.minimum_modulation + 1e-9
    return state.degree_minutes >= STOP_DM


def _step_backup(state: ControlState, wants_heat: bool) -> None:
    """The immersion heater comes in two steps, on a deep debt of degree minutes only."""
    if not wants_heat or state.degree_minutes > BACKUP_OFF_DM:
        state.backup_share = 0.0
    elif state.degree_minutes < BACKUP_DM + _BACKUP_SECOND_DM:
        state.backup_share = 1.0
    elif state.degree_minutes < BACKUP_DM:
        state.backup_share = max(state.backup_share, 0.5)


def _step_speed(control: Control, state: ControlState, pump: HeatPump, error_k: float, step_s: float) -> None:
    """Proportional and integral control of the inverter, slow as compressors are driven."""
    if not control.by_hysteresis:
        # A debt of degree minutes is worked off by running a little above the target.
        error_k += max(-1.0, min(3.0, (START_DM - state.degree_minutes) * 0.01))
    demanded = state.integral + control.gain_per_k * error_k
    # Held at a stop, the integral must not wind up: the way back would be late by hours.
    if (demanded < 1.0 or error_k < 0.0) and (demanded > pump.minimum_modulation or error_k > 0.0):
        state.integral += control.gain_per_k * error_k * step_s / (control.reset_h * 3600.0)
    if state.backup_share > 0.0:
        demanded = 1.0  # the immersion heater helps a compressor that cannot, it never relieves one that could
    most = SPEED_PER_MIN * step_s / 60.0
    change = max(-most, min(most, demanded - state.modulation))
    state.modulation = max(pump.minimum_modulation, min(1.0, state.modulation + change))
