"""The watch over prices: late ones renew a plan at once, corrections only where they matter."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from activities.planning import AreaToPlan
from activities.price_watch import PriceWatchActivities, Renewal, WatchPrices
from domain.planning.fleet_plan import PlanOutline
from domain.planning.intraday import LaterPrices, Market
from domain.planning.renewal import LEAST_BETWEEN, Tried
from domain.planning.series import Basis, WholesalePrices
from domain.ports import DocumentRefused, NotPublished
from tests.activities.ports import CLOCK, Directory, Plans, Series, an_attempt
from tests.builders import MIDNIGHT, at
from tests.ledger.builders import prices

TODAY = date(2026, 1, 15)
FLAT = prices().model_copy(update={"basis": Basis.FLAT, "price_eur_per_mwh": (80.0,) * 96})
SILENT = NotPublished("nothing yet")


class SilentUntilAsked:
    """`domain.ports.PriceSource` that gives its answers one after the other, the last one again and again."""

    def __init__(self, *answers: WholesalePrices | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[date] = []

    async def prices(self, price_area: str, day: date, tz: ZoneInfo) -> WholesalePrices:
        self.asked.append(day)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Intraday:
    """`domain.ports.LaterPriceSource`: silent, then this much dearer from 12:00 to 14:00, and cheaper until 16:00."""

    def __init__(self, by: float, silent: int = 0) -> None:
        self.by = by
        self.silent = silent

    async def newest(self, price_area: str) -> LaterPrices:
        if self.silent:
            self.silent -= 1
            raise SILENT
        auction = prices().price_eur_per_mwh
        later = [price + (self.by if n < 8 else -self.by) for n, price in enumerate(auction[48:64])]
        return LaterPrices(
            price_area=price_area, market=Market.INTRADAY, source="test", start=at(12), price_eur_per_mwh=tuple(later)
        )


async def a_plan_on(planned: WholesalePrices, made_at: datetime = MIDNIGHT) -> tuple[Series, Plans]:
    """A ledger with a plan of the day that was made with these prices."""
    series, plans = Series(), Plans()
    version = await series.store_prices(planned, made_at)
    outline = PlanOutline(
        price_area="DE-LU", price_version=version, first_slot=MIDNIGHT, slots=96, until=at(24), pumps=1
    )
    await plans.open_plan("run-1", outline, [], made_at)
    return series, plans


async def watched(
    series: Series,
    plans: Plans,
    market: SilentUntilAsked,
    watch_for: timedelta = timedelta(),
    tried: tuple[Tried, ...] = (),
    scans: list[str] | None = None,
    intraday: Intraday | None = None,
) -> tuple[Renewal, ...]:
    (area,) = await Directory("p-0001").price_areas()

    async def find_areas() -> list[AreaToPlan]:
        if scans is not None:
            scans.append("all pumps")
        return [AreaToPlan(area=area, tz="UTC"), AreaToPlan(area=area.model_copy(update={"price_area": "XX"}), tz=None)]

    activities = PriceWatchActivities(market, series, plans, find_areas, intraday)
    given = WatchPrices(clock=CLOCK, check_every=timedelta(seconds=12), watch_for=watch_for, tried=tried)
    found: tuple[Renewal, ...] = await an_attempt().run(activities.watch_prices, given)
    return found


async def test_prices_that_come_late_renew_the_plan_that_was_made_without_them() -> None:
    series, plans = await a_plan_on(FLAT)
    market = SilentUntilAsked(SILENT, prices())
    (renewal,) = await watched(series, plans, market, timedelta(hours=1))
    assert (renewal.area.price_area, renewal.day, renewal.version) == ("DE-LU", TODAY, 2)
    assert renewal.reason == "prices were flat and are published now"
    stored, stored_at = series.price_versions[1]
    assert stored == prices()
    assert stored_at - at(6) < timedelta(minutes=5), "noticed within five steered minutes"


async def test_a_file_that_a_person_loads_renews_the_plan_although_the_source_stays_silent() -> None:
    series, plans = await a_plan_on(FLAT)
    version = await series.store_prices(prices(), at(5))
    (renewal,) = await watched(series, plans, SilentUntilAsked(SILENT))
    assert renewal.version == version


@pytest.mark.parametrize("answer", [SILENT, DocumentRefused("ten times too dear", "http://market.invalid")])
async def test_without_believable_prices_there_is_nothing_to_renew(answer: Exception) -> None:
    series, plans = await a_plan_on(FLAT)
    assert await watched(series, plans, SilentUntilAsked(answer)) == ()
    assert len(series.price_versions) == 1


async def test_a_source_is_asked_every_few_minutes_while_a_plan_waits_and_not_at_once_for_corrections() -> None:
    series, plans = await a_plan_on(FLAT)
    waiting = SilentUntilAsked(SILENT)
    await watched(series, plans, waiting, timedelta(minutes=2))
    assert waiting.asked == [TODAY], "many looks, one question"
    series, plans = await a_plan_on(prices())
    settled = SilentUntilAsked(prices())
    assert await watched(series, plans, settled, timedelta(minutes=2)) == ()
    assert settled.asked == []


async def test_a_correction_renews_a_plan_only_where_it_matters_and_not_every_few_minutes() -> None:
    dearer = prices(level=90.0)
    series, plans = await a_plan_on(prices())
    await series.store_prices(dearer, at(5))
    (renewal,) = await watched(series, plans, SilentUntilAsked(SILENT))
    assert renewal.reason == "prices changed by up to 10.00 EUR/MWh"

    series, plans = await a_plan_on(prices())
    await series.store_prices(prices(level=81.0), at(5))
    assert await watched(series, plans, SilentUntilAsked(SILENT)) == ()

    series, plans = await a_plan_on(prices(), made_at=at(6) - LEAST_BETWEEN / 2)
    await series.store_prices(dearer, at(6))
    assert await watched(series, plans, SilentUntilAsked(SILENT)) == ()


async def test_a_plan_that_could_not_be_renewed_is_not_tried_again_at_once() -> None:
    series, plans = await a_plan_on(FLAT)
    version = await series.store_prices(prices(), at(5))
    tried = Tried(price_area="DE-LU", day=TODAY, version=version, at=at(6))
    assert await watched(series, plans, SilentUntilAsked(SILENT), tried=(tried,)) == ()
    long_ago = tried.model_copy(update={"at": at(6) - LEAST_BETWEEN - timedelta(minutes=1)})
    assert len(await watched(series, plans, SilentUntilAsked(SILENT), tried=(long_ago,))) == 1


async def test_the_pumps_of_all_areas_are_read_once_however_often_prices_are_compared() -> None:
    series, plans = await a_plan_on(FLAT)
    scans: list[str] = []
    assert await watched(series, plans, SilentUntilAsked(SILENT), timedelta(minutes=2), scans=scans) == ()
    assert len(scans) == 1
    await series.store_prices(prices(), at(5))
    assert len(await watched(series, plans, SilentUntilAsked(SILENT), scans=scans)) == 1
    assert len(scans) == 3, "once to begin with, and once for who is to be planned again"


async def test_a_new_intraday_series_renews_the_plan_within_a_minute_although_it_was_just_made() -> None:
    series, plans = await a_plan_on(prices(), made_at=at(6) - LEAST_BETWEEN / 2)
    (renewal,) = await watched(
        series, plans, SilentUntilAsked(SILENT), timedelta(minutes=3), intraday=Intraday(90.0, 1)
    )
    assert renewal.reason.startswith("intraday prices changed, worth up to ")
    stored, stored_at = series.price_versions[renewal.version - 1]
    assert stored.newest_eur_per_mwh[48] == stored.price_eur_per_mwh[48] + 90.0
    assert stored_at - at(6) <= timedelta(seconds=61), "asked again within a minute"


async def test_an_intraday_series_that_earns_less_than_moving_costs_renews_nothing() -> None:
    series, plans = await a_plan_on(prices())
    slight = Intraday(5.0)
    assert await watched(series, plans, SilentUntilAsked(SILENT), timedelta(minutes=2), intraday=slight) == ()
    assert len(series.price_versions) >= 2, "it is kept all the same"
