"""The sweep's rules: which pump is read when, how fast, and which of what was seen is news to its workflow.

Protects: a sweep never takes more than its share of a vendor's grant; commanded and risky pumps go first, and starve
nobody; news is told once, and told again only where it still contradicts after a while.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import Field

from domain.base import Instant, Value
from domain.commands.command import CommandEvent, CommandState, EventKind
from domain.commands.evidence import EVIDENT_WITHIN, AppliedCommand
from domain.homes.enrolment import PumpProfile
from domain.modes import Circuit, Level
from domain.oem.breaker import UNKNOWN_GRANT_PER_MIN
from domain.oem.lever import Lever, LeverName
from domain.oem.readings import Condition, Reading
from domain.oem.timing import VendorTiming
from domain.steering.observations import COLD_HYSTERESIS_K, TANK_FLOOR_C, TANK_HYSTERESIS_K
from domain.steering.pump_state import Observed, SeenLever

PASS = timedelta(minutes=15)
"""One pass over a vendor's pumps; in it each is read once at most, and as many as the grant carries."""
SHARE = 0.5
"""Of a grant; the rest is for commands, for the planner's reads and for people."""
REPEAT_AFTER = timedelta(hours=2)
"""What still contradicts is signalled again after this: a signal may have been lost with its workflow's past."""
LOOKS_DISCONNECTED = 2
"""Vendors flap: so many reads in a row must find a unit disconnected before it counts as silent."""
LOOKS_UNANSWERED = 2
"""One failing read may be the cloud's bad minute; so many in a row, and nothing believed any more, are silence."""
OPEN_GRACE = timedelta(minutes=30)
"""A command so long past its expiry has no workflow behind it any more."""
FRESH_COMMAND = timedelta(minutes=30)
FRESH_READING = timedelta(minutes=10)
"""A pump whose verification read it so lately is not asked again."""
DRIFT_RISK = timedelta(hours=24)
NEAR_FLOOR_K = 0.5
RISKY_SHARE = 0.5
"""Of a pass that cannot hold all pumps; the other half is for those that were not read for longest."""
MANY_PUMPS = 8
"""An account with so many is asked for all its connections in every pass: one call, where each pump costs one."""
CONNECTIONS_EVERY = 4
"""Passes between two such calls for a small account in which nothing is in doubt."""


class Expected(Value):
    """What the ledger knows of the newest command of one circuit, and of what its workflow noted since."""

    circuit: Circuit
    command_id: str
    mode: Level
    state: CommandState
    at: Instant
    """When the command came into this state."""
    expires_at: Instant
    sent_at: Instant | None = None
    """When its first write left."""
    written_at: Instant | None = None
    """When its newest write left."""
    lever: LeverName
    setting: float
    """What it writes."""
    noted_setting: float | None = None
    """Where the workflow has learnt the lever to be since: a drift, or a manual change."""
    noted_at: Instant | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether its own verification reads the pump."""
        return not self.state.is_settled and now < self.expires_at + OPEN_GRACE

    @property
    def is_noted(self) -> bool:
        """Whether the workflow noted something newer than the command's state."""
        return self.noted_at is not None and self.noted_at > self.at

    @property
    def known_at(self) -> datetime:
        """A reading stamped before says nothing new."""
        return max(self.at, self.noted_at) if self.noted_at is not None else self.at

    @property
    def believed(self) -> float | None:
        """The setting that the pump's workflow believes the lever is at; None where that is open."""
        if self.is_noted:
            return self.noted_setting
        return self.setting if self.state in (CommandState.APPLIED, CommandState.EFFECTIVE) else None

    def applied(self, pump_id: str, now: datetime) -> AppliedCommand | None:
        """The command, where evidence of its effect may still turn up."""
        if self.state is not CommandState.APPLIED or self.is_noted or now > self.at + EVIDENT_WITHIN + PASS:
            return None
        if self.sent_at is None:
            return None
        return AppliedCommand(
            command_id=self.command_id,
            pump_id=pump_id,
            circuit=self.circuit,
            sent_at=self.sent_at,
            applied_at=self.at,
            lever=self.lever,
            setting=self.setting,
        )


class ReportedLever(Value):
    """What was last reported of one lever."""

    command_id: str
    """The newest command then; empty where there was none."""
    setting: float
    at: Instant


class Reported(Value):
    """What was last reported to a pump's workflow."""

    silent: bool = False
    condition: Condition = Condition.NORMAL
    is_cold: bool = False
    is_tank_cold: bool = False
    levers: dict[Circuit, ReportedLever] = Field(default_factory=dict)


class WatchRecord(Value):
    """What the sweep remembers of a pump."""

    pump_id: str
    looked_at: Instant
    as_of: Instant | None = None
    """Stamp of the newest reading that was believed."""
    is_silent: bool = False
    told: Reported = Reported()
    unanswered: int = 0
    """Reads in a row that said nothing."""
    unanswered_since: Instant | None = None
    """The first of them."""
    disconnected: int = 0
    """Looks in a row that found it disconnected."""
    room_c: float | None = None
    drifted_at: Instant | None = None


class News(Value):
    """What is worth a signal, in words; and what will have been reported then."""

    reasons: tuple[str, ...] = ()
    told: Reported
    has_drifted: bool = False


# --- order and pace -----------------------------------------------------------------------------------------------


def gap_between(calls_per_observation: float, granted_per_min: float | None) -> timedelta:
    """Time between two reads of pumps of one account; `granted_per_min` is None where no quota is known."""
    granted = UNKNOWN_GRANT_PER_MIN if granted_per_min is None else granted_per_min
    return timedelta(minutes=calls_per_observation / (granted * SHARE))


def drift_found_within(pumps: int, calls_per_observation: float, granted_per_min: float | None) -> timedelta:
    """After how long at most a drifted pump is read: a pass, or more where the grant carries no whole fleet.

    There risky pumps may take their share of every pass, and the others wait the longer.
    """
    whole = pumps * gap_between(calls_per_observation, granted_per_min)
    return PASS if whole <= PASS else whole / (1 - RISKY_SHARE)


def is_risky(profile: PumpProfile, expected: Sequence[Expected], record: WatchRecord | None, now: datetime) -> bool:
    """Whether a pump is read before others."""
    if record is None or record.unanswered or record.disconnected:
        return True
    if any(e.is_open(now) or now - e.at < FRESH_COMMAND for e in expected):
        return True
    if record.drifted_at is not None and now - record.drifted_at < DRIFT_RISK:
        return True
    return record.room_c is not None and record.room_c < profile.site.floor_c(now) + NEAR_FLOOR_K


def reading_order(risky: Mapping[str, bool], looked_at: Mapping[str, datetime], capacity: int) -> list[str]:
    """Pump ids in the order of reading: risky ones first, within both those not read for longest.

    Where a pass holds no more than `capacity` pumps, risky ones get half of it before the others have their turn.
    """
    ordered = sorted(risky, key=lambda p: (p in looked_at, looked_at.get(p), p))
    first = [p for p in ordered if risky[p]]
    others = [p for p in ordered if not risky[p]]
    if len(ordered) <= capacity:
        return first + others
    ahead = max(1, int(capacity * RISKY_SHARE))
    return first[:ahead] + others[: capacity - ahead] + first[ahead:] + others[capacity - ahead :]


def worth_asking_connections(records: Sequence[WatchRecord | None], pass_no: int) -> bool:
    """Whether one call for all connections of an account is worth it in this pass."""
    doubts = any(
        r is None or r.is_silent or r.unanswered or r.disconnected or r.told.condition is not Condition.NORMAL
        for r in records
    )
    return doubts or len(records) >= MANY_PUMPS or pass_no % CONNECTIONS_EVERY == 0


# --- what was seen, and what of it is news ------------------------------------------------------------------------


def observed_from(profile: PumpProfile, reading: Reading, timing: VendorTiming, now: datetime) -> Observed:
    """A reading in the words of steering; an old one only says that the pump is silent.

    Nothing is observed in the future, whatever clock stamped it.
    """
    if reading.condition is Condition.UPDATING:
        # Told by the cloud, not by the unit, which says nothing while its firmware changes: its old stamp is kept.
        return Observed(as_of=min(reading.as_of, now), condition=Condition.UPDATING)
    if now - reading.as_of > timing.reading_max_age:
        return silence(now)
    levers = []
    for circuit in Circuit:
        lever = profile.lever(circuit)
        setting = reading.setting_of(lever.name) if lever is not None else None
        if lever is not None and setting is not None:
            levers.append(SeenLever(circuit=circuit, setting=setting, ends_at=reading.ends.get(lever.name)))
    return Observed(
        as_of=min(reading.as_of, now),
        stamp=reading.as_of,
        levers=tuple(levers),
        condition=reading.condition,
        room_c=reading.room_c,
        hot_water_c=reading.hot_water_c,
    )


def silence(now: datetime) -> Observed:
    """What is seen of a pump that reports no more."""
    return Observed(as_of=now, silent=True)


def has_fallen_silent(record: WatchRecord, timing: VendorTiming, now: datetime) -> bool:
    """True when reads have failed so long that the last reading is stale."""
    known_at = record.as_of or record.unanswered_since
    if known_at is None or record.unanswered < LOOKS_UNANSWERED:
        return False
    return now - known_at > timing.reading_max_age


def news_of(
    profile: PumpProfile, expected: Sequence[Expected], record: WatchRecord | None, seen: Observed, now: datetime
) -> News:
    """What of an observation the pump's workflow should know, against what the ledger expects and what it was sent."""
    told = record.told if record is not None else Reported()
    if seen.silent:
        reasons = () if told.silent else ("silent",)
        return News(reasons=reasons, told=told.model_copy(update={"silent": True}))
    reasons_: list[str] = ["came back"] if told.silent else []
    if seen.condition is not told.condition:
        reasons_.append(f"condition {seen.condition.value}")
    is_cold = _is_below(seen.room_c, profile.site.floor_c(seen.as_of), COLD_HYSTERESIS_K, was=told.is_cold)
    is_tank_cold = _is_below(seen.hot_water_c, TANK_FLOOR_C, TANK_HYSTERESIS_K, was=told.is_tank_cold)
    if is_cold is not told.is_cold:
        reasons_.append("room below its floor" if is_cold else "room above its floor again")
    if is_tank_cold is not told.is_tank_cold:
        reasons_.append("tank cold" if is_tank_cold else "tank warm again")
    levers = dict(told.levers)
    has_drifted = False
    for one in seen.levers:
        newest = next((e for e in expected if e.circuit is one.circuit), None)
        why = _lever_news(one, profile.lever_of(one.circuit), newest, levers.get(one.circuit), seen, now)
        if why:
            command_id = newest.command_id if newest is not None else ""
            levers[one.circuit] = ReportedLever(command_id=command_id, setting=one.setting, at=now)
            reasons_.append(f"{one.circuit.value} {why} at {one.setting:g}")
            has_drifted = has_drifted or why == MOVED
    whole = Reported(condition=seen.condition, is_cold=is_cold, is_tank_cold=is_tank_cold, levers=levers)
    return News(reasons=tuple(reasons_), told=whole, has_drifted=has_drifted)


EXPIRED = "expired"
MOVED = "moved"
"""By a person or by itself, which the pump's workflow finds out."""


def _lever_news(
    one: SeenLever,
    lever: Lever,
    newest: Expected | None,
    told: ReportedLever | None,
    seen: Observed,
    now: datetime,
) -> str:
    """Why a lever is news; empty where it is not."""
    if newest is not None and (newest.is_open(now) or seen.as_of <= newest.known_at):
        return ""
    command_id = newest.command_id if newest is not None else ""
    is_told = told is not None and told.command_id == command_id and told.setting == one.setting
    believed = lever.baseline if newest is None else newest.believed
    if believed is None:
        return "" if is_told else "settled"
    if one.setting == believed:
        # It was told to have left; a workflow that steers back with patience should know that it came back by itself.
        has_left = told is not None and told.command_id == command_id and not is_told
        return "as commanded again" if has_left else ""
    if seen.condition is not Condition.NORMAL:
        return ""  # explained, and told as a condition
    if is_told and told is not None and now - told.at < REPEAT_AFTER:
        return ""
    if newest is not None and _has_expired(newest, lever, one, seen.as_of):
        return EXPIRED
    return MOVED


def _has_expired(newest: Expected, lever: Lever, one: SeenLever, as_of: datetime) -> bool:
    """Whether the household's own setting is back because ours has expired."""
    life, written_at = lever.spec.expires_after, newest.written_at
    if life is None or written_at is None or one.setting != lever.baseline:
        return False
    return as_of >= written_at + life


def settling_event(pump_id: str, newest: Expected, seen: Observed, timing: VendorTiming) -> CommandEvent | None:
    """How an unverified command turns out to have ended, for the ledger; None where this observation cannot tell."""
    lever = next((one for one in seen.levers if one.circuit is newest.circuit), None)
    if newest.state is not CommandState.UNVERIFIED or lever is None or seen.as_of <= newest.known_at:
        return None
    is_obeyed = lever.setting == newest.setting
    if not is_obeyed and (newest.sent_at is None or seen.as_of < newest.at + timing.longest_in_flight):
        return None
    return CommandEvent(
        command_id=newest.command_id,
        pump_id=pump_id,
        at=seen.as_of,
        kind=EventKind.APPLIED if is_obeyed else EventKind.IGNORED,
        lever=newest.lever,
        setting=lever.setting,
        reason=f"the sweep saw {lever.setting:g}",
    )


def _is_below(value: float | None, floor: float, hysteresis: float, *, was: bool) -> bool:
    return was if value is None else value < floor + (hysteresis if was else 0.0)
