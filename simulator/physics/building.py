"""A house as a thermal network: air with furnishing, envelope, floor slab where there is one, and the water loop.

Protects: every watt that leaves one mass arrives in another or outdoors, so that the energy balance closes
exactly.

Sources: TABULA for heat loss and ISO 13790 for masses and exchange (9.1 W/m2K to the mass, 3.45 W/m2K within
the room, which gives about 9 W/K per m2 of floor between air and envelope); EN 1264 for the floor (8.92 W/m2
K^1.1 upwards).
"""

from dataclasses import dataclass

FLOOR_SURFACE_W_M2 = 8.92
FLOOR_SURFACE_EXPONENT = 1.1
SUN_TO_AIR = 0.3
PEOPLE_TO_AIR = 0.5


@dataclass(frozen=True, slots=True)
class Building:
    """The shell. Conductances in W/K, capacities in Wh/K."""

    area_m2: float
    ventilation_w_k: float
    """Air straight to outdoors: ventilation, windows, doors."""
    air_to_mass_w_k: float
    mass_to_outdoor_w_k: float
    air_wh_k: float
    mass_wh_k: float
    aperture_m2: float
    """Effective solar area for horizontal radiation: glass, frame, shading and orientation together."""

    @property
    def heat_loss_w_k(self) -> float:
        """Loss from room air to outdoors once everything has settled."""
        through = 1.0 / (1.0 / self.air_to_mass_w_k + 1.0 / self.mass_to_outdoor_w_k)
        return self.ventilation_w_k + through


@dataclass(frozen=True, slots=True)
class Emitters:
    """What gives the water's heat to the rooms: radiators, or a heated floor."""

    is_floor: bool
    power_w: float
    """Radiators: heat at 1 K over the room, to be raised by the exponent. Floors: W/K from water to slab."""
    exponent: float
    radiant_share: float
    """Share of the heat that warms the envelope's surfaces instead of the air."""
    water_wh_k: float
    slab_wh_k: float
    floor_area_m2: float
    valve_opens_below_c: float
    """Thermostatic valves begin to close above this room temperature; very high where there are none."""
    valve_band_k: float
    valve_least: float


@dataclass(slots=True)
class Temperatures:
    """The state of the network, in degrees C, and the emitter's heat of the last step in W."""

    air_c: float
    mass_c: float
    slab_c: float
    water_c: float
    emitted_w: float = 0.0
    lost_w: float = 0.0
    """Heat that went outdoors in the last step."""


@dataclass(slots=True)
class Surroundings:
    """What acts on a house from outside its heating, for one step; a house and its twin share one."""

    outdoor_c: float = 0.0
    radiation_w_m2: float = 0.0
    people_w: float = 0.0
    ventilation_factor: float = 1.0
    """How much more than usual is aired."""
    sensor_noise_k: float = 0.0
    drawn_l: float = 0.0
    """Hot water drawn in this step, at 40 C."""


def valve_opening(emitters: Emitters, air_c: float) -> float:
    """Share of the emitter's area that thermostatic valves leave open."""
    if air_c <= emitters.valve_opens_below_c:
        return 1.0
    return max(emitters.valve_least, 1.0 - (air_c - emitters.valve_opens_below_c) / emitters.valve_band_k)


def step_network(
    building: Building,
    emitters: Emitters,
    now: Temperatures,
    around: Surroundings,
    heat_w: float,
    hours: float,
) -> None:
    """Advance the network by a short step; fluxes are taken at its start and applied on both sides.

    The fastest mass (the water loop) has a time constant of some ten minutes: steps of a minute are ample.
    """
    air_c, mass_c, water_c = now.air_c, now.mass_c, now.water_c
    over_k = water_c - air_c
    if emitters.is_floor:
        into_slab_w = emitters.power_w * (water_c - now.slab_c)
        surface_k = now.slab_c - air_c
        emitted_w = FLOOR_SURFACE_W_M2 * emitters.floor_area_m2 * abs(surface_k) ** FLOOR_SURFACE_EXPONENT
        if surface_k < 0:
            emitted_w = -emitted_w
        now.slab_c += (into_slab_w - emitted_w) * hours / emitters.slab_wh_k
        taken_w = into_slab_w
    else:
        emitted_w = 0.0
        if over_k > 0:
            emitted_w = emitters.power_w * over_k**emitters.exponent * valve_opening(emitters, air_c)
        taken_w = emitted_w
    now.water_c += (heat_w - taken_w) * hours / emitters.water_wh_k
    aired_w = building.ventilation_w_k * around.ventilation_factor * (air_c - around.outdoor_c)
    walls_w = building.mass_to_outdoor_w_k * (mass_c - around.outdoor_c)
    exchange_w = building.air_to_mass_w_k * (air_c - mass_c)
    sun_w = building.aperture_m2 * around.radiation_w_m2
    radiant_w = emitters.radiant_share * emitted_w
    to_air_w = emitted_w - radiant_w + SUN_TO_AIR * sun_w + PEOPLE_TO_AIR * around.people_w
    to_mass_w = radiant_w + (1.0 - SUN_TO_AIR) * sun_w + (1.0 - PEOPLE_TO_AIR) * around.people_w
    now.air_c += (to_air_w - aired_w - exchange_w) * hours / building.air_wh_k
    now.mass_c += (to_mass_w + exchange_w - walls_w) * hours / building.mass_wh_k
    now.emitted_w = emitted_w
    now.lost_w = aired_w + walls_w


def stored_kwh(building: Building, emitters: Emitters, now: Temperatures) -> float:
    """Heat held by all masses, above 0 degrees C."""
    held_wh = building.air_wh_k * now.air_c + building.mass_wh_k * now.mass_c
    held_wh += emitters.slab_wh_k * now.slab_c + emitters.water_wh_k * now.water_c
    return held_wh / 1000.0


def settled(
    building: Building, emitters: Emitters, room_c: float, outdoor_c: float, sun_w: float, people_w: float
) -> tuple[float, Temperatures]:
    """Heat in W, and all temperatures, at which the room rests at `room_c` with open valves."""
    gain_air_w = SUN_TO_AIR * sun_w + PEOPLE_TO_AIR * people_w
    gain_mass_w = (1.0 - SUN_TO_AIR) * sun_w + (1.0 - PEOPLE_TO_AIR) * people_w
    to_mass, to_outdoor = building.air_to_mass_w_k, building.mass_to_outdoor_w_k
    mass_without_c = (to_mass * room_c + to_outdoor * outdoor_c + gain_mass_w) / (to_mass + to_outdoor)
    need_w = building.ventilation_w_k * (room_c - outdoor_c) + to_mass * (room_c - mass_without_c) - gain_air_w
    radiant = emitters.radiant_share
    heat_w = max(0.0, need_w / (1.0 - radiant + to_mass * radiant / (to_mass + to_outdoor)))
    mass_c = mass_without_c + radiant * heat_w / (to_mass + to_outdoor)
    if emitters.is_floor:
        surface_k = (heat_w / (FLOOR_SURFACE_W_M2 * emitters.floor_area_m2)) ** (1 / FLOOR_SURFACE_EXPONENT)
        slab_c = room_c + surface_k
        water_c = slab_c + heat_w / emitters.power_w
    else:
        slab_c = room_c
        water_c = room_c + (heat_w / emitters.power_w) ** (1 / emitters.exponent)
    return heat_w, Temperatures(room_c, mass_c, slab_c, water_c)
