"""The refrigerant circuit: how much heat an inverter heat pump can give, and what electricity it takes for it.

Protects: efficiency is physics of the moment (supply, outdoor, part load, frost), never a figure that a planner
could look up.

Source of the form: a fraction of Carnot between condensing and evaporating temperature, better at part load
because both exchangers are then generously sized; certified machines lie at 0.42 to 0.52 of Carnot.
"""

import math
from dataclasses import dataclass

DESIGN_OUTDOOR_C = -12.0
ICE_BELOW_C = 5.0
DEFROST_TAKES = 0.3
"""Heat that a defrost takes back out of the water, as a share of full capacity."""
DEFROST_POWER = 0.12
"""Electricity of a defrost as a share of the rated heat."""
_CONDENSER_K = 2.0
_EVAPORATOR_K = 6.0
_KELVIN = 273.15


@dataclass(frozen=True, slots=True)
class HeatPump:
    """One heat pump."""

    rated_heat_w: float
    """Heat at full speed at the design temperature."""
    minimum_modulation: float
    """Least share of full speed at which it can run; below it must pause."""
    carnot_fraction: float
    standby_w: float
    circulation_w: float
    flow_w_k: float
    """Heat that the flow carries per kelvin between supply and return."""
    backup_w: float
    """Immersion heater, both steps together."""
    defrost_every_s: float = 2850.0
    """Running time between two defrosts where the air is at its wettest."""
    defrost_s: float = 240.0


def frost_factor(outdoor_c: float) -> float:
    """Share that a coil icing up leaves between two defrosts: worst a little above zero, where air is wet."""
    return 1.0 - 0.03 * math.exp(-(((outdoor_c - 0.5) / 4.0) ** 2))


def icing(outdoor_c: float) -> float:
    """How fast a coil ices up, as a share of its fastest; nothing freezes from 5 C upwards."""
    return max(0.42, 1.0 - 0.05 * abs(outdoor_c - 0.5)) if outdoor_c < ICE_BELOW_C else 0.0


def capacity_w(pump: HeatPump, outdoor_c: float) -> float:
    """Heat at full speed at an outdoor temperature."""
    with_outdoor = min(1.6, max(0.7, 1.0 + 0.022 * (outdoor_c - DESIGN_OUTDOOR_C)))
    return pump.rated_heat_w * with_outdoor * frost_factor(outdoor_c)


def cop(pump: HeatPump, outdoor_c: float, supply_c: float, modulation: float) -> float:
    """Heat per electricity of the compressor."""
    condensing_k = supply_c + _CONDENSER_K + _KELVIN
    lift_k = max(18.0, supply_c + _CONDENSER_K - (outdoor_c - _EVAPORATOR_K))
    part_load = 1.0 + 0.18 * (1.0 - modulation)
    ideal = pump.carnot_fraction * condensing_k / lift_k
    return min(6.0, max(1.3, ideal * part_load * frost_factor(outdoor_c)))
