"""Homes whose supplier alone gains: a plan may not run up their bill."""

import numpy as np

from domain.modes import Mode
from domain.planning.fleet_plan import PlannedPump
from domain.slots import SLOT_HOURS
from optimizer.planner import plan_fleet
from tests.optimizer.builders import a_fleet, a_request, two_peaks

PRICES = two_peaks(spread=260.0)


def day_kwh(pump: PlannedPump) -> float:
    return float(np.sum(pump.expected_power_kw)) * SLOT_HOURS


def test_a_plan_uses_no_more_than_a_home_is_to_pay_for_and_still_shifts_and_the_bound_holds() -> None:
    fleet = a_fleet(8)
    own = plan_fleet(a_request([pump.model_copy(update={"may_move": False}) for pump in fleet], PRICES))
    free = plan_fleet(a_request(fleet, PRICES))
    bound = plan_fleet(a_request([pump.model_copy(update={"most_extra_kwh": 0.3}) for pump in fleet], PRICES))
    neutral = [day_kwh(pump) for pump in own.pumps]
    freely = [day_kwh(pump) - kwh for pump, kwh in zip(free.pumps, neutral, strict=True)]
    kept = [day_kwh(pump) - kwh for pump, kwh in zip(bound.pumps, neutral, strict=True)]
    assert max(freely) > 0.5, "nothing is shown where no plan would use more"
    assert max(kept) <= 0.301
    assert sum(set(pump.modes) > {Mode.LOW} for pump in bound.pumps) >= 4
    certificate = bound.certificate
    assert certificate.lower_bound_eur <= certificate.cost_eur <= certificate.neutral_cost_eur
    assert certificate.cost_eur >= free.certificate.cost_eur - 1e-6
