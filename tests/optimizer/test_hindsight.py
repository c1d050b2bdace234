"""A day that is over, planned again: what was done and what could have been, in one and the same model."""

from domain.modes import Mode
from domain.planning.fleet_plan import PlanningRequest, PumpForPlanning
from domain.planning.series import HomePrices, WeatherSeries
from domain.savings.regret import Comparison, Outcome
from optimizer.hindsight import hindsight
from optimizer.planner import plan_fleet
from tests.builders import MIDNIGHT, a_profile

NEUTRAL = [Mode.LOW] * 96


def a_day(dear_eur_per_mwh: float = 300.0) -> PlanningRequest:
    """A winter day whose evening is dear."""
    price = tuple(dear_eur_per_mwh if 64 <= n < 80 else 60.0 for n in range(96))
    return PlanningRequest(
        first_slot=MIDNIGHT,
        slots=96,
        prices=HomePrices(tariff="spot", source="test", start=MIDNIGHT, price_eur_per_mwh=price),
        weather=WeatherSeries(
            cell="50.0,10.0", source="test", start=MIDNIGHT, outdoor_c=(0.0,) * 96, radiation_w_per_m2=(0.0,) * 96
        ),
        pumps=tuple(PumpForPlanning(profile=a_profile(pump), room_c=21.5) for pump in ("p-0001", "p-0002")),
    )


def compared(done: dict[str, list[Mode]], request: PlanningRequest) -> Comparison:
    nothing = Outcome(kwh=0.0, cost_eur=0.0)
    seen = hindsight(request, done)
    return Comparison(homes=2, left_out=0, planned=nothing, hindsight=seen, settled=nothing, modelled_kwh=0.0)


def test_who_did_what_the_planner_would_regrets_nothing_and_who_did_nothing_regrets_all() -> None:
    request = a_day()
    best = {pump.pump_id: list(pump.modes) for pump in plan_fleet(request).pumps}
    assert any(modes != NEUTRAL for modes in best.values()), "such a day moves somebody"
    kept, missed = compared(best, request), compared(dict.fromkeys(best, NEUTRAL), request)
    assert kept.regret_eur == 0
    assert kept.kept_share == 1
    assert missed.hindsight.done == missed.hindsight.neutral
    assert missed.kept_share == 0
    assert missed.regret_eur > 0.05


def test_where_there_is_nothing_to_gain_no_share_is_named() -> None:
    request = a_day(dear_eur_per_mwh=60.0)
    found = compared({"p-0001": NEUTRAL, "p-0002": NEUTRAL}, request)
    assert found.regret_eur == 0
    assert found.kept_share is None
