"""What a pump was told of its levers, read a second time: which settings are somebody's hand, which were drifts.

Protects: whether a hand is held, a drift handed over or a target given up is judged by what reached the pump, in order,
and not by what the pump remembers. One thing is taken from it: that one of our own levels, corrected and back again, is
somebody who insists. Whether a person acted or a room was cold in between decides that too, which would be the pump's
own rule once more; that it cannot be so, because that level was not seen just before, is found here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.commands.command import Command, CommandOutcome, CommandState
from domain.modes import Circuit, HotWaterMode, Level, Mode
from domain.oem.lever import Lever
from domain.oem.readings import Condition
from domain.steering.overrides import Override, OverrideKind, OverrideSource
from domain.steering.pump_state import CommandSettled, Decision, Event, Observed, RetryRequested, SeenLever

HOLDS_H = (4, 8, 24)
"""How long a manual change is held, by the number of them within a day on either circuit."""
DAY = timedelta(hours=24)
MOST_DRIFTS = 3
DRIFTS_WITHIN = timedelta(hours=12)
INSISTS_WITHIN = timedelta(hours=6)
CLOCK_WAS_SET = timedelta(minutes=30)
"""A clock ahead of ours orders its own pictures, but for a step back so long."""
LONGEST_PAUSE = timedelta(hours=1)
"""Between steering back twice; a drift left alone for longer is handed over."""
_REACHED = (CommandState.APPLIED, CommandState.EFFECTIVE)


@dataclass
class Known:
    """What a pump can know of one circuit."""

    level: Level | None
    at: datetime | None = None
    """When that was; older readings are ignored."""
    open: Command | None = None
    last: Command | None = None
    failed: Command | None = None
    """The newest command that failed, until one is obeyed."""
    may_be_given_up: bool = False
    is_by_hand: bool = False
    """Whether a person set it since the newest command."""
    drifts: int = 0
    """Consecutive drifts, each within `DRIFTS_WITHIN` of the one before."""
    drifted_at: datetime | None = None
    drifted_to: Level | None = None


Learnt = Mapping[Circuit, tuple[float, datetime]]
"""Settings that a pump took for a person's, and when they were seen."""


def _nothing() -> dict[Circuit, Known]:
    return {Circuit.HEATING: Known(Mode.LOW), Circuit.HOT_WATER: Known(HotWaterMode.NORMAL)}


@dataclass
class ManualChangeChecker:
    """The manual changes that reached one pump."""

    known: dict[Circuit, Known] = field(default_factory=_nothing)
    touches: list[datetime] = field(default_factory=list)
    as_of: datetime | None = None
    stamp: datetime | None = None
    is_news: bool = False
    """Whether the newest event is a picture, and no older one than what was seen before."""
    levers: dict[Circuit, Lever] = field(default_factory=dict)
    """On the baselines that it was told of."""
    wrong: str = ""
    """How the newest decision contradicts this reading; empty if it does not."""

    def hear(
        self, event: Event, now: datetime, was: Condition, decision: Decision, taken: Learnt, *, left: bool
    ) -> list[Override]:
        """An event as it reached the pump under a condition, what it decided, and the settings that it took for a
        person's; gives the holds that begin with it."""
        self.wrong, self.is_news = "", False
        by_hand: dict[Circuit, tuple[float, datetime]] = {}
        match event:
            case CommandSettled(outcome=outcome):
                by_hand = self._end(outcome, was)
            case Observed(silent=False):
                by_hand = self._see(event, taken, left=left)
            case RetryRequested(circuit=circuit, give_up=True):
                self.known[circuit].may_be_given_up = True
            case _:
                pass
        if by_hand != taken:
            self.wrong = (
                self.wrong or f"manual changes in what it received: {_words(by_hand)}, and it learnt {_words(taken)}"
            )
        holds = [self._hold(circuit, setting, at) for circuit, (setting, at) in by_hand.items()]
        for command in decision.starts:
            known = self.known[command.circuit]
            known.open = known.last = command
            known.is_by_hand = False
        self.touches = [t for t in self.touches if now - t < DAY]
        return holds

    def _end(self, outcome: CommandOutcome, was: Condition) -> dict[Circuit, tuple[float, datetime]]:
        if outcome.stamp is not None:
            self.stamp = max(self.stamp or outcome.stamp, outcome.stamp)
        for circuit, known in self.known.items():
            if known.open is None or known.open.command_id != outcome.command_id:
                continue
            command, known.open = known.open, None
            seen = self.levers[circuit].level_of(outcome.seen_setting, command.mode)
            is_unmoved = outcome.state in (CommandState.EXPIRED, CommandState.REJECTED) and seen is None
            if not is_unmoved:
                known.at = outcome.at
                known.level = command.mode if outcome.state in _REACHED else seen
            if outcome.state in _REACHED:
                known.failed = None
            elif outcome.state is not CommandState.SUPERSEDED:
                known.failed, known.may_be_given_up = command, was is Condition.INSTALLER
            if outcome.foreign_setting is not None and was is not Condition.EXTERNAL:
                return {circuit: (outcome.foreign_setting, outcome.at)}
        return {}

    def _see(self, seen: Observed, taken: Learnt, *, left: bool) -> dict[Circuit, tuple[float, datetime]]:
        as_of, stamp = seen.as_of, seen.stamp or seen.as_of
        if self.as_of is not None and as_of < self.as_of:
            return {}
        if stamp > as_of and self.stamp is not None and stamp < self.stamp < stamp + CLOCK_WAS_SET:
            return {}
        is_new = stamp != self.stamp
        self.as_of, self.stamp, self.is_news = as_of, stamp, True
        by_hand = {}
        for lever in seen.levers if is_new else ():
            known = self.known[lever.circuit]
            if known.open is not None or (known.at is not None and as_of <= known.at):
                continue
            level = self._level_of(known, lever)
            if self._is_hand(known, lever, level, as_of, seen.condition, is_taken=lever.circuit in taken, left=left):
                by_hand[lever.circuit] = (lever.setting, as_of)
        return by_hand

    def _level_of(self, known: Known, lever: SeenLever) -> Level | None:
        expected = known.level or (known.last.mode if known.last is not None and not known.is_by_hand else None)
        return self.levers[lever.circuit].level_of(lever.setting, expected)

    def _is_hand(
        self,
        known: Known,
        lever: SeenLever,
        level: Level | None,
        as_of: datetime,
        condition: Condition,
        *,
        is_taken: bool,
        left: bool,
    ) -> bool:
        neutral = Mode.LOW if lever.circuit is Circuit.HEATING else HotWaterMode.NORMAL
        before, known.level, known.at = known.level, level, as_of
        may_be_ours = condition is Condition.NORMAL or level is neutral
        may_be_ours = may_be_ours or (known.last is not None and known.last.mode is level)
        if level is not None and (before is level or (before is None and may_be_ours)):
            return False
        if condition is not Condition.NORMAL:
            known.level = None if before in (None, neutral) else level
            return False
        if level is None:
            return True
        ago = as_of - known.drifted_at if known.drifted_at is not None else DAY
        if is_taken and not left and (known.drifted_to is not level or ago >= INSISTS_WITHIN):
            self.wrong = f"{lever.circuit.value} in {level} is taken for a manual change, and nobody insisted"
        known.drifts = known.drifts + 1 if ago < DRIFTS_WITHIN else 1
        known.drifted_at, known.drifted_to = as_of, neutral if is_taken else level
        return is_taken

    def _hold(self, circuit: Circuit, setting: float, at: datetime) -> Override:
        self.touches = [*(t for t in self.touches if at - t < DAY), at]
        known = self.known[circuit]
        known.is_by_hand = True
        self.levers[circuit] = self.levers[circuit].model_copy(update={"baseline": setting})
        known.level, known.at = (Mode.LOW if circuit is Circuit.HEATING else HotWaterMode.NORMAL), at
        return Override(
            override_id=f"hand-{circuit.value}-{at:%Y%m%dT%H%M%S}",
            source=OverrideSource.HOUSEHOLD,
            kind=OverrideKind.THERMOSTAT,
            mode=Mode.LOW,
            hot_water=HotWaterMode.NORMAL,
            circuit=circuit,
            requested_at=at,
            until=at + timedelta(hours=HOLDS_H[min(len(self.touches), len(HOLDS_H)) - 1]),
            who="somebody at the pump",
            why=f"set to {setting:g}",
        )


def _words(settings: Learnt) -> str:
    return ", ".join(f"{c.value} {setting:g} of {at:%H:%M:%S}" for c, (setting, at) in settings.items()) or "none"
