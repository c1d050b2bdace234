"""Settling market days: energy by slot, what it cost, and what is claimed to have been saved.

Protects: settling a day again changes it only where what it rests on changed (late reports, revised prices); a pump
that cannot be settled costs the others nothing, and is counted.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from temporalio import activity

from activities.learning import HouseLearning
from activities.planning import with_heartbeat
from activities.regret import KnownDay, LivedHome, Regrets, lived_home
from activities.steered import steered_now
from domain.base import Value
from domain.clock import SteeringClock
from domain.homes.enrolment import Enrolment, PumpProfile
from domain.homes.learned import LearnedHouse
from domain.homes.settlement import earns_by_moving
from domain.modes import Mode
from domain.planning.house_load import HouseLoads, peaks_of_day
from domain.planning.own_sun import own_sun_of
from domain.planning.power_charge import Peak
from domain.planning.scope import Scope, scope_of
from domain.planning.series import HomePrices, WeatherSeries, WholesalePrices
from domain.planning.tariff import Tariffs, home_prices
from domain.ports import PumpDirectory, SeriesStore
from domain.savings.claim import Claim, Estimator
from domain.savings.costs import settle
from domain.savings.energy import EnergyCourse, energy_course, most_kw
from domain.savings.experiment import Experiment
from domain.savings.home_day import HomeDay, LeftOut, by_evidence, by_flag, kelvin_hours, why_left_out
from domain.savings.ledgers import ledgers_of
from domain.savings.ports import DayEvidence, HouseModel, SettlementStore
from domain.slots import SLOT, market_day_slots

log = structlog.get_logger(__name__)

BATCH = 200
"""Pumps whose day is read from the ledger at a time."""
NEWEST = timedelta(hours=36)
"""A day that ended less than this ago is the newest that is whole."""
WEATHER_FROM = (0, 8, 32)
"""Slots from which a forecast must know the day: one that was made in its course begins later."""


class SettleDay(Value):
    """Settle the pumps of a price area for one market day."""

    clock: SteeringClock
    price_area: str
    day: date


class DaySettled(Value):
    """What became of it."""

    pumps: int
    settled: int = 0
    changed: int = 0
    """Home-days that are new or differ from what was settled before."""
    reason: str = ""
    """Why nothing was settled; mostly empty."""


class MakeClaim(Value):
    """Estimate what was saved from one local day to another, both included."""

    clock: SteeringClock
    price_area: str
    first_day: date
    last_day: date


@dataclass(frozen=True)
class _Day:
    """What the homes of one scope share on a market day."""

    day: date
    slots: Sequence[datetime]
    wholesale: WholesalePrices
    price_version: int
    experiment: Experiment | None
    now: datetime


class SettlementActivities:
    """Settle days, make claims."""

    def __init__(
        self,
        store: SettlementStore,
        pumps: PumpDirectory,
        series: SeriesStore,
        tariffs: Tariffs,
        model: HouseModel,
        estimator: Estimator,
        tz_of: Callable[[str], str],
        regrets: Regrets | None = None,
        learning: HouseLearning | None = None,
        loads: HouseLoads | None = None,
    ) -> None:
        """`tz_of` names the time zone of a price area's market day.

        Without `regrets` none are worked out; without `learning` houses stay as enrolled; without `loads` no house is
        metered.
        """
        self._loads = loads
        self._store = store
        self._pumps = pumps
        self._series = series
        self._tariffs = tariffs
        self._model = model
        self._estimator = estimator
        self._tz_of = tz_of
        self._regrets = regrets
        self._learning = learning

    @activity.defn
    async def settle_day(self, given: SettleDay) -> DaySettled:
        """Settle one market day of an area's pumps."""
        return await with_heartbeat(self._settle_day(given))

    async def _settle_day(self, given: SettleDay) -> DaySettled:
        slots = market_day_slots(given.day, ZoneInfo(self._tz_of(given.price_area)))
        enrolments = await self._pumps.enrolments(given.price_area)
        version = await self._series.newest_prices(given.price_area, slots[0], slots[-1] + SLOT)
        if version is None:
            return DaySettled(pumps=len(enrolments), reason=f"no prices of {given.day} are published yet")
        shared = _Day(
            day=given.day,
            slots=slots,
            wholesale=await self._series.prices(version),
            price_version=version,
            experiment=await self._store.experiment_on(given.day),
            now=steered_now(given.clock)(),
        )
        weather: dict[str, WeatherSeries | None] = {}
        for cell in sorted({enrolment.weather_cell for enrolment in enrolments}):
            weather[cell] = await self._weather(cell, slots)
        settled = changed = 0
        lived: list[LivedHome] = []
        for start in range(0, len(enrolments), BATCH):
            found = await self._settle_batch(shared, enrolments[start : start + BATCH], weather, lived)
            settled += len(found)
            changed += await self._store.keep(found, shared.now)
            await self._learn(shared, enrolments[start : start + BATCH])
        # An attempt before this one may have stored what changed, and ended before the regrets.
        if self._regrets is not None and (changed or activity.info().attempt > 1):
            await self._settle_regrets(self._regrets, shared, lived, weather)
        missing = len(enrolments) - settled
        reason = f"{missing} pumps were not settled: see the worker's log" if missing else ""
        return DaySettled(pumps=len(enrolments), settled=settled, changed=changed, reason=reason)

    async def _learn(self, shared: _Day, enrolments: Sequence[Enrolment]) -> None:
        """Learn the houses from yesterday and the month before it; an older day that is settled again is past."""
        end = shared.slots[-1] + SLOT
        if self._learning is None or not timedelta() <= shared.now - end < NEWEST:
            return
        try:
            profiles = await self._pumps.profiles([enrolment.pump_id for enrolment in enrolments])
            await self._learning.learn_batch(profiles, end, shared.now)
        except Exception as error:  # noqa: BLE001 -- a day is settled whether or not anything was learned
            log.warning("houses not learned", day=str(shared.day), reason=str(error).partition("\n")[0][:240])

    async def _weather(self, cell: str, slots: Sequence[datetime]) -> WeatherSeries | None:
        """The newest forecast of the day; one that begins in its course counts for what came before as well."""
        for skip in WEATHER_FROM:
            found = await self._series.newest_weather(cell, slots[skip], slots[-1] + SLOT)
            if found is not None:
                known = found.cut(slots[skip], len(slots) - skip)
                return known.model_copy(
                    update={
                        "start": slots[0],
                        "outdoor_c": known.outdoor_c[:1] * skip + known.outdoor_c,
                        "radiation_w_per_m2": known.radiation_w_per_m2[:1] * skip + known.radiation_w_per_m2,
                    }
                )
        return None

    async def _settle_regrets(
        self,
        regrets: Regrets,
        shared: _Day,
        lived: Sequence[LivedHome],
        weather: Mapping[str, WeatherSeries | None],
    ) -> None:
        scopes = {scope_of(home.profile.enrolment) for home in lived}
        await regrets.settle(
            KnownDay(shared.day, shared.slots, shared.price_version, shared.now),
            lived,
            {scope: self._prices(shared, scope) for scope in scopes},
            {cell: known for cell, known in weather.items() if known is not None},
        )

    def _prices(self, shared: _Day, scope: Scope) -> HomePrices:
        tariff = self._tariffs(scope.tariff)
        prices = home_prices(shared.wholesale, tariff, scope.settlement, scope.benefit)
        return prices.cut(shared.slots[0], len(shared.slots))

    async def _settle_batch(
        self,
        shared: _Day,
        enrolments: Sequence[Enrolment],
        weather: Mapping[str, WeatherSeries | None],
        lived: list[LivedHome],
    ) -> list[tuple[HomeDay, EnergyCourse]]:
        """Settled home-days of a batch; adds to `lived` what regret needs of each."""
        ids = [enrolment.pump_id for enrolment in enrolments]
        known = await self._store.evidence(ids, shared.slots)
        start, end = shared.slots[0], shared.slots[-1] + SLOT
        learned = {} if self._learning is None else await self._learning.learned.newest(ids)
        metered = {} if self._loads is None else await self._loads.loads_kw(ids, start, end)
        found = []
        for profile in await self._pumps.profiles(ids):
            pump_id, forecast = profile.enrolment.pump_id, weather[profile.enrolment.weather_cell]
            if forecast is None:
                log.warning("home-day not settled", pump=pump_id, day=str(shared.day), reason="no weather is known")
                continue
            weather_then = forecast.cut(shared.slots[0], len(shared.slots))
            evidence = known.get(pump_id, DayEvidence())
            try:
                house = learned.get(pump_id)
                settled = self._home_day(shared, profile, evidence, weather_then, metered.get(pump_id), house)
            except Exception as error:  # noqa: BLE001 -- one home's bad numbers must not cost the others their day
                reason = str(error).partition("\n")[0][:240]
                log.warning("home-day not settled", pump=pump_id, day=str(shared.day), reason=reason)
                continue
            found.append(settled)
            modes = modes_by_slot(evidence.modes, shared.slots)
            lived.append(lived_home(profile, settled[0], evidence, modes, shared.slots[0], learned.get(pump_id)))
        return found

    def _home_day(
        self,
        shared: _Day,
        profile: PumpProfile,
        known: DayEvidence,
        weather: WeatherSeries,
        metered_kw: Mapping[datetime, float] | None,
        learned: LearnedHouse | None,
    ) -> tuple[HomeDay, EnergyCourse]:
        e, slots, outdoor_c = profile.enrolment, shared.slots, weather.outdoor_c
        rooms = [room for at, room in known.rooms if slots[0] <= at < slots[-1] + SLOT]
        room_c = sum(rooms) / len(rooms) if rooms else None
        mean_outdoor_c = sum(outdoor_c) / len(outdoor_c)
        # Nothing that steering made may be in it, neither the day's own room nor what was learned meanwhile: whoever
        # compares the arms would take what it costs to warm a room for a costlier day.
        neutral_kwh = self._model.expected_kwh(profile, outdoor_c, [Mode.LOW] * len(slots), None)
        expected_kwh = self._model.expected_kwh(profile, outdoor_c, modes_by_slot(known.modes, slots), room_c, learned)
        energy = energy_course(slots, known.reported, expected_kwh, most_kw(e), shared.now)
        prices = self._prices(shared, scope_of(e))
        fallen_k = rooms[0] - rooms[-1] if rooms else 0.0
        borrowed_kwh = self._model.kwh_to_warm(profile, fallen_k, mean_outdoor_c, room_c)
        sun, tariff = own_sun_of(e, weather), self._tariffs(e.tariff)
        cost, flat, expected, unsteered = settle(energy, prices.price_eur_per_mwh, neutral_kwh, borrowed_kwh, sun)
        charge, peaks, own_peaks = tariff.power_charge(shared.day), tuple[Peak, ...](), tuple[Peak, ...]()
        if charge is not None:
            both = energy.kwh, neutral_kwh
            peaks, own_peaks = peaks_of_day(charge, ZoneInfo(tariff.tz), slots, both, metered_kw)
        experiment = shared.experiment
        may_move = earns_by_moving(e.settlement, e.benefit)
        left_out: LeftOut | None = why_left_out(experiment, e.pump_id, shared.day, may_move, energy)
        return HomeDay(
            pump_id=e.pump_id,
            price_area=e.price_area,
            day=shared.day,
            arm=None if experiment is None else experiment.arm(e.pump_id, shared.day),
            left_out=left_out,
            kwh=round(sum(energy.kwh), 4),
            cost_eur=round(cost, 6),
            flat_cost_eur=round(flat, 6),
            expected_eur=round(expected, 6),
            unsteered_eur=round(unsteered, 6),
            room_c=None if room_c is None else round(room_c, 3),
            outdoor_c=round(mean_outdoor_c, 3),
            kelvin_hours=round(_kelvin_hours(known.rooms, slots, profile), 4),
            evidence=by_evidence(energy),
            excluded=by_flag(energy),
            price_version=shared.price_version,
            own_sun_kwh=0.0 if sun is None else round(sun.used_kwh(energy.kwh), 4),
            ledgers=ledgers_of(shared.wholesale, tariff, e.settlement, energy, neutral_kwh, borrowed_kwh, sun),
            peaks=peaks,
            unsteered_peaks=own_peaks,
            is_house_metered=metered_kw is not None,
        ), energy

    @activity.defn
    async def claim_savings(self, given: MakeClaim) -> Claim | None:
        """Estimate what was saved over a span of days, and store it; None where nothing is settled there."""
        return await with_heartbeat(self._claim(given))

    async def _claim(self, given: MakeClaim) -> Claim | None:
        days = await self._store.home_days(given.price_area, given.first_day, given.last_day)
        if not days:
            return None
        claim = await asyncio.to_thread(self._estimator, given.price_area, days)
        claim = claim.model_copy(update={"first_day": given.first_day, "last_day": given.last_day})
        await self._store.keep_claim(claim, steered_now(given.clock)())
        return claim


def modes_by_slot(modes: Sequence[tuple[datetime, Mode]], slots: Sequence[datetime]) -> list[Mode]:
    """The mode in force in the middle of each slot; neutral before the first decision."""
    found = []
    for slot in slots:
        before = [mode for at, mode in modes if at <= slot + SLOT / 2]
        found.append(before[-1] if before else Mode.LOW)
    return found


def _kelvin_hours(rooms: Sequence[tuple[datetime, float]], slots: Sequence[datetime], profile: PumpProfile) -> float:
    """Outside the band, each room temperature taken for all slots until the next one."""
    by_slot = []
    for slot in slots:
        before = [room for at, room in rooms if at < slot + SLOT]
        if before:
            by_slot.append((slot, before[-1]))
    return kelvin_hours(by_slot, profile.enrolment.band)
