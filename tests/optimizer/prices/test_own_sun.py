"""A roof's surplus in the plan: used where it is, paid less for than by who does not know of it, and in the bound."""

from time import monotonic

import numpy as np
import pytest

from domain.homes.panels import OwnSun
from domain.planning.fleet_plan import PlanningRequest, PumpForPlanning
from optimizer.coordination import Caps
from optimizer.fleet import Fleet
from optimizer.house import LOW, MODES, Houses, house_of
from optimizer.planner import horizon_of, plan_fleet, solve
from tests.optimizer.builders import Array, a_fleet, a_pump, a_request, two_peaks

BOUGHT, FEED_IN = 300.0, 80.0
NOON = (np.arange(96) >= 44) & (np.arange(96) < 60)
SUNNY = OwnSun(surplus_kw=tuple(3.0 * NOON), feed_in_eur_per_mwh=FEED_IN)


def with_sun(pump: PumpForPlanning, sun: OwnSun = SUNNY) -> PumpForPlanning:
    return pump.model_copy(update={"own_sun": sun})


def bill_eur(power_kw: Array, request: PlanningRequest, sun: OwnSun = SUNNY) -> float:
    """What a home with that roof pays for the pump's energy, slot by slot, without the planner's own sums."""
    bought = request.prices.price_eur_per_mwh
    return sum(float(kw) / 4 / 1000 * sun.paid(t, kw, bought[t]) for t, kw in enumerate(power_kw))


@pytest.mark.parametrize("flat", [True, False])
def test_a_home_with_a_roof_heats_in_sunny_slots_and_pays_less_than_without_the_knowledge(flat: bool) -> None:
    request = a_request([a_pump()], np.full(96, BOUGHT) if flat else two_peaks(mean=BOUGHT))
    blind = plan_fleet(request)
    knowing = plan_fleet(request.model_copy(update={"pumps": (with_sun(a_pump()),)}))
    without, with_it = (np.array(plan.pumps[0].expected_power_kw) for plan in (blind, knowing))
    assert with_it[NOON].sum() > 1.2 * without[NOON].sum()
    assert bill_eur(with_it, request) < 0.97 * bill_eur(without, request)
    assert knowing.certificate.energy_cost_eur == pytest.approx(bill_eur(with_it, request), rel=1e-3)
    assert knowing.certificate.kelvin_hours <= blind.certificate.kelvin_hours + 0.05


def test_no_more_than_the_surplus_counts_as_cheap() -> None:
    request = a_request([a_pump()], np.full(96, BOUGHT))
    little = OwnSun(surplus_kw=tuple(0.01 * NOON), feed_in_eur_per_mwh=FEED_IN)
    found = plan_fleet(request.model_copy(update={"pumps": (with_sun(a_pump(), little),)}))
    assert set(found.pumps[0].modes) == {MODES[LOW]}, "ten watts move nobody"


def test_where_feeding_in_earns_more_than_is_paid_the_roof_is_no_reason_to_heat() -> None:
    dear = OwnSun(surplus_kw=tuple(3.0 * NOON), feed_in_eur_per_mwh=2 * BOUGHT)
    request = a_request([a_pump()], np.full(96, BOUGHT))
    neutral = np.array(plan_fleet(request).pumps[0].expected_power_kw)
    found = plan_fleet(request.model_copy(update={"pumps": (with_sun(a_pump(), dear),)}))
    assert np.array(found.pumps[0].expected_power_kw)[NOON].sum() < neutral[NOON].sum()


@pytest.mark.parametrize("feed_in", [-50.0, FEED_IN, 2 * BOUGHT])
def test_no_schedule_costs_less_than_the_bound_says_whatever_the_roof_gives(feed_in: float) -> None:
    draw = np.random.default_rng(3)
    roofs = [OwnSun(surplus_kw=tuple(draw.uniform(0, 2.5, 96) * NOON), feed_in_eur_per_mwh=feed_in) for _ in range(6)]
    pumps = [with_sun(pump, roof) for pump, roof in zip(a_fleet(6), roofs, strict=True)] + list(a_fleet(2, seed=9))
    request = a_request(pumps)
    fleet = Fleet(Houses.of([house_of(p) for p in pumps]), horizon_of(request), [(LOW, 96)] * len(pumps), seed=0)
    caps = Caps(np.zeros(len(pumps), dtype=np.intp), np.full((1, 96), np.inf))
    solved = solve(fleet, caps, monotonic(), 60.0)
    assert solved.bound_eur <= solved.cost_eur <= solved.neutral_eur
    assert solved.cost_eur - solved.bound_eur < 0.03 * abs(solved.neutral_eur)
    least = fleet.least_cost(np.zeros(96), solved.found.near, np.inf, np.zeros(len(pumps), dtype=bool))
    crude = fleet.least_cost(np.zeros(96), solved.found.near, 0.0, np.zeros(len(pumps), dtype=bool))
    for mu in (np.zeros(96), draw.normal(0, 60, 96), draw.normal(0, 200, 96)):
        cost = fleet.propose(mu, np.inf).cost_eur
        assert (least <= cost + 1e-9).all()
        assert (crude <= cost + 1e-9).all()
