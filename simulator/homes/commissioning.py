"""Draws the houses of a fleet and commissions each as an installer would: heat pump sized, heating curve tuned.

Protects: under the household's own settings the room of every home settles near the temperature the household prefers
in steady cold weather; a modest error remains, as in real installations.

The classes' figures follow the German TABULA typology, with the oldest houses half renovated: nobody installs a heat
pump in an untouched one.
"""

from dataclasses import dataclass, replace
from math import ceil

from domain.homes.comfort import ComfortBand
from domain.homes.enrolment import BuildingClass
from domain.homes.site import Emitter
from simulator.homes.make import MIXED, Equipment
from simulator.physics.building import FLOOR_SURFACE_EXPONENT, FLOOR_SURFACE_W_M2, Building, Emitters, settled
from simulator.physics.controller import (
    CURVE_FROM_C,
    CURVE_KNOTS,
    CURVE_STEP_K,
    Control,
    ControlState,
    curve_supply_c,
)
from simulator.physics.heat_pump import DESIGN_OUTDOOR_C, HeatPump
from simulator.physics.hot_water import HYGIENE_EVERY_S, PLACE_C, WATER_WH_PER_L_K, Tank, TankState, charge_band_c
from simulator.physics.house import Household, HouseSpec, HouseState
from simulator.seeded import bell, between, share

NO_VALVES_C = 99.0
_TUNING_SUN_W_M2 = 35.0
"""Mean radiation on the dull cold days on which curves are tuned."""
_COLD_DAY_C = -10.0
"""Outdoor temperature for which a fixed supply is set, so that it does on all but the coldest days."""
_THERMOSTAT_ABOVE_K = 0.5
"""How much warmer than preferred a room becomes before a thermostat stops a fixed supply."""


@dataclass(frozen=True)
class ClassFigures:
    """Means of one class per m2 of heated floor."""

    loss_w_k_m2: float
    mass_wh_k_m2: float
    ventilation_share: float
    aperture_m2_m2: float
    area_m2: float
    floor_heating_share: float
    radiator_water_c: float
    """Mean water temperature that radiators need at the design temperature."""


FIGURES: dict[BuildingClass, ClassFigures] = {
    BuildingClass.OLD: ClassFigures(2.3, 58, 0.32, 0.042, 135, 0.05, 47.0),
    BuildingClass.RENOVATED: ClassFigures(1.45, 56, 0.36, 0.044, 145, 0.15, 43.0),
    BuildingClass.MODERN: ClassFigures(1.35, 45, 0.38, 0.050, 140, 0.45, 41.0),
    BuildingClass.NEW: ClassFigures(0.95, 47, 0.42, 0.046, 155, 0.80, 38.0),
}
_CLASS_SHARES = (
    (BuildingClass.OLD, 0.18),
    (BuildingClass.RENOVATED, 0.46),
    (BuildingClass.MODERN, 0.72),
    (BuildingClass.NEW, 1.0),
)
_HOT_WATER_STEPS = (1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 2.0, 1.0)
"""Comfort steps at which households leave their hot water."""
_PERSONS = (2, 3, 4, 2, 1, 5, 2, 4)


def _stratum(seed: int, name: str, index: int, stride: float) -> float:
    """Values spread evenly over (0, 1), so that even a dozen houses contain every kind in its share."""
    return (share(seed, name) + index * stride) % 1.0


def draw_house(seed: int, index: int, equipment: Equipment = MIXED) -> HouseSpec:
    """House `index` (from 0) of the fleet with this seed, with a unit equipped as its vendor's usually are."""
    place = _stratum(seed, "class", index, 0.6180339887)
    kind = next(name for name, up_to in _CLASS_SHARES if place < up_to)
    figures = FIGURES[kind]
    by_offset_share = 1.0 - equipment.by_setpoint
    family = _stratum(seed, "family", index, 0.7548776662)
    by_setpoint = family >= by_offset_share
    without_sensor = equipment.without_room_sensor / by_offset_share if by_offset_share else 0.0
    has_sensor = by_setpoint or _stratum(seed, "sensor", index, 0.5698402910) >= without_sensor
    building = _draw_building(seed, index, figures)
    household = _draw_household(seed, index, by_setpoint)
    design_w = building.heat_loss_w_k * (21.0 - DESIGN_OUTDOOR_C)
    emitters = _draw_emitters(seed, index, building, figures, household.preferred_c, design_w)
    pump = _draw_pump(seed, index, emitters.is_floor, design_w)
    outdoor_sensor_k = between(-0.3, 0.7, seed, "outdoor-sensor", index)
    step_k = equipment.supply_k_per_step
    control = _commission(seed, index, building, emitters, pump, household, by_setpoint, outdoor_sensor_k, step_k)
    if family < equipment.keeping_supply:
        control = _at_fixed_supply(control, household)
        household = replace(household, setting=control.commissioned)
    return HouseSpec(
        index,
        kind,
        Emitter.FLOOR if emitters.is_floor else Emitter.RADIATOR,
        has_sensor,
        building,
        emitters,
        pump,
        _draw_tank(seed, index, pump),
        control,
        household,
        local_outdoor_k=0.3 * bell(seed, "local", index),
        outdoor_sensor_k=outdoor_sensor_k,
        room_sensor_k=0.1 * bell(seed, "room-sensor", index),
    )


def _draw_building(seed: int, index: int, figures: ClassFigures) -> Building:
    area = min(260.0, max(85.0, figures.area_m2 * (1 + 0.2 * bell(seed, "area", index))))
    loss = area * figures.loss_w_k_m2 * (1 + 0.13 * bell(seed, "loss", index))
    ventilation = loss * figures.ventilation_share * between(0.85, 1.15, seed, "ventilation", index)
    to_mass = 9.0 * area * between(0.85, 1.15, seed, "exchange", index)
    through = loss - ventilation
    return Building(
        area_m2=area,
        ventilation_w_k=ventilation,
        air_to_mass_w_k=to_mass,
        mass_to_outdoor_w_k=through * to_mass / (to_mass - through),
        air_wh_k=area * between(8.0, 13.0, seed, "furnishing", index),
        mass_wh_k=area * figures.mass_wh_k_m2 * (1 + 0.18 * bell(seed, "mass", index)),
        aperture_m2=area * figures.aperture_m2_m2 * between(0.45, 0.85, seed, "aperture", index),
    )


def _draw_household(seed: int, index: int, by_setpoint: bool) -> Household:
    if by_setpoint:
        setting = 21.0 if share(seed, "setting", index) < 0.6 else 21.5
        target = setting
    else:
        setting = (0.0, 0.0, 0.0, 0.0, 1.0, -1.0, 0.0, 2.0)[int(share(seed, "setting", index) * 8)]
        target = round(between(21.0, 21.5, seed, "wish", index), 1)
    band = ComfortBand(room_min_c=round((target - 1.2) * 2) / 2, room_max_c=round((target + 2.3) * 2) / 2)
    return Household(
        target,
        band,
        setting,
        people_base_w=between(60.0, 260.0, seed, "people", index),
        people_per_m2_w=between(1.3, 2.4, seed, "appliances", index),
        early_h=between(-1.0, 1.0, seed, "early", index),
        hot_water_setting=_HOT_WATER_STEPS[int(share(seed, "comfort", index) * len(_HOT_WATER_STEPS))],
        drawn_l_day=_PERSONS[int(share(seed, "persons", index) * len(_PERSONS))]
        * between(35.0, 50.0, seed, "drawn", index),
    )


def _draw_tank(seed: int, index: int, pump: HeatPump) -> Tank:
    charge_w = max(5000.0, 0.6 * pump.rated_heat_w)
    return Tank(
        water_wh_k=between(180.0, 250.0, seed, "tank", index) * WATER_WH_PER_L_K,
        loss_w_k=between(60.0, 90.0, seed, "tank-loss", index) / (50.0 - PLACE_C),
        charge_w=charge_w,
        coil_w_k=charge_w / between(6.0, 8.0, seed, "coil", index),
    )


def _draw_emitters(
    seed: int, index: int, building: Building, figures: ClassFigures, preferred_c: float, design_w: float
) -> Emitters:
    if share(seed, "floor", index) < figures.floor_heating_share:
        floor = _draw_floor(seed, index, building, design_w)
        if floor is not None:
            return floor
    water_c = figures.radiator_water_c + 2.0 * bell(seed, "radiators", index)
    has_valves = share(seed, "valves", index) < 0.5
    return Emitters(
        is_floor=False,
        power_w=design_w / (water_c - 21.0) ** 1.3,
        exponent=1.3,
        radiant_share=between(0.25, 0.4, seed, "radiant", index),
        water_wh_k=design_w * 0.011 * 1.163 + between(30.0, 110.0, seed, "buffer", index),
        slab_wh_k=1.0,
        floor_area_m2=1.0,
        valve_opens_below_c=preferred_c + between(1.2, 1.8, seed, "valve", index) if has_valves else NO_VALVES_C,
        valve_band_k=1.6,
        valve_least=0.15,
    )


def _draw_floor(seed: int, index: int, building: Building, design_w: float) -> Emitters | None:
    """A heated floor, its pipes laid as densely as the house needs; None where no floor could heat it."""
    covered_m2 = building.area_m2 * between(0.78, 0.92, seed, "covered", index)
    surface_k = (design_w / (FLOOR_SURFACE_W_M2 * covered_m2)) ** (1 / FLOOR_SURFACE_EXPONENT)
    drop_k = between(32.5, 35.5, seed, "floor-water", index) - 21.0 - surface_k
    if drop_k <= 0 or design_w / drop_k > 7.5 * covered_m2:
        return None
    return Emitters(
        is_floor=True,
        power_w=design_w / drop_k,
        exponent=FLOOR_SURFACE_EXPONENT,
        radiant_share=0.5,
        water_wh_k=building.area_m2 * 0.55 * 1.163 + 40.0,
        slab_wh_k=covered_m2 * between(24.0, 34.0, seed, "slab", index),
        floor_area_m2=covered_m2,
        valve_opens_below_c=NO_VALVES_C,
        valve_band_k=1.0,
        valve_least=1.0,
    )


def _draw_pump(seed: int, index: int, is_floor: bool, design_w: float) -> HeatPump:
    rated_w = design_w * between(0.92, 1.15, seed, "size", index)
    return HeatPump(
        rated_heat_w=rated_w,
        minimum_modulation=between(0.25, 0.30, seed, "modulation", index),
        carnot_fraction=between(0.45, 0.51, seed, "carnot", index),
        standby_w=between(11.0, 24.0, seed, "standby", index),
        circulation_w=between(14.0, 28.0, seed, "circulation", index) + rated_w * 0.0025,
        flow_w_k=rated_w / (between(4.5, 6.0, seed, "flow", index) + (0.0 if is_floor else 1.5)),
        backup_w=6000.0 if rated_w > 9000 else 4000.0,
        defrost_every_s=between(2700.0, 3000.0, seed, "defrost-every", index),
        defrost_s=60.0 * (3 + int(4 * share(seed, "defrost", index))),
    )


def _commission(
    seed: int,
    index: int,
    building: Building,
    emitters: Emitters,
    pump: HeatPump,
    household: Household,
    by_setpoint: bool,
    outdoor_sensor_k: float,
    offset_step_k: float,
) -> Control:
    """Tune the curve so that the room settles near the preferred temperature, at the household's setting."""
    error_k = 0.15 * bell(seed, "tuning", index)
    tilt_k = 0.12 * bell(seed, "tilt", index)
    people_w = household.people_base_w + household.people_per_m2_w * building.area_m2
    sun_w = building.aperture_m2 * _TUNING_SUN_W_M2
    curve = []
    for knot in range(CURVE_KNOTS):
        # The unit sees its sensor's outdoor temperature; tuning on site compensates for the sensor's error.
        outdoor_c = CURVE_FROM_C + knot * CURVE_STEP_K - outdoor_sensor_k
        room_c = household.preferred_c + max(-0.3, min(0.3, error_k + tilt_k * (outdoor_c + 5.0) / 15.0))
        heat_w, rest = settled(building, emitters, room_c, outdoor_c, sun_w, people_w)
        curve.append(rest.water_c + heat_w / (2.0 * pump.flow_w_k))
    if not by_setpoint:
        curve = [supply_c - offset_step_k * household.setting for supply_c in curve]
    half = share(seed, "limit", index)
    limit_c = 38.0 + 2.0 * half if emitters.is_floor else (55.0 if half < 0.5 else 60.0)
    return Control(
        by_setpoint=by_setpoint,
        offset_step_k=offset_step_k,
        curve_c=tuple(curve),
        commissioned=household.setting if by_setpoint else 0.0,
        supply_min_c=18.0 if emitters.is_floor else 20.0,
        supply_max_c=limit_c,
        filter_h=between(3.0, 10.0, seed, "filter", index),
        room_gain=between(1.0, 2.0, seed, "room-gain", index),
        gain_per_k=0.05,
        reset_h=0.5 if emitters.is_floor else 0.25,
    )


def _at_fixed_supply(tuned: Control, household: Household) -> Control:
    """Whole degrees that a cold day needs, kept whatever the weather; a thermostat minds the room."""
    curve_c = curve_supply_c(tuned.curve_c, _COLD_DAY_C) + tuned.offset_step_k * household.setting
    supply_c = float(min(int(tuned.supply_max_c), ceil(curve_c)))
    return replace(
        tuned,
        offset_step_k=1.0,
        curve_c=(supply_c,) * CURVE_KNOTS,
        commissioned=supply_c,
        thermostat_c=household.preferred_c + _THERMOSTAT_ABOVE_K,
    )


def settled_house(seed: int, spec: HouseSpec, outdoor_c: float) -> HouseState:
    """A house at rest at a steady outdoor temperature, under the household's own settings."""
    people_w = spec.household.people_base_w + spec.household.people_per_m2_w * spec.building.area_m2
    sun_w = _TUNING_SUN_W_M2 * spec.building.aperture_m2
    _, rooms = settled(spec.building, spec.emitters, spec.household.preferred_c, outdoor_c, sun_w, people_w)
    control = ControlState(smoothed_outdoor_c=outdoor_c, supply_c=rooms.water_c, since_start_s=-97.0 * spec.index)
    start_c, stop_c = charge_band_c(spec.household.hot_water_setting)
    tank = TankState((start_c + stop_c) / 2.0)
    tank.since_hygiene_s = HYGIENE_EVERY_S * share(seed, "hygiene", spec.index)
    return HouseState(rooms, control, tank=tank)
