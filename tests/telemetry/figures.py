"""A fleet's figures for tests: two vendors, one of them in trouble."""

from typing import Any

from domain.commands.command import CommandState
from domain.fleet_figures import AreaFigures, FleetFigures, PlanFigures, QueueFigures, VendorFigures
from tests.builders import MIDNIGHT


def a_vendor(**given: Any) -> VendorFigures:
    figures: dict[str, Any] = {
        "oem": "nibe",
        "modes": {"LOW": 7, "MAX": 2, "unknown": 1},
        "offline": 1,
        "commands_24h": {
            CommandState.APPLIED: 6,
            CommandState.EFFECTIVE: 12,
            CommandState.IGNORED: 2,
            CommandState.SUPERSEDED: 5,
            CommandState.SENT: 1,
        },
        "drifted_24h": 1,
        "touched_24h": 0,
        "dead_letters": 1,
        "accounts_waiting": 0,
        "breaker": "closed",
        "quota_used": 0.25,
        "beyond_quota": 0,
        "drift_found_within_s": 600.0,
        "rooms_read": 9,
        "rooms_below_floor": 1,
        "room_lowest_c": 17.5,
        "room_mean_c": 20.9,
    }
    return VendorFigures.model_validate(figures | given)


def a_fleet(**given: Any) -> FleetFigures:
    plan = PlanFigures(
        revision=3,
        age_s=3600,
        remaining_s=36000,
        wanted=10,
        planned=10,
        delivered=9,
        cost_eur=8.0,
        neutral_cost_eur=10.0,
        lower_bound_eur=7.9,
        gap=0.0125,
        gap_of_gain=0.05,
        overflow_kwh=0.5,
        kelvin_hours=0.25,
        solve_s=2.0,
        paid_eur_per_mwh=(82.0, 214.4),
    )
    figures: dict[str, Any] = {
        "at": MIDNIGHT,
        "vendors": (a_vendor(),),
        "areas": (
            AreaFigures(
                price_area="DE-LU", plan=plan, prices_age_s=7200, prices_remaining_s=86400, price_eur_per_mwh=-4.5
            ),
        ),
        "weather_age_s": 1800.0,
        "quarantined": {"price": 2},
        "authorities": {"plan": 9, "override": 1},
        "alerts": {"none": 9, "dead-letter": 1},
        "queues": (QueueFigures(queue="oem-nibe", kind="activity", backlog=4, age_s=1.5),),
    }
    return FleetFigures.model_validate(figures | given)
