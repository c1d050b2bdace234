"""An independent, slow reading of precedence (decision 25), from the events a pump received and not from its state.

Protects: the rules that are judged and the rules that judge share no line; this module calls nothing of
`domain.steering.arbitration`.
From strong to weak: the unit's own protection and lost power (nothing is written) > room and tank floors > opted out,
in service or steered by somebody at the unit (only a restore) > grid and home limits (a cap, never below a floor) >
the newest household override > others' targets on its behalf > an operator's stop > the plan > neutral.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.homes.site import Emitter, HomeShare
from domain.modes import Circuit, HotWaterMode, Level, Mode
from domain.oem.readings import Condition
from domain.planning.price_plan import PricePlan
from domain.steering.orders import Order, OrderKind
from domain.steering.overrides import Override, OverrideKind, OverrideSource
from domain.steering.pump_state import (
    ComfortChanged,
    CommandSettled,
    Decision,
    Event,
    Observed,
    OrderGiven,
    OrderLifted,
    OverrideEnded,
    OverrideRequested,
    PlanArrived,
    RetireRequested,
    RetryRequested,
    SteeringConsent,
)
from tests.simulation.judging.manual_change_checker import Learnt, ManualChangeChecker

JITTER_S = 300.0
STAGGER_S = 900.0
STUCK_DROP_K = 3.0
"""How far a room falls under a set-back of the heating curve that is never taken back."""
COOL_RETRY = timedelta(hours=1)
_STRENGTH = {Mode.MIN: 0, Mode.LOW: 1, Mode.MID: 2, Mode.MAX: 3}


def _own_share(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32


@dataclass(frozen=True)
class Ruling:
    """What should be on a circuit, whether nothing may be written, and whether only a plan says so."""

    level: Level
    is_held: bool
    by: str
    """plan, person, stop, limit, gone, outside or floor: the rule that decided."""


@dataclass
class Oracle:
    """Everything that one pump received."""

    pump_id: str
    emitter: Emitter
    home: HomeShare | None
    room_min_c: float
    plans: dict[int, PricePlan] = field(default_factory=dict)
    overrides: dict[str, Override] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    manual_changes: ManualChangeChecker = field(default_factory=ManualChangeChecker)
    touches: list[Override] = field(default_factory=list)
    orders: dict[str, Order] = field(default_factory=dict)
    lifted: dict[str, datetime] = field(default_factory=dict)
    read_only_until: datetime | None = None
    opted_out: bool = False
    retiring: bool = False
    condition: Condition = Condition.NORMAL
    is_cold: bool = False
    cool_until: datetime | None = None
    is_set_back: bool = False
    """Before what the newest decision started."""
    cold_since: datetime | None = None
    is_tank_cold: bool = False

    def __post_init__(self) -> None:
        self.jitter = timedelta(seconds=JITTER_S * _own_share(self.pump_id))
        self.stagger = timedelta(seconds=STAGGER_S * _own_share(f"stagger/{self.pump_id}"))

    @property
    def floor_c(self) -> float:
        """A kelvin below the band, never below 17."""
        return max(17.0, self.room_min_c - 1.0)

    # --- what the pump received ------------------------------------------------------------------------------------

    def hear(self, event: Event, now: datetime, decision: Decision, learnt: Learnt) -> None:  # noqa: C901 -- a line an event
        """An event as it reached the pump; of its decision, only the commands started and the manual changes learnt."""
        left = self.opted_out or self.retiring
        touches = self.manual_changes.hear(event, now, self.condition, decision, learnt, left=left)
        heating = self.manual_changes.known[Circuit.HEATING]
        began = heating.open is not None and heating.open.mode is Mode.MIN and heating.open not in decision.starts
        self.is_set_back = began or heating.level is Mode.MIN
        if self._is_a_try(event):
            self.read_only_until = None
        match event:
            case PlanArrived(plan=plan) if not self.retiring:
                self.plans.setdefault(plan.revision, plan)
            case OverrideRequested(override=o) if not self.retiring and o.until > now:
                if o.override_id not in self.overrides:
                    self.overrides[o.override_id] = o
            case OverrideEnded(override_id=None):
                self.ended |= {*self.overrides, *(t.override_id for t in self.touches)}
            case OverrideEnded(override_id=str(override_id)):
                self.ended.add(override_id)
            case OrderGiven(order=order) if order.until is None or order.until > now:
                if order.order_id not in self.lifted:
                    self.orders.setdefault(order.order_id, order)
            case OrderLifted(order_id=order_id):
                for known in (*self.orders,) if order_id is None else (order_id,):
                    self.lifted.setdefault(known, now)
            case SteeringConsent(opted_out=opted_out):
                self.opted_out = opted_out
            case ComfortChanged(band=band):
                self.room_min_c = band.room_min_c
            case RetireRequested():
                self.retiring = True
                self.ended |= {*self.overrides, *(t.override_id for t in self.touches)}
            case CommandSettled(outcome=outcome):
                if outcome.is_read_only:
                    self.read_only_until = now + timedelta(hours=6)
                if outcome.is_too_cool:
                    self.cool_until = now + COOL_RETRY
            case Observed() if self.manual_changes.is_news:
                self._see(event, now)
            case _:
                pass
        self.touches += touches
        self._forget(now)

    def _is_a_try(self, event: Event) -> bool:
        """Whether a person acts, or remote control was seen to be back: writing is tried again."""
        if isinstance(event, Observed):
            was_off = self.condition is Condition.REMOTE_DISABLED
            return self.manual_changes.is_news and was_off and event.condition is Condition.NORMAL
        if isinstance(event, RetryRequested):
            return not event.give_up
        if isinstance(event, OverrideRequested):
            return event.override.override_id not in self.overrides
        if isinstance(event, OrderGiven):
            return event.order.order_id not in (*self.orders, *self.lifted)
        return isinstance(event, OverrideEnded | SteeringConsent | RetireRequested)

    def _see(self, seen: Observed, now: datetime) -> None:
        self.condition = seen.condition
        if seen.room_c is not None:
            was_cold, self.is_cold = self.is_cold, seen.room_c < self.floor_c + (0.3 if self.is_cold else 0.0)
            self.cold_since = None if not self.is_cold else self.cold_since if was_cold else now
        if seen.hot_water_c is not None:
            self.is_tank_cold = seen.hot_water_c < 38.0 + (2.0 if self.is_tank_cold else 0.0)

    def _forget(self, now: datetime) -> None:
        """Only what is long past, so that thirty days stay quick."""
        old = now - timedelta(days=1)
        if any(p.valid_until < old for p in self.plans.values()):
            self.plans = {r: p for r, p in self.plans.items() if p.valid_until >= old}
            self.touches = [t for t in self.touches if t.until >= old]

    # --- who wins --------------------------------------------------------------------------------------------------

    def rules(self, now: datetime, circuit: Circuit) -> Ruling:
        """What should be on a circuit at `now`."""
        heating = circuit is Circuit.HEATING
        neutral: Level = Mode.LOW if heating else HotWaterMode.NORMAL
        is_read_only = self.read_only_until is not None and now < self.read_only_until
        held = self.condition in (Condition.UPDATING, Condition.REMOTE_DISABLED) or is_read_only
        held = held or bool(self._standing(OrderKind.BLACKOUT, now))
        if self.condition is not Condition.NORMAL or is_read_only:
            return Ruling(neutral, held, "outside")
        if self.opted_out or self.retiring:
            return Ruling(neutral, held, "gone")
        level, by = self._asked_for(now, circuit, neutral)
        if isinstance(level, Mode):
            level, by = self._capped(level, by, now)
            floor = self._floor(now)
            if _STRENGTH[level] < _STRENGTH[floor]:
                level, by = floor, "floor"
        else:
            is_capped = bool(self._standing(OrderKind.LIMIT, now) or self._standing(OrderKind.BACKUP, now))
            if is_capped and (not self.is_tank_cold or level is HotWaterMode.BOOST):
                level, by = HotWaterMode.NORMAL if self.is_tank_cold else HotWaterMode.HOLD, "limit"
            elif level is HotWaterMode.BOOST and (
                not self._has_turn(now) or self._standing(OrderKind.SECTION_14A, now)
            ):
                level, by = HotWaterMode.NORMAL, "limit"
            elif self.is_tank_cold and level is HotWaterMode.HOLD:
                level, by = HotWaterMode.NORMAL, "floor"
        return Ruling(level, held, by)

    def _asked_for(self, now: datetime, circuit: Circuit, neutral: Level) -> tuple[Level, str]:
        person = self.person(now, circuit)
        if person is not None:
            level = self._of(person, now, circuit)
            if level is not None:
                return level, "person"
        plan = self.plan(now)
        for order in self._standing(OrderKind.STOP, now):
            if order.revision is None or (plan is not None and plan.revision == order.revision):
                return neutral, "stop"
        if plan is None:
            return neutral, "no plan"
        segments = plan.segments if circuit is Circuit.HEATING else plan.hot_water
        for segment in segments:
            if segment.start + self.jitter <= now < segment.end + self.jitter:
                return segment.mode, "plan"
        return neutral, "plan"

    def person(self, now: datetime, circuit: Circuit = Circuit.HEATING) -> Override | None:
        """The override in force on a circuit."""
        best: Override | None = None
        for one in (*self.overrides.values(), *self.touches):
            if one.until <= now or one.override_id in self.ended or one.circuit not in (None, circuit):
                continue
            if best is None or _outranks(one, best):
                best = one
        return best

    def _of(self, one: Override, now: datetime, circuit: Circuit) -> Level | None:
        if one.kind is OverrideKind.VACATION:
            warm_h = 10 if self.emitter is Emitter.RADIATOR else 20
            if now >= one.until - timedelta(hours=warm_h):
                return Mode.MID if circuit is Circuit.HEATING else HotWaterMode.NORMAL
        return one.mode if circuit is Circuit.HEATING else one.hot_water

    def plan(self, now: datetime) -> PricePlan | None:
        """The plan in force: of those that speak of now, the one of the highest revision ever received."""
        speaking = [p for p in self.plans.values() if p.first_slot + self.jitter <= now < p.valid_until + self.jitter]
        return max(speaking, key=lambda p: p.revision, default=None)

    def _capped(self, mode: Mode, by: str, now: datetime) -> tuple[Mode, str]:
        caps = [o.cap for o in self._standing(OrderKind.LIMIT, now)]
        caps += [Mode.MIN for _ in self._standing(OrderKind.BACKUP, now)]
        caps += [Mode.LOW for _ in self._standing(OrderKind.SECTION_14A, now)]
        if not self._has_turn(now):
            caps.append(Mode.LOW)
        for cap in caps:
            if cap is not None and _STRENGTH[cap] < _STRENGTH[mode]:
                mode, by = cap, "limit"
        return mode, by

    def most(self, now: datetime) -> Ruling | None:
        """The most that limits allow the heating, whatever the target; None if no limit is in force."""
        if not self.orders and self.home is None:
            return None
        cap, by = self._capped(Mode.MAX, "", now)
        if not by or self.opted_out or self.retiring or self.rules(now, Circuit.HEATING).by == "outside":
            return None
        floor = self._floor(now)
        is_held = bool(self._standing(OrderKind.BLACKOUT, now))
        return None if is_held else Ruling(max(cap, floor, key=_STRENGTH.__getitem__), False, "limit")

    def _has_turn(self, now: datetime) -> bool:
        return self.home is None or all(self._has_day(now - timedelta(minutes=m)) for m in (0, 30))

    def _has_day(self, moment: datetime) -> bool:
        assert self.home is not None
        return (self.home.rank + moment.toordinal()) % self.home.pumps < self.home.raised_at_once

    def _floor(self, now: datetime) -> Mode:
        plan = self.plan(now)
        if self.is_cold or (plan is not None and plan.floor is Mode.LOW):
            return Mode.LOW
        person = self.person(now)
        is_away = person is not None and person.kind is OverrideKind.VACATION
        if self.room_min_c - STUCK_DROP_K < (15.0 if is_away else 17.0) or self._begins_too_cool(now, is_away=is_away):
            return Mode.LOW
        return Mode.MIN

    def _begins_too_cool(self, now: datetime, *, is_away: bool) -> bool:
        is_cool = self.cool_until is not None and now < self.cool_until
        return is_cool and not is_away and not self.is_set_back

    def _standing(self, kind: OrderKind, now: datetime) -> list[Order]:
        if not self.orders:
            return []
        return [o for o in self.orders.values() if o.kind is kind and self._stands(o, now)]

    def _stands(self, order: Order, now: datetime) -> bool:
        ends = [m for m in (order.until, self.lifted.get(order.order_id)) if m is not None]
        return not ends or now < min(ends) + self.stagger


def _outranks(one: Override, other: Override) -> bool:
    households = (one.source is OverrideSource.HOUSEHOLD, other.source is OverrideSource.HOUSEHOLD)
    if households[0] is not households[1]:
        return households[0]
    return (one.requested_at, one.override_id) > (other.requested_at, other.override_id)
