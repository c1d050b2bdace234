"""Why a pump did what it did at a moment: what it decided, what that rested on, and what was observed around it.

Protects: what a pump decided is read from its journal; nothing of today explains yesterday.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from application.access import Access
from application.audit_log import acts_done
from application.errors import ErrorCode, Failed, Refused
from application.pump_workflows import known, status
from domain.commands.command import EventKind
from domain.homes.enrolment import PumpProfile
from domain.modes import Circuit
from domain.oem.calls import CallFate
from domain.oem.readings import Reading
from domain.planning.price_plan import PricePlan, in_force, jitter
from domain.slots import SLOT
from domain.steering.journal import JournalView
from domain.steering.orders import Order
from domain.steering.overrides import Override
from domain.steering.target import Bound, Decided, Target

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
    home_eur_per_mwh: float | None
    """What the home was planned to pay; the others are the wholesale market's. None before the plan's first slot."""
    tariff: str


@dataclass(frozen=True)
class Explanation:
    """All that is known of a pump around a moment."""

    pump: str
    at: datetime
    profile: PumpProfile
    enrolled_at: datetime
    retired_at: datetime | None
    decided: Mapping[Circuit, Decided]
    """With the bounds in force."""
    plan: PricePlan | None
    planned_by: str | None
    """Who made the plan, where it was submitted; None for our own."""
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
    def targets(self) -> Mapping[Circuit, Target]:
        """What should have held on each circuit."""
        return {circuit: decided.target for circuit, decided in self.decided.items()}

    def bounds(self, circuit: Circuit) -> tuple[Bound, ...]:
        """What limited a circuit, or kept the pump from acting on its target yet."""
        return self.decided[circuit].in_force(self.at)

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
    journal = await journal_of(access, pump_id, at)
    standing = journal.standing
    if standing is None:
        sentence = f"{pump_id} had decided nothing yet at {at.astimezone(UTC):%F %H:%M} UTC"
        raise Refused(ErrorCode.BEFORE_ENROLMENT, sentence, pump=pump_id, enrolled_at=life["enrolled_at"], at=at)
    enrolment = profile.enrolment.model_copy(update={"band": standing.band})
    profile = profile.model_copy(update={"enrolment": enrolment})
    decided = {circuit: entry.decided for circuit, entry in journal.decided.items()}
    made = [row for row in await trails.plans(pump_id, at) if row["revision"] in standing.plans]
    plan = in_force([row["plan"] for row in made], pump_id, at)
    return Explanation(
        pump=pump_id,
        at=at,
        profile=profile,
        enrolled_at=life["enrolled_at"],
        retired_at=life["retired_at"],
        decided=decided,
        plan=plan,
        planned_by=next((row["planned_by"] for row in made if plan and row["revision"] == plan.revision), None),
        market=await _market(access, made, plan, at, decided[Circuit.HEATING].target.until),
        steps=_steps(plan, pump_id, at),
        commands=await trails.newest_commands(pump_id, at),
        events=await trails.events(pump_id, at - AROUND, at + AROUND),
        readings=await trails.readings(pump_id, at - AROUND, at + AROUND),
        overrides=[override for override in standing.overrides if override.until > at],
        orders=[order for order in standing.orders if order.holds(pump_id, at)],
        acts=[row for row in acts_done(await trails.acts(pump_id)) if abs(row["at"] - at) <= AROUND],
        breaker=await trails.breaker(profile.enrolment.oem, at),
        calls=await trails.calls(profile.enrolment.account_id, at - CALLS_BEFORE, at + SLOT),
    )


async def journal_of(access: Access, pump_id: str, at: datetime) -> JournalView:
    """What the pump had decided at a moment: from the ledger, and from its workflow where entries still wait there."""
    journal = access.ledger.journal
    view = await journal.as_of(pump_id, at)
    if await journal.has_after(pump_id, at):
        return view
    try:
        waiting = (await status(access, pump_id)).state.journal
    except Failed:  # retired, or nobody answers for it: the ledger has all that can be known
        return view
    return view.then(entry for entry in waiting if entry.at <= at)


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
    place, paid = (at - weather.start) // SLOT, (at - row["first_slot"]) // SLOT
    return Market(
        price_eur_per_mwh=prices[now],
        day_mean_eur_per_mwh=sum(prices) / len(prices),
        until_eur_per_mwh=sum(prices[now:end]) / (end - now),
        dearest_ahead_eur_per_mwh=max(prices[now : now + AHEAD // SLOT]),
        outdoor_c=weather.outdoor_c[place] if 0 <= place < len(weather.outdoor_c) else None,
        home_eur_per_mwh=row["home_eur_per_mwh"][paid] if 0 <= paid < len(row["home_eur_per_mwh"]) else None,
        tariff=row["tariff"],
    )
