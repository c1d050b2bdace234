"""What a planning request and a settled day know of peaks: the month so far and the house, metered or assumed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pytest

from activities.plan_requests import RequestSources
from activities.planning import PlanningActivities
from activities.settlement import SettleDay, SettlementActivities
from domain.homes.settlement import Benefit
from domain.planning.house_load import HOUSEHOLD_KW, MonthPeaks
from domain.planning.power_charge import Peak
from domain.planning.tariff import Tariff, Tariffs
from domain.slots import SLOT
from market.tariff_files import tariffs_in
from optimizer import expected_energy
from tests.activities.ports import CLOCK, Deliveries, Directory, InForce, Observations, Plans, Series, an_attempt
from tests.activities.test_planning import Asked, opening, solving, spread, tz_of
from tests.activities.test_settlement import DAY, PUMP, START, Store, a_series, counters, no_claim
from tests.builders import at


@dataclass
class Houses:
    """`domain.planning.house_load.HouseLoads` of some homes."""

    base: dict[str, Mapping[int, float]] = field(default_factory=dict)
    month: dict[str, MonthPeaks] = field(default_factory=dict)
    metered: dict[str, Mapping[datetime, float]] = field(default_factory=dict)
    asked: list[tuple[date, date]] = field(default_factory=list)

    async def loads_kw(
        self, pump_ids: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[str, Mapping[datetime, float]]:
        return self.metered

    async def base_kw(self, pump_ids: Sequence[str], before: datetime) -> Mapping[str, Mapping[int, float]]:
        return self.base

    async def month_peaks(self, pump_ids: Sequence[str], first: date, last: date) -> Mapping[str, MonthPeaks]:
        self.asked.append((first, last))
        return self.month


def charged() -> Tariffs:
    """Gothenburg's power charge, to be had everywhere, under every name."""
    known = tariffs_in()("se-goteborg-power").model_copy(update={"price_areas": ()})

    def named(_: str) -> Tariff:
        return known

    return named


async def test_a_request_holds_the_months_peaks_and_a_metered_home_is_told_from_an_assumed_one() -> None:
    series, asked = Series(), Asked()
    so_far = MonthPeaks(peaks=tuple(Peak(at=at(9) - timedelta(days=n), kw=3.0 + n) for n in (1, 2, 3)), is_metered=True)
    houses = Houses({"p-0001": dict.fromkeys(range(24), 0.9)}, {"p-0001": so_far})
    homes = spread(Directory("p-0001", "p-0002", "p-0003"), p_0003={"benefit": Benefit.SUPPLIER})
    sources = RequestSources(series, homes, InForce(), Observations(None), charged(), None, tz_of, loads=houses)
    activities = PlanningActivities(sources, Plans(), asked, Deliveries(), tz_of)
    await an_attempt().run(activities.open_plan, await opening(series))
    await an_attempt().run(activities.solve_shard, solving())
    pumps = {p.profile.enrolment.pump_id: p.peaks for request in asked.requests for p in request.pumps}
    metered, assumed = pumps["p-0001"], pumps["p-0002"]
    assert metered is not None
    assert assumed is not None
    assert pumps["p-0003"] is None, "its supplier saves nothing of what the grid charges its customers"
    assert (metered.is_metered, metered.above_kw, metered.base_kw[0]) == (True, (4.0,), 0.9)
    assert (assumed.is_metered, assumed.above_kw) == (False, (0.0,))
    assert assumed.base_kw[0] == HOUSEHOLD_KW[7], "06:15 UTC is 07:15 in Stockholm"
    assert houses.asked == [(date(2026, 1, 1), date(2026, 1, 14))]


async def a_settled_day(houses: Houses | None) -> Store:
    store, series = Store({PUMP: counters(1.0)}), await a_series()
    known = store, Directory(PUMP), series, charged(), expected_energy, no_claim, lambda _: "Europe/Berlin"
    acts = SettlementActivities(*known, loads=houses)
    await an_attempt().run(acts.settle_day, SettleDay(clock=CLOCK, price_area="DE-LU", day=DAY))
    return store


async def test_a_settled_day_keeps_the_houses_peak_from_its_meter_or_from_an_assumed_household() -> None:
    metered_kw = {START + n * SLOT: 5.0 if 40 <= n < 44 else 1.5 for n in range(96)}
    day, _ = (await a_settled_day(Houses(metered={PUMP: metered_kw}))).kept[PUMP, DAY]
    assert day.is_house_metered
    (peak,) = day.peaks
    assert (peak.at, peak.kw) == (START + 40 * SLOT, 5.0)
    guessed, _ = (await a_settled_day(None)).kept[PUMP, DAY]
    assert not guessed.is_house_metered
    assert guessed.peaks[0].kw == pytest.approx(1.0 + max(HOUSEHOLD_KW))
    assert guessed.unsteered_peaks[0].kw > 0


async def test_household_and_supplier_have_a_ledger_each() -> None:
    day, _ = (await a_settled_day(None)).kept[PUMP, DAY]
    found = day.ledgers
    assert found is not None
    # 24 kWh, half of them at 150 and half at 50 EUR/MWh; fees of 20.4, 36 and 5 öre a kWh at 11 SEK to the euro
    assert found.supplier_cost_eur == pytest.approx(2.4)
    assert found.supplier_billed_eur == pytest.approx(2.4 + 24 * 0.05 / 11)
    assert found.household_eur == pytest.approx(1.25 * (2.4 + 24 * (0.204 + 0.36 + 0.05) / 11))
    assert day.cost_eur == found.household_eur
