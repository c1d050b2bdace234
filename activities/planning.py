"""Activities of the daily planning: solve for the fleet, and hand every pump its price plan.

Protects: a repeated attempt never makes a second revision, and a fan-out goes on where the lost attempt was.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from temporalio import activity

from activities.steered import steered_now
from domain.base import Value
from domain.clock import SteeringClock
from domain.homes.enrolment import PumpProfile
from domain.modes import Mode
from domain.planning.extremes import COLD_SNAP_SLOTS, is_cold_snap
from domain.planning.fleet_plan import FleetPlanResult, PlannedPump, PlanningRequest, PumpForPlanning
from domain.planning.price_plan import PricePlan, hot_water_segments, segments_from_modes
from domain.planning.series import WeatherSeries, WholesalePrices
from domain.planning.tariff import SPOT, home_prices
from domain.ports import (
    ObservationLog,
    PlanDelivery,
    Planner,
    PlanStore,
    PumpDirectory,
    SeriesStore,
    SteeringLog,
)
from domain.slots import SLOT

log = structlog.get_logger(__name__)

BEAT_EVERY_S = 1.0
"""Wall seconds between heartbeats while the solver thinks."""
BATCH = 200
"""Price plans read from the ledger at a time."""
TELL_AGAIN = 2
"""A pump that could not be told its plan is told again so often; then it waits for the next plan, in neutral."""
TELL_AGAIN_AFTER_S = 5.0
"""Wall seconds: a server that was away for a moment is back."""


class SolveFleet(Value):
    """Plan every steered pump over these slots."""

    clock: SteeringClock
    key: str
    """What asks for it; a repeated attempt with the same key gets the same revision."""
    price_version: int
    weather_version: int
    first_slot: datetime
    slots: int
    until: datetime
    """Price plans end here at the latest; the solver still looks to the end of the known prices."""
    cap_share: float | None
    """Fleet power limit as a share of the pumps' nameplate electrical power; None for no limit."""
    budget_s: float


class PlanMade(Value):
    """A stored revision, in the figures a person asks for first."""

    revision: int
    pumps: int
    cost_eur: float
    lower_bound_eur: float
    gap_pct: float
    cap_binding_slots: int
    cold_snap_pumps: int = 0
    """Pumps kept at neutral or above because of the forecast."""


class DeliverPlan(Value):
    """Hand out a revision."""

    clock: SteeringClock
    revision: int


class PlanningActivities:
    """Solve and fan out."""

    def __init__(
        self,
        series: SeriesStore,
        pumps: PumpDirectory,
        commands: SteeringLog,
        observations: ObservationLog,
        plans: PlanStore,
        planner: Planner,
        deliver: PlanDelivery,
    ) -> None:
        self._series = series
        self._pumps = pumps
        self._commands = commands
        self._observations = observations
        self._plans = plans
        self._planner = planner
        self._deliver = deliver

    @activity.defn
    async def solve_fleet(self, given: SolveFleet) -> PlanMade:
        """Solve, certify and store; returns the revision."""
        now = steered_now(given.clock)
        request = await self._request(given, now())
        result = await _with_heartbeat(self._planner(request))

        floors = {p.profile.enrolment.pump_id: p.floor for p in request.pumps}

        def shares(revision: int) -> dict[str, PricePlan]:
            return {p.pump_id: price_plan(revision, request, p, given.until, floors[p.pump_id]) for p in result.pumps}

        revision = await self._plans.store_plan(
            given.key, request, given.price_version, given.weather_version, result, shares, now()
        )
        certificate = result.certificate
        log.info("fleet plan made", plan=revision, pumps=len(result.pumps), gap_pct=round(certificate.gap_pct, 3))
        return PlanMade(
            revision=revision,
            pumps=len(result.pumps),
            cost_eur=certificate.cost_eur,
            lower_bound_eur=certificate.lower_bound_eur,
            gap_pct=certificate.gap_pct,
            cap_binding_slots=certificate.cap_binding_slots,
            cold_snap_pumps=sum(p.floor is not Mode.MIN and p.profile.site.may_set_back for p in request.pumps),
        )

    async def _request(self, given: SolveFleet, now: datetime) -> PlanningRequest:
        profiles = await self._pumps.active()
        readings = await self._observations.newest([p.enrolment.pump_id for p in profiles])
        in_force = await self._commands.heating_in_force()
        forecast = await self._series.weather(given.weather_version)
        ahead = cut_weather(forecast, given.first_slot, COLD_SNAP_SLOTS).outdoor_c
        pumps = []
        for profile in profiles:
            reading = readings.get(profile.enrolment.pump_id)
            fresh = reading is not None and now - reading.as_of < 4 * SLOT
            # What holds now says nothing of a horizon that begins much later: today's plan still runs until then.
            begins_now = given.first_slot - now < 2 * SLOT
            mode, since = in_force.get(profile.enrolment.pump_id, _FREE) if begins_now else _FREE
            pumps.append(
                PumpForPlanning(
                    profile=profile,
                    room_c=reading.room_c if reading and fresh else None,
                    mode=mode,
                    held_slots=MOST_HELD_SLOTS if since is None else _held_slots(since, given.first_slot),
                    floor=_floor(profile, ahead),
                )
            )
        wholesale = cut_prices(await self._series.prices(given.price_version), given.first_slot, given.slots)
        weather = cut_weather(forecast, given.first_slot, given.slots)
        nameplate_kw = sum(p.enrolment.rated_heat_kw / NAMEPLATE_COP for p in profiles)
        return PlanningRequest(
            first_slot=given.first_slot,
            slots=given.slots,
            prices=home_prices(wholesale, SPOT),
            weather=weather,
            pumps=tuple(pumps),
            cap_kw=None if given.cap_share is None else round(given.cap_share * nameplate_kw, 3),
            budget_s=given.budget_s,
        )

    @activity.defn
    async def deliver_plan(self, given: DeliverPlan) -> int:
        """Signal every pump its price plan; returns how many took it.

        A pump that could not be told costs the others nothing, and is told again after them. Heartbeats carry the last
        pump reached, how many took it, and who is still to be told again.
        """
        known = activity.info().heartbeat_details
        out = _FanOut(*known) if known else _FanOut()
        while batch := await self._plans.price_plans(given.revision, out.after, BATCH):
            await out.tell(batch, self._deliver)
        for _ in range(TELL_AGAIN):
            if not out.missed:
                break
            await asyncio.sleep(TELL_AGAIN_AFTER_S)
            among, out.missed = out.missed, []
            await out.tell(await self._plans.price_plans(given.revision, "", len(among), among), self._deliver)
        if out.failed is not None and out.delivered == 0:
            raise out.failed  # nobody was reached: that is no matter of one pump
        return out.delivered


@dataclass
class _FanOut:
    """How far a revision was handed out."""

    after: str = ""
    delivered: int = 0
    missed: list[str] = field(default_factory=list)
    failed: Exception | None = None

    async def tell(self, batch: Sequence[tuple[str, PricePlan]], deliver: PlanDelivery) -> None:
        for pump_id, plan in batch:
            try:
                self.delivered += await deliver(pump_id, plan)
            except Exception as error:  # noqa: BLE001 -- one unreachable pump must not cost the others their plan
                self.failed = error
                self.missed.append(pump_id)
                log.warning("price plan not delivered", pump=pump_id, plan=plan.revision, reason=str(error)[:200])
            self.after = max(self.after, pump_id)
            activity.heartbeat(self.after, self.delivered, self.missed)


_FREE: tuple[Mode, datetime | None] = (Mode.LOW, None)
MOST_HELD_SLOTS = 96
"""Longer ago than any dwell."""


def _floor(profile: PumpProfile, ahead_c: Sequence[float]) -> Mode:
    """The lowest mode a pump may be planned at."""
    is_safe = profile.site.may_set_back and not is_cold_snap(ahead_c, profile.enrolment.design_outdoor_c)
    return Mode.MIN if is_safe else Mode.LOW


def _held_slots(since: datetime, first_slot: datetime) -> int:
    """Whole slots from a change to the start of the horizon."""
    return min(MOST_HELD_SLOTS, max(0, (first_slot - since) // SLOT))


NAMEPLATE_COP = 2.5
"""Rated heat over this is taken as a pump's largest electrical power (COP near the design temperature)."""


_AN_INSTANT = timedelta(seconds=1)
"""A plan must last more than nothing."""


def price_plan(
    revision: int, request: PlanningRequest, planned: PlannedPump, until: datetime, floor: Mode = Mode.MIN
) -> PricePlan:
    """One pump's price plan from its planned modes, as far as whole slots go before `until`.

    Where none does, the plan says nothing and has run out by `until`: the pump is neutral unless another plan speaks.
    """
    slots = min(request.slots, (until - request.first_slot) // SLOT)
    if slots < 1:
        return PricePlan(revision=revision, segments=(), first_slot=until - _AN_INSTANT, valid_until=until)
    return PricePlan(
        revision=revision,
        segments=segments_from_modes(request.first_slot, SLOT, planned.modes[:slots]),
        hot_water=hot_water_segments(request.first_slot, SLOT, planned.hot_water[:slots]),
        floor=floor,
        expected_room_c=tuple(round(c, 2) for c in planned.expected_room_c[:slots]),
        first_slot=request.first_slot,
        valid_until=request.first_slot + slots * SLOT,
    )


def cut_prices(series: WholesalePrices, first_slot: datetime, slots: int) -> WholesalePrices:
    """The part of a series that covers these slots."""
    skip = (first_slot - series.start) // SLOT
    return series.model_copy(
        update={"start": first_slot, "price_eur_per_mwh": series.price_eur_per_mwh[skip : skip + slots]}
    )


def cut_weather(series: WeatherSeries, first_slot: datetime, slots: int) -> WeatherSeries:
    """The part of a series that covers these slots."""
    skip = (first_slot - series.start) // SLOT
    return series.model_copy(
        update={
            "start": first_slot,
            "outdoor_c": series.outdoor_c[skip : skip + slots],
            "radiation_w_per_m2": series.radiation_w_per_m2[skip : skip + slots],
        }
    )


async def _with_heartbeat(thinking: Awaitable[FleetPlanResult]) -> FleetPlanResult:
    """Beat while the solver thinks, so that a dead planner is noticed long before its time is out."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(BEAT_EVERY_S)

    beating = asyncio.create_task(beat())
    try:
        return await thinking
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating
