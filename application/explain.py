"""Why a pump did what it did at a moment: everything that was known and wished then, and one sentence to read out.

Protects: what was wished then follows from the pump's own rules (`target_at`) applied to what had been written down by
then; nothing of today explains yesterday.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from application.access import Access
from application.audit_log import acts_done, band_at, ends_of, is_opted_out, overrides_of
from application.errors import ErrorCode, Refused
from application.manual_changes import holds_of, touches_before
from application.pump_workflows import known
from application.scopes import covers
from domain.commands.command import EventKind
from domain.homes.enrolment import PumpProfile
from domain.modes import Circuit
from domain.oem.cloud import CallFate, Condition, Reading
from domain.planning.price_plan import PricePlan, jitter
from domain.slots import SLOT
from domain.steering.arbitration import plan_in_force, target_at
from domain.steering.observations import TANK_FLOOR_C
from domain.steering.orders import Order
from domain.steering.overrides import Override
from domain.steering.pump_state import CircuitState, PumpState
from domain.steering.target import Target
from domain.steering.watch import Watch

AROUND = timedelta(hours=3)
AHEAD = timedelta(hours=6)
"""How far the plan is shown on from the moment."""
BELIEVED_FOR = timedelta(minutes=45)
"""An older observation says nothing of the moment."""
CALLS_BEFORE = timedelta(minutes=30)
OBEYED = (EventKind.APPLIED.value, EventKind.EFFECTIVE.value)


@dataclass(frozen=True)
class Market:
    """Electricity and weather at the moment, as the plan then knew them."""

    price_eur_per_mwh: float
    day_mean_eur_per_mwh: float
    until_eur_per_mwh: float
    """Mean over what was left of the plan's step."""
    dearest_ahead_eur_per_mwh: float
    """Highest of the next six hours."""
    outdoor_c: float | None


@dataclass(frozen=True)
class Explanation:
    """All that is known of a pump around a moment."""

    pump: str
    at: datetime
    profile: PumpProfile
    enrolled_at: datetime
    retired_at: datetime | None
    targets: Mapping[Circuit, Target]
    plan: PricePlan | None
    market: Market | None
    steps: Sequence[Mapping[str, Any]]
    """The plan's steps over the next hours, on the pump's own edges."""
    commands: Sequence[Mapping[str, Any]]
    """Each circuit's newest command then, with its lines up to then."""
    events: Sequence[Mapping[str, Any]]
    readings: Sequence[Reading]
    overrides: Sequence[Override]
    orders: Sequence[Order]
    acts: Sequence[Mapping[str, Any]]
    breaker: Mapping[str, Any] | None
    calls: Mapping[str, int]

    @property
    def reading(self) -> Reading | None:
        """The newest observation that still spoke of the moment."""
        past = [one for one in self.readings if one.as_of <= self.at]
        return past[-1] if past and self.at - past[-1].as_of <= BELIEVED_FOR else None

    @property
    def calls_failed(self) -> int:
        """Calls of the half hour before that the cloud failed."""
        return sum(self.calls.get(fate.value, 0) for fate in (CallFate.TRANSPORT, CallFate.SERVER))


async def story_of(access: Access, pump_id: str, at: datetime) -> Explanation:
    """Gather a pump's story; raises Refused for a moment before it was enrolled."""
    profile, trails = await known(access, pump_id), access.ledger.history
    life = await trails.enrolled(pump_id)
    if at < life["enrolled_at"]:
        enrolled_at = life["enrolled_at"]
        sentence = f"{pump_id} was enrolled at {enrolled_at:%F %H:%M} UTC, after {at.astimezone(UTC):%F %H:%M} UTC"
        raise Refused(ErrorCode.BEFORE_ENROLMENT, sentence, pump=pump_id, enrolled_at=enrolled_at, at=at)
    events = await trails.events(pump_id, at - AROUND, at + AROUND)
    readings = await trails.readings(pump_id, at - AROUND, at + AROUND)
    trail = await trails.acts(pump_id)
    enrolment = profile.enrolment
    band = band_at(trail, at, enrolment.band)
    profile = profile.model_copy(update={"enrolment": enrolment.model_copy(update={"band": band})})
    made = await trails.plans(pump_id, at)
    by_hand = holds_of(await touches_before(access, pump_id, at), ends_of(trail).get(pump_id, ()))
    overrides = [o for o in (*overrides_of(trail).get(pump_id, ()), *by_hand) if o.requested_at <= at < o.until]
    orders = [
        o for o in await access.ledger.orders.given() if covers(o, profile) and o.since <= at and o.holds(pump_id, at)
    ]
    state = _state_then(profile, at, [row["plan"] for row in made], overrides, orders, readings, trail, life)
    plan = plan_in_force(state, at)
    targets = {circuit: target_at(state, at, circuit) for circuit, _ in state.circuits}
    return Explanation(
        pump=pump_id,
        at=at,
        profile=profile,
        enrolled_at=life["enrolled_at"],
        retired_at=life["retired_at"],
        targets=targets,
        plan=plan,
        market=await _market(access, made, plan, at, targets[Circuit.HEATING].until),
        steps=_steps(plan, pump_id, at),
        commands=await trails.newest_commands(pump_id, at),
        events=events,
        readings=readings,
        overrides=overrides,
        orders=orders,
        acts=[row for row in acts_done(trail) if abs(row["at"] - at) <= AROUND],
        breaker=await trails.breaker(profile.enrolment.oem, at),
        calls=await trails.calls(profile.enrolment.account_id, at - CALLS_BEFORE, at + SLOT),
    )


def _state_then(
    profile: PumpProfile,
    at: datetime,
    plans: Sequence[PricePlan],
    overrides: Sequence[Override],
    orders: Sequence[Order],
    readings: Sequence[Reading],
    trail: Sequence[Mapping[str, Any]],
    life: Mapping[str, Any],
) -> PumpState:
    """What the pump's workflow knew then, as far as wishes depend on it."""
    past = [one for one in readings if one.as_of <= at]
    condition = past[-1].condition if past else Condition.NORMAL
    room_c, water_c = (past[-1].room_c, past[-1].hot_water_c) if past else (None, None)
    site = profile.site
    return PumpState(
        pump_id=profile.enrolment.pump_id,
        oem=profile.enrolment.oem,
        site=site,
        plans=tuple(plans),
        overrides=tuple(overrides),
        orders=tuple(orders),
        heating=CircuitState(settled=None),
        hot_water=None if profile.hot_water is None else CircuitState(settled=None),
        watch=Watch(
            condition=condition,
            is_cold=room_c is not None and room_c < site.floor_c,
            is_tank_cold=water_c is not None and water_c < TANK_FLOOR_C,
        ),
        opted_out=is_opted_out(trail, at),
        retired=life["retired_at"] is not None and life["retired_at"] <= at,
    )


def _steps(plan: PricePlan | None, pump_id: str, at: datetime) -> list[dict[str, Any]]:
    if plan is None:
        return []
    delay, steps = jitter(pump_id), []
    for circuit, segments in ((Circuit.HEATING, plan.segments), (Circuit.HOT_WATER, plan.hot_water)):
        steps += [
            {"circuit": circuit.value, "start": s.start + delay, "end": s.end + delay, "mode": s.mode.value}
            for s in segments
            if s.end + delay > at and s.start + delay < at + AHEAD
        ]
    return steps


async def _market(
    access: Access, made: Sequence[Mapping[str, Any]], plan: PricePlan | None, at: datetime, until: datetime | None
) -> Market | None:
    """Prices and weather of the versions that the plan was made from; None without a plan."""
    row = next((row for row in made if plan is not None and row["revision"] == plan.revision), None)
    if row is None:
        return None
    series = await access.ledger.series.prices(row["price_version"])
    weather = await access.ledger.series.weather(row["weather_version"])
    prices, now = series.price_eur_per_mwh, (at - series.start) // SLOT
    if not 0 <= now < len(prices):
        return None
    end = min(max(now + 1, -((series.start - (until or at)) // SLOT)), len(prices))
    place = (at - weather.start) // SLOT
    return Market(
        price_eur_per_mwh=prices[now],
        day_mean_eur_per_mwh=sum(prices) / len(prices),
        until_eur_per_mwh=sum(prices[now:end]) / (end - now),
        dearest_ahead_eur_per_mwh=max(prices[now : now + AHEAD // SLOT]),
        outdoor_c=weather.outdoor_c[place] if 0 <= place < len(weather.outdoor_c) else None,
    )
