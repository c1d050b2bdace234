"""The machine: how much heat an inverter heat pump can give, and what electricity it takes for it.

Protects: efficiency is physics of the moment (supply, outdoor, part load, frost), never a figure a planner
could look up.

Source of the form: a fraction of Carnot between condensing and evaporating temperature, better at part load
because both exchangers are then generously sized; certified machines lie at 0.42 to 0.52 of Carnot.
"""

import math
from dataclasses import dataclass

DESIGN_OUTDOOR_C = -12.0
_CONDENSER_K = 2.0
_EVAPORATOR_K = 6.0
_KELVIN = 273.15


@dataclass(frozen=True, slots=True)
class HeatPump:
    """One machine."""

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


def frost_factor(outdoor_c: float) -> float:
    """Share left after defrosting: worst a little above zero, where air is wet and coils freeze."""
    return 1.0 - 0.10 * math.exp(-(((outdoor_c - 0.5) / 4.0) ** 2))


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
