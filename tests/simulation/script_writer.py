"""Draws the script of one pump from a seed: plans, overrides, orders, manual changes, faults and weather.

Protects: the same seed and number give the same script.
"""

import random
from datetime import datetime, timedelta
from typing import Any

from domain.homes.comfort import ComfortBand
from domain.homes.site import Emitter, HomeShare
from domain.modes import Circuit, HotWaterMode, Mode
from domain.oem.readings import Condition
from domain.planning.price_plan import HotWaterSegment, ModeSegment, PricePlan
from domain.steering.orders import Order, OrderKind
from domain.steering.overrides import Override, OverrideKind, OverrideSource, asked_of
from tests.builders import COMFORT, OFFSET
from tests.simulation.script import CALM, DAY, FIRST_DAY, SLOT, WINDOWS, Incident, Script


def write_script(seed: int, number: int, days: int) -> Script:
    """The script of one pump: `days` days, the last of them calm."""
    rng = random.Random(f"{seed}:{number}")
    writer = _Writer(rng, seed, number, days)
    return writer.write()


IMPOSED = tuple(kind for kind in OrderKind if kind is not OrderKind.SHADOW)
"""What operators impose on pumps that we steer; shadow mode is for those that another system steers."""


class _Writer:
    def __init__(self, rng: random.Random, seed: int, number: int, days: int) -> None:
        self.rng, self.seed, self.number, self.days = rng, seed, number, days
        self.incidents: list[Incident] = []
        self.revision = 0
        self.last = FIRST_DAY + days * DAY - CALM
        self.count = 0

    def write(self) -> Script:
        rng = self.rng
        has_hot_water = rng.random() < 0.5
        baseline = {OFFSET: float(rng.choice((-1, 0, 0, 1, 2)))}
        if has_hot_water:
            baseline[COMFORT] = 1.0
        home = HomeShare(home_id="h", pumps=2, rank=rng.randrange(2), raised_at_once=1) if rng.random() < 0.1 else None
        for day in range(-1, self.days):
            self._plans(FIRST_DAY + day * DAY, has_hot_water)
        busy = rng.choice((0.4, 1.0, 2.0))
        for day in range(self.days - 1):
            self._a_day(FIRST_DAY + day * DAY, busy, has_hot_water)
        self._ending()
        skewed = rng.random() < 0.4
        return Script(
            seed=self.seed,
            number=self.number,
            days=self.days,
            pump_id=f"p-{self.number:05d}",
            baseline=baseline,
            band=ComfortBand(room_min_c=rng.choice((19.0, 20.0, 20.5, 20.5))),
            emitter=rng.choice(tuple(Emitter)),
            home=home,
            vendor_skew_s=rng.randint(-240, 240) if skewed else 0,
            worker_skew_s=rng.randint(0, 60) if skewed else 0,
            incidents=tuple(sorted((i for i in self.incidents if i.at <= self.last), key=lambda i: i.at)),
        )

    def add(self, at: datetime, kind: str, what: Any = None, hours: float | None = None) -> None:
        until = None if hours is None else min(at + timedelta(hours=hours), self.last)
        if until is None or until > at:
            self.incidents.append(Incident(at=at, kind=kind, what=what, until=until))

    def moment(self, day: datetime) -> datetime:
        return day + timedelta(seconds=self.rng.randrange(86_400))

    # --- plans -----------------------------------------------------------------------------------------------------

    def _plans(self, today: datetime, has_hot_water: bool) -> None:
        """What the planner sends on `today` for tomorrow, with its later revisions."""
        rng = self.rng
        if today == FIRST_DAY - DAY:
            self._send(self._plan(FIRST_DAY, FIRST_DAY + DAY, has_hot_water), FIRST_DAY + timedelta(minutes=1))
            return
        if rng.random() < 0.04:
            return  # a day without prices
        tomorrow = today + DAY
        sent_at = today + timedelta(hours=13, minutes=rng.randrange(120))
        if rng.random() < 0.05:
            sent_at += timedelta(hours=rng.randrange(8, 18))
        plans = [self._plan(tomorrow, tomorrow + DAY, has_hot_water)]
        for _ in range(rng.choice((0, 0, 0, 0, 1, 1, 2)) if rng.random() > 0.01 else 5):
            starts = rng.choice((tomorrow, tomorrow, tomorrow + timedelta(hours=rng.randrange(1, 12))))
            plans.append(self._plan(starts, tomorrow + DAY, has_hot_water))
        times = [sent_at + timedelta(minutes=rng.randrange(1, 300)) * i for i in range(len(plans))]
        if rng.random() < 0.2:
            rng.shuffle(times)
        for plan, at in zip(plans, times, strict=True):
            self._send(plan, at)

    def _send(self, plan: PricePlan, at: datetime) -> None:
        self.add(at, "plan", plan)
        if self.rng.random() < 0.15:
            self.add(at + timedelta(minutes=self.rng.randrange(600)), "plan", plan)

    def _plan(self, start: datetime, end: datetime, has_hot_water: bool) -> PricePlan:
        self.revision += 1
        rng = self.rng
        longest = 4 if rng.random() < 0.06 else 24
        heating = []
        for begin, stop in self._pieces(start, end, longest):
            mode = rng.choice((Mode.MIN, Mode.LOW, Mode.LOW, Mode.MID, Mode.MIN, Mode.MAX))
            if mode is not Mode.LOW:
                heating.append(ModeSegment(start=begin, end=stop, mode=mode))
        hot_water = []
        if has_hot_water:
            for begin, stop in self._pieces(start, end, 40):
                level = rng.choice((HotWaterMode.HOLD, HotWaterMode.NORMAL, HotWaterMode.NORMAL, HotWaterMode.BOOST))
                if level is not HotWaterMode.NORMAL:
                    hot_water.append(HotWaterSegment(start=begin, end=stop, mode=level))
        return PricePlan(
            revision=self.revision,
            segments=tuple(heating),
            hot_water=tuple(hot_water),
            floor=Mode.LOW if rng.random() < 0.08 else Mode.MIN,
            first_slot=start,
            valid_until=end,
        )

    def _pieces(self, start: datetime, end: datetime, longest: int) -> list[tuple[datetime, datetime]]:
        pieces, at = [], start
        while at < end:
            stop = min(end, at + SLOT * self.rng.randrange(max(1, longest // 3), longest + 1))
            pieces.append((at, stop))
            at = stop
        return pieces

    # --- what else a day brings ------------------------------------------------------------------------------------

    def _a_day(self, day: datetime, busy: float, has_hot_water: bool) -> None:
        for kind, per_day in _OFTEN.items():
            if self.rng.random() < per_day * busy:
                self._happens(kind, self.moment(day), has_hot_water)

    def _happens(self, kind: str, at: datetime, has_hot_water: bool) -> None:
        rng = self.rng
        match kind:
            case "touch":
                circuit = Circuit.HOT_WATER if has_hot_water and rng.random() < 0.3 else Circuit.HEATING
                self.add(at, kind, (circuit, rng.random()))
            case "drift":
                for _ in range(rng.choice((1, 1, 1, 2, 5))):
                    self.add(at, kind, rng.choice((Mode.MIN, Mode.LOW, Mode.MID, Mode.MAX)))
                    at += timedelta(minutes=rng.randrange(20, 200))
            case "override":
                self._override(at)
            case "order":
                self._order(at)
            case "consent":
                self.add(at, kind, True)
                self.add(at + timedelta(minutes=rng.randrange(2, 2400)), kind, False)
            case "comfort":
                self.add(at, kind, ComfortBand(room_min_c=rng.choice((18.5, 20.0, 20.5))))
            case "condition":
                what = rng.choice([c for c in Condition if c is not Condition.NORMAL])
                self.add(at, kind, what, hours=rng.uniform(0.3, 20))
            case "retry":
                self.add(at, kind, rng.random() < 0.3)
            case _:
                self._surroundings(kind, at)

    def _surroundings(self, kind: str, at: datetime) -> None:
        rng = self.rng
        match kind:
            case "cold snap":
                self.add(at, kind, rng.uniform(-6, -18), hours=rng.uniform(12, 48))
            case "window open":
                self.add(at, kind, rng.uniform(1.5, 4), hours=rng.uniform(0.3, 3))
            case _ if kind in WINDOWS:
                self.add(at, kind, hours=rng.uniform(0.1, rng.choice((0.3, 1.0, 4.0, 12.0))))
            case _:
                self.add(at, kind)

    def _override(self, at: datetime) -> None:
        rng = self.rng
        self.count += 1
        kind = rng.choice(
            (OverrideKind.MODE, OverrideKind.MODE, OverrideKind.PAUSE, OverrideKind.VACATION, OverrideKind.EMERGENCY)
        )
        mode, hot_water = asked_of(kind, rng.choice(tuple(Mode)) if kind is OverrideKind.MODE else None)
        hours = rng.uniform(20, 60) if kind is OverrideKind.VACATION else rng.uniform(0.2, 8)
        until = at + timedelta(hours=hours)
        override = Override(
            override_id=f"o{self.count}",
            source=rng.choice((OverrideSource.HOUSEHOLD, OverrideSource.HOUSEHOLD, *OverrideSource)),
            kind=kind,
            mode=mode,
            hot_water=hot_water,
            requested_at=at - timedelta(seconds=rng.randrange(30)),
            until=min(until, self.last),
            who="resident",
            why="as the script says",
        )
        self.add(at, "override", override)
        if rng.random() < 0.3:
            self.add(at + timedelta(seconds=rng.randrange(1, 4000)), "override", override)
        if rng.random() < 0.3:
            ended = None if rng.random() < 0.2 else override.override_id
            self.add(at + timedelta(hours=hours * rng.random()), "end-override", ended)

    def _order(self, at: datetime) -> None:
        rng = self.rng
        self.count += 1
        kind = rng.choice((OrderKind.STOP, OrderKind.STOP, *IMPOSED))
        hours = rng.uniform(0.3, 12)
        is_of_the_grid = kind in (OrderKind.LIMIT, OrderKind.SECTION_14A)
        ends_by_itself = is_of_the_grid or rng.random() < 0.5
        order = Order(
            order_id=f"s{self.count}",
            kind=kind,
            scope="all",
            cap=rng.choice((Mode.MIN, Mode.LOW)) if kind is OrderKind.LIMIT else None,
            limit_kw=round(rng.uniform(4.2, 12.0), 1) if kind is OrderKind.SECTION_14A else None,
            revision=max(1, self.revision - 1) if kind is OrderKind.STOP and rng.random() < 0.2 else None,
            since=at,
            until=min(at + timedelta(hours=hours), self.last) if ends_by_itself else None,
            who="operator",
            why="as the script says",
        )
        self.add(at, "order", order)
        if not ends_by_itself or rng.random() < 0.3:
            lifted_at = min(at + timedelta(hours=hours * (1.0 if not ends_by_itself else rng.random())), self.last)
            self.add(lifted_at, "lift", None if rng.random() < 0.2 else order.order_id)

    def _ending(self) -> None:
        """The end of a run: mostly calm; some opt out, some retire; every fault is over by then."""
        rng = self.rng
        self.add(self.last, "lift", None)
        draw = rng.random()
        if draw < 0.15:
            self.add(self.last - timedelta(hours=rng.uniform(0, 20)), "retire")
        elif draw < 0.4:
            self.add(self.last, "consent", True)


_OFTEN = {
    "touch": 0.10,
    "drift": 0.08,
    "override": 0.30,
    "order": 0.10,
    "consent": 0.03,
    "comfort": 0.02,
    "condition": 0.05,
    "cold snap": 0.03,
    "window open": 0.10,
    "retry": 0.05,
    "refused": 0.03,
    "outage": 0.15,
    "offline": 0.06,
    "budget": 0.12,
    "ignore": 0.06,
    "lose": 0.15,
    "stale": 0.05,
    "slow": 0.10,
    "crash": 0.20,
    "stall": 0.10,
}
"""How often in a day each kind happens, in a usual run."""
