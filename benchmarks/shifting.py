"""How plans fare in houses of another physics, without clouds in between: `python -m benchmarks.shifting --seeds 1-8`.

Each day is planned from enrolment sheets, forecast and what room sensors show, and then played in the simulator with
every lever moved exactly when the plan says. What remains is the planner's own doing: price paid per MWh beside the
unsteered twins', kelvin-hours, mean rooms, power above the planned limit, changes. Real days with --prices FILE ...
(Energy-Charts JSON), one weather file with --weather.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from backtest.profiles import profile_of
from demo.stage import CAP_SHARE
from domain.clock import SteeringClock
from domain.homes.enrolment import PumpProfile
from domain.modes import Circuit
from domain.planning.fleet_plan import PlanningRequest, PumpForPlanning, price_plan
from domain.planning.price_plan import PricePlan, jitter
from domain.planning.scope import nameplate_kw
from domain.planning.series import WeatherSeries, WholesalePrices
from domain.planning.tariff import WHOLESALE, home_prices
from domain.slots import SLOT, SLOT_HOURS, market_day_bounds
from market.files import load_price_file
from optimizer.planner import plan_fleet
from simulator import levers
from simulator.app import build_fleet
from simulator.config import SimulatorConfig
from simulator.feeds.market import MarketFeed
from simulator.homes.fleet import SimulatedFleet

TZ = ZoneInfo("Europe/Berlin")
PRICE_AREA = "DE-LU"
CELL = "50.0,10.0"
DAY_SLOTS = 96


DEAREST_SLOTS = 8


def play(
    seed: int,
    day: date,
    pumps: int,
    prices_file: Path | None,
    weather_file: Path | None,
    planned_with: WholesalePrices | None = None,
) -> dict[str, Any]:
    """Plan and play one market day; returns its figures.

    `planned_with`: what the plan is made from, where that is not what is paid (an estimate, say).
    """
    start, end = market_day_bounds(day, TZ)
    slots = (end - start) // SLOT
    with tempfile.TemporaryDirectory() as scratch:
        fleet = build_fleet(
            SimulatorConfig(
                clock=SteeringClock(epoch=start, start_wall=start),
                seed=seed,
                pumps=pumps,
                day=day,
                prices_file=prices_file,
                weather_file=weather_file,
                truth_file=Path(scratch) / "truth.jsonl",
                ready_file=Path(scratch) / "ready.json",
            )
        )
        prices = generated_prices(fleet, day, prices_file)
        request = _request(fleet, planned_with or prices, start, slots)
        result = plan_fleet(request)
        plans = {p.pump_id: price_plan(1, request, p, end) for p in result.pumps}
        _follow(fleet, plans, {p.profile.enrolment.pump_id: p.profile for p in request.pumps}, start, end)
        figures = _figures(fleet, plans, prices, start, request)
        fleet.close()
    certificate = result.certificate
    return {
        "day": day.isoformat(),
        "seed": seed,
        "pumps": pumps,
        "price_min": min(prices.price_eur_per_mwh),
        "price_max": max(prices.price_eur_per_mwh),
        "gap_pct": round(certificate.gap_pct, 3),
        "gap_of_gain_pct": round(certificate.gap_of_gain_pct, 2),
        "planning_s": round(certificate.seconds, 2),
    } | figures


def generated_prices(fleet: SimulatedFleet, day: date, file: Path | None) -> WholesalePrices:
    if file is not None:
        return load_price_file(file, PRICE_AREA, TZ, day)
    rows = MarketFeed(fleet).rows(day)
    return WholesalePrices(
        price_area=PRICE_AREA,
        source="generator",
        resolution_min=15,
        start=market_day_bounds(day, TZ)[0],
        price_eur_per_mwh=tuple(float(price) for _, price in rows if price is not None),
    )


def _request(fleet: SimulatedFleet, prices: WholesalePrices, start: datetime, slots: int) -> PlanningRequest:
    # from the day before, which the filter of the unit's own curve still remembers
    seconds = [start.timestamp() + 900.0 * i for i in range(-DAY_SLOTS, slots)]
    weather = WeatherSeries(
        cell=CELL,
        source="forecast",
        start=start - DAY_SLOTS * SLOT,
        outdoor_c=tuple(fleet.weather.forecast_temperature_c(s + 450) for s in seconds),
        radiation_w_per_m2=tuple(fleet.weather.forecast_radiation_mean_w_m2(s, s + 900) for s in seconds),
    )
    profiles = [profile_of(fleet, home) for home in fleet.homes]
    rooms = {home.unit.pump_id: home.steered.rooms.air_c for home in fleet.homes}
    return PlanningRequest(
        first_slot=start,
        slots=slots,
        prices=home_prices(prices, WHOLESALE),
        weather=weather,
        pumps=tuple(
            PumpForPlanning(
                profile=profile,
                room_c=round(rooms[profile.enrolment.pump_id], 1) if profile.has_room_sensor else None,
            )
            for profile in profiles
        ),
        cap_kw=round(CAP_SHARE * nameplate_kw(p.enrolment for p in profiles), 3),
    )


def _follow(
    fleet: SimulatedFleet, plans: dict[str, PricePlan], profiles: dict[str, PumpProfile], start: datetime, end: datetime
) -> None:
    """Move every lever at its own jittered edge, to the minute."""
    moment = start
    while moment < end:
        for home in fleet.homes:
            pump_id = home.unit.pump_id
            profile = profiles[pump_id]
            for circuit in Circuit:
                lever = profile.lever(circuit)
                if lever is None:
                    continue
                setting = lever.setting_for(plans[pump_id].level_at(circuit, moment - jitter(pump_id)))
                on_unit = levers.Lever(lever.name)
                if home.unit.levers[on_unit].setting != setting:
                    home.unit.ask(setting, moment.timestamp(), on_unit)
        moment += timedelta(minutes=1)
        fleet.advance_to(moment.timestamp())


def _figures(
    fleet: SimulatedFleet,
    plans: dict[str, PricePlan],
    prices: WholesalePrices,
    start: datetime,
    request: PlanningRequest,
) -> dict[str, Any]:
    first, slots = int(start.timestamp()) // 900, request.slots
    load_kw, twin_load_kw = np.zeros(slots), np.zeros(slots)
    price = prices.price_eur_per_mwh
    tank_c = twin_tank_c = np.inf
    kwh = twin_kwh = cost = twin_cost = room = twin_room = debt = twin_debt = warm = stored = 0.0
    more_starts = 0
    for home in fleet.homes:
        books = [home.history.get(first + i) for i in range(slots)]
        load_kw += np.array([b.kwh for b in books]) / SLOT_HOURS
        twin_load_kw += np.array([b.twin_kwh for b in books]) / SLOT_HOURS
        kwh += sum(b.kwh for b in books)
        twin_kwh += sum(b.twin_kwh for b in books)
        cost += sum(b.kwh * p for b, p in zip(books, price, strict=True)) / 1000
        twin_cost += sum(b.twin_kwh * p for b, p in zip(books, price, strict=True)) / 1000
        room += sum(b.room_c_sum / b.minutes for b in books) / slots
        twin_room += sum(b.twin_room_c_sum / b.minutes for b in books) / slots
        debt += sum(b.too_cold_kh + b.too_warm_kh for b in books)
        twin_debt += sum(b.twin_too_cold_kh + b.twin_too_warm_kh for b in books)
        warm += sum(b.too_warm_kh for b in books)
        stored += books[-1].stored_kwh
        tank_c = min(tank_c, *(b.tank_min_c for b in books))
        twin_tank_c = min(twin_tank_c, *(b.twin_tank_min_c for b in books))
        more_starts += home.steered.control.starts - home.twin.control.starts
    assert request.cap_kw is not None
    changes = [sum(1 for s in plan.segments) - 1 for plan in plans.values()]
    count = len(fleet.homes)
    dearest = sorted(range(slots), key=lambda slot: price[slot])[-DEAREST_SLOTS:]
    return {
        "price_paid": round(1000 * cost / kwh, 2),
        "baseline_price_paid": round(1000 * twin_cost / twin_kwh, 2),
        "cost_eur": round(cost, 3),
        "baseline_cost_eur": round(twin_cost, 3),
        "kwh": round(kwh, 1),
        "baseline_kwh": round(twin_kwh, 1),
        "stored_heat_kwh": round(stored, 2),
        "coolest_tank_c": round(tank_c, 2),
        "baseline_coolest_tank_c": round(twin_tank_c, 2),
        "mean_room_k": round((room - twin_room) / count, 3),
        "extra_kelvin_hours_per_pump": round((debt - twin_debt) / count, 4),
        "too_warm_kh_per_pump": round(warm / count, 4),
        "extra_compressor_starts_per_pump": round(more_starts / count, 2),
        "dearest_kwh": round(float(load_kw[dearest].sum()) * SLOT_HOURS, 2),
        "baseline_dearest_kwh": round(float(twin_load_kw[dearest].sum()) * SLOT_HOURS, 2),
        "modes": sorted({s.mode.value for plan in plans.values() for s in plan.segments}),
        "slots_steered_once": min(_steered_once(plan, start, slots) for plan in plans.values()),
        "cap_kw": request.cap_kw,
        "peak_kw": round(float(load_kw.max()), 2),
        "over_cap_slots": int((load_kw > request.cap_kw).sum()),
        "over_cap_kwh": round(float(np.maximum(load_kw - request.cap_kw, 0).sum()) * SLOT_HOURS, 2),
        "baseline_over_cap_slots": int((twin_load_kw > request.cap_kw).sum()),
        "changes_least": min(changes),
        "changes_most": max(changes),
        "changes_mean": round(sum(changes) / count, 2),
    }


def _steered_once(plan: PricePlan, start: datetime, slots: int) -> int:
    """Slots that lie in exactly one of the plan's segments."""
    begins = [start + slot * SLOT for slot in range(slots)]
    return sum(sum(s.start <= begin < s.end for s in plan.segments) == 1 for begin in begins)


def main(argv: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="1", help="one, or FIRST-LAST")
    parser.add_argument("--pumps", type=int, default=12)
    parser.add_argument("--date", type=date.fromisoformat, default=date(2026, 1, 15))
    parser.add_argument("--prices", type=Path, nargs="*", default=[])
    parser.add_argument("--weather", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(argv)
    first, _, last = given.seeds.partition("-")
    files: list[Path | None] = list(given.prices) or [None]
    rows = []
    for file in files:
        day = given.date if file is None else load_price_file(file, PRICE_AREA, TZ).start.astimezone(TZ).date()
        for seed in range(int(first), int(last or first) + 1):
            rows.append(play(seed, day, given.pumps, file, given.weather))
            if not given.json:
                print(" ".join(f"{k}={v}" for k, v in rows[-1].items()))
    if given.json:
        print(json.dumps({"days": rows}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
