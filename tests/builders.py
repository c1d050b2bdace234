"""Builders: say in a test only what it is about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.commands.command import Authority, Command, CommandOutcome, CommandState
from domain.homes.enrolment import BuildingClass, Enrolment, PumpProfile
from domain.homes.site import Emitter
from domain.modes import Circuit, HotWaterMode, Level, Mode
from domain.oem.lever import Lever, LeverSpec
from domain.oem.readings import Reading
from domain.oem.timing import VendorTiming
from domain.planning.price_plan import ModeSegment, PricePlan
from domain.slots import SLOT
from domain.steering.overrides import Override, OverrideSource
from domain.steering.pump_state import CircuitState, Decision, Observed, PumpState, SeenLever
from oem_adapters.nibe.manifest import HEATING_OFFSET, HOT_WATER_COMFORT, ROOM_SETPOINT

MIDNIGHT = datetime(2026, 1, 15, tzinfo=UTC)
TIMING = VendorTiming(
    usual_delay=timedelta(seconds=150),
    look_again=timedelta(seconds=90),
    longest_in_flight=timedelta(seconds=420),
    reading_max_age=timedelta(minutes=30),
)
OFFSET, SETPOINT, COMFORT = HEATING_OFFSET.name, ROOM_SETPOINT.name, HOT_WATER_COMFORT.name
_RANGES = {OFFSET: (-10.0, 10.0, 0.0), SETPOINT: (5.0, 35.0, 0.5), COMFORT: (0.0, 2.0, 1.0)}


def at(hours: float, minutes: float = 0) -> datetime:
    """A moment of the test's day."""
    return MIDNIGHT + timedelta(hours=hours, minutes=minutes)


def a_plan(revision: int = 1, modes: dict[tuple[float, float], Mode] | None = None, hours: float = 24) -> PricePlan:
    """A price plan from {(from hour, to hour): mode}; neutral elsewhere."""
    segments = tuple(
        ModeSegment(start=at(start), end=at(end), mode=mode) for (start, end), mode in (modes or {}).items()
    )
    return PricePlan(revision=revision, segments=segments, first_slot=MIDNIGHT, valid_until=at(hours))


def plan_of(revision: int, modes: list[Mode]) -> PricePlan:
    """A price plan with one mode a slot from midnight on."""
    segments = tuple(
        ModeSegment(start=MIDNIGHT + i * SLOT, end=MIDNIGHT + (i + 1) * SLOT, mode=mode) for i, mode in enumerate(modes)
    )
    return PricePlan(
        revision=revision, segments=segments, first_slot=MIDNIGHT, valid_until=MIDNIGHT + len(modes) * SLOT
    )


def a_state(pump_id: str = "p-0001", **given: Any) -> PumpState:
    """A pump in neutral without a hot-water lever, unless said otherwise; the heating's fields may be given flat."""
    heating = {name: given.pop(name) for name in tuple(given) if name in CircuitState.model_fields}
    return PumpState(pump_id=pump_id, oem="nibe", heating=a_circuit(**heating), **given)


def a_circuit(settled: Level | None = Mode.LOW, **given: Any) -> CircuitState:
    """A circuit in neutral on its usual lever, unless said otherwise."""
    spec = HOT_WATER_COMFORT if isinstance(settled, HotWaterMode) else HEATING_OFFSET
    return CircuitState(lever=given.pop("lever", a_lever(spec)), settled=settled, **given)


def an_override(mode: Mode = Mode.MAX, start: float = 0, until: float = 2, **given: Any) -> Override:
    """A household's override."""
    return Override(
        override_id=given.pop("override_id", f"o-{mode.value}-{start}-{until}"),
        source=given.pop("source", OverrideSource.HOUSEHOLD),
        mode=mode,
        requested_at=at(start),
        until=at(until),
        who=given.pop("who", "resident"),
        why=given.pop("why", "cold feet"),
    )


def a_command(
    mode: Mode = Mode.MAX,
    seq: int = 1,
    decided: float = 0,
    lives_h: float = 2,
    authority: Authority = Authority.OVERRIDE,
) -> Command:
    """A person's command on the usual lever, unless said otherwise."""
    lever = a_lever()
    return Command(
        command_id=f"p-0001-c{seq:05d}",
        pump_id="p-0001",
        seq=seq,
        mode=mode,
        lever=lever.name,
        setting=lever.setting_for(mode),
        own_settings=tuple(lever.setting_for(level) for level in Mode),
        authority=authority,
        decided_at=at(decided),
        expires_at=at(decided + lives_h),
    )


def an_outcome(command_id: str, state: CommandState, when: datetime, seen: Mode | None = None) -> CommandOutcome:
    """How a command ended; `seen`: as what the usual lever on its usual baseline was last seen."""
    setting = None if seen is None else a_lever().setting_for(seen)
    return CommandOutcome(command_id=command_id, state=state, at=when, seen_setting=setting, reason="as the test says")


def a_reading(setting: float | None, as_of: datetime) -> Reading:
    """What a cloud reports of an offset lever."""
    return Reading(as_of=as_of, lever=OFFSET, setting=setting, room_c=21.0)


def an_observation(as_of: datetime, level: Level | None, setting: float | None = None, **given: Any) -> Observed:
    """What a sweep reports of the heating lever on its usual baseline; a setting of nobody's for no level."""
    if setting is None:
        setting = 7.5 if level is None else a_lever().setting_for(level)
    return Observed(as_of=as_of, levers=(SeenLever(circuit=Circuit.HEATING, setting=setting),), **given)


def started(decision: Decision) -> Command | None:
    """The one command a decision starts."""
    assert len(decision.starts) <= 1
    return decision.starts[0] if decision.starts else None


def a_lever(spec: LeverSpec = HEATING_OFFSET, baseline: float = 0.0, **given: Any) -> Lever:
    """A lever with the range of known units."""
    minimum, maximum, step = _RANGES[spec.name]
    return Lever(spec=spec, baseline=baseline, **{"minimum": minimum, "maximum": maximum, "step": step} | given)


def a_profile(pump_id: str = "p-0001", **given: Any) -> PumpProfile:
    """A radiator house of the sixties with an offset lever."""
    enrolment = Enrolment(
        pump_id=pump_id,
        oem="nibe",
        account_id="nibe-main",
        vendor_ref="s/d",
        price_area="DE-LU",
        grid_area="feeder-1",
        weather_cell="50.0,10.0",
        building_class=BuildingClass.RENOVATED,
        heated_area_m2=140,
        emitter=Emitter.RADIATOR,
        rated_heat_kw=8,
    )
    return PumpProfile(
        enrolment=enrolment,
        model=given.pop("model", "F730"),
        has_room_sensor=given.pop("has_room_sensor", True),
        hot_water=given.pop("hot_water", None),
        heating=a_lever(given.pop("spec", HEATING_OFFSET), **given),
    )
