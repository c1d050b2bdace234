"""The house and the vendor's cloud of one pump: what is true, what the cloud shows of it, and what becomes of writes.

Protects: the true state is kept apart from what the cloud reports, so that a belief can be judged.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.oem.errors import NotExecutable, OemError, Offline, RateLimited, Rejected, Unavailable
from domain.oem.lever import LeverName
from domain.oem.readings import Condition, Reading
from domain.oem.timing import VendorTiming
from tests.builders import COMFORT, OFFSET
from tests.simulation.script import FIRST_DAY, WINDOWS, Incident, Script, share

TIMING = VendorTiming(
    usual_delay=timedelta(seconds=150),
    look_again=timedelta(seconds=90),
    longest_in_flight=timedelta(seconds=420),
    reading_max_age=timedelta(minutes=30),
)
ROOM_TAU_H = 9.0
TANK_TAU_H = 4.0
ROOM_PER_STEP_K = 1.2
"""What a step of the heating curve is worth in the room, once settled."""
CAPACITY_K = 36.0
"""How far above outdoors the pump can hold the room at most."""


@dataclass
class Sent:
    """One write as it went over the wire."""

    command_id: str
    seq: int
    lever: LeverName
    setting: float
    at: datetime
    answered_at: datetime | None = None
    fate: str = "under way"
    landed_at: datetime | None = None


@dataclass
class FakeCloud:
    """One pump behind one vendor."""

    script: Script
    true: dict[LeverName, float]
    history: dict[LeverName, list[tuple[datetime, float]]] = field(default_factory=dict)
    pending: list[tuple[datetime, int, Sent]] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    room_c: float = 21.0
    tank_c: float = 48.0
    outdoor_c: float = 2.0
    at: datetime = FIRST_DAY

    def __post_init__(self) -> None:
        self.at = self.script.start
        self.history = {lever: [(self.at, value)] for lever, value in self.true.items()}
        self._windows: dict[str, list[Incident]] = {kind: [] for kind in WINDOWS}
        for incident in self.script.incidents:
            if incident.until is not None:
                self._windows[incident.kind].append(incident)

    # --- the truth -------------------------------------------------------------------------------------------------

    def window(self, kind: str, now: datetime) -> Incident | None:
        """The window of a kind that is open now."""
        for window in self._windows[kind]:
            if window.at <= now and window.until is not None and now < window.until:
                return window
        return None

    def condition(self, now: datetime) -> Condition:
        """How the unit stands towards being steered."""
        window = self.window("condition", now)
        return window.what if window is not None else Condition.NORMAL

    def set(self, lever: LeverName, value: float, now: datetime) -> None:
        """The lever moves."""
        if self.true[lever] != value:
            self.true[lever] = value
            self.history[lever].append((now, value))

    def value_at(self, lever: LeverName, moment: datetime) -> float:
        """What the lever truly stood at."""
        for at, value in reversed(self.history[lever]):
            if at <= moment:
                return value
        return self.history[lever][0][1]

    def stood_at(self, lever: LeverName, value: float, since: datetime) -> bool:
        """Whether the lever stood at a value at any time since a moment."""
        rows = self.history[lever]
        later = any(v == value for at, v in rows if at >= since)
        return later or self.value_at(lever, since) == value

    def advance(self, now: datetime) -> None:
        """Land what lands by now, and let room and tank follow."""
        due = sorted(p for p in self.pending if p[0] <= now) if self.pending else []
        self.pending = [p for p in self.pending if p[0] > now]
        for at, _, sent in due:
            sent.landed_at = at
            self.set(sent.lever, sent.setting, at)
        hours = (now - self.at).total_seconds() / 3600
        if hours <= 0:
            return
        self.at = now
        snap, opened = self.window("cold snap", now), self.window("window open", now)
        self.outdoor_c = (snap.what if snap else 3.0) + 3 * math.sin((now.hour - 9) / 24 * 2 * math.pi)
        steps = self.true[OFFSET] - self.script.baseline[OFFSET]
        aim = min(21.3 + ROOM_PER_STEP_K * steps, self.outdoor_c + CAPACITY_K) - (6 * opened.what if opened else 0)
        self.room_c += (aim - self.room_c) * (1 - math.exp(-hours / ROOM_TAU_H))
        if COMFORT in self.true:
            is_bath = now.hour in (7, 19) and share(self.script.seed, self.script.number, now.toordinal()) < 0.3
            draw = 14.0 if is_bath else 0.0
            aim = 41.0 + 6.0 * self.true[COMFORT] - draw
            self.tank_c += (aim - self.tank_c) * (1 - math.exp(-hours / TANK_TAU_H))

    # --- what the cloud reports ------------------------------------------------------------------------------------

    def read(self, lever: LeverName, now: datetime) -> Reading:
        """As an adapter's read: raises the closed set of errors."""
        self.advance(now)
        self._refuse(now, 1)
        return self.picture(lever, now)

    def picture(self, lever: LeverName, now: datetime) -> Reading:
        """What the cloud shows: a picture of some moments ago, older where it stopped listening to the pump."""
        moment = self.shown(now)
        return Reading(
            as_of=moment + timedelta(seconds=self.script.vendor_skew_s),
            lever=lever,
            setting=self.value_at(lever, moment),
            room_c=round(self.room_c, 2),
            hot_water_c=round(self.tank_c, 1),
            condition=self.condition(now),
        )

    def shown(self, now: datetime) -> datetime:
        """Of when the picture is that the cloud shows."""
        moment = now - timedelta(seconds=90 * self._luck(now, 2))
        for kind in ("stale", "offline"):
            if window := self.window(kind, now):
                moment = min(moment, window.at)
        return moment

    def write(self, sent: Sent, now: datetime) -> OemError | None:
        """The request arrives at the cloud; what it will answer, and what it does."""
        self.advance(now)
        self.sent.append(sent)
        luck = self._luck(now, 3)
        try:
            self._refuse(now, 4)
        except OemError as error:
            if isinstance(error, Unavailable) and error.maybe_taken and luck < 0.5:
                self._land(sent, now + timedelta(seconds=1 + 800 * luck))
            sent.fate = "maybe taken" if isinstance(error, Unavailable) and error.maybe_taken else "refused"
            return error
        if self.window("lose", now):
            sent.fate = "maybe taken"
            if luck < 0.6:
                self._land(sent, now + timedelta(seconds=1 + 600 * luck))
            return Unavailable("no answer within 30 s")
        sent.fate = "accepted"
        if self.window("ignore", now) or self.condition(now) is Condition.INSTALLER:
            return None
        slowest = 400.0 if self.window("slow", now) else 200.0
        behind = max((at for at, _, s in self.pending if s.lever is sent.lever and s.fate == "accepted"), default=now)
        self._land(sent, max(now + timedelta(seconds=5 + (slowest - 5) * luck), behind))
        return None

    def _land(self, sent: Sent, at: datetime) -> None:
        self.pending.append((at, len(self.sent), sent))

    def _refuse(self, now: datetime, salt: int) -> None:
        if window := self.window("budget", now):
            assert window.until is not None
            raise RateLimited("429", min(window.until, now + timedelta(minutes=15)))
        if self.window("outage", now):
            raise Unavailable("503", maybe_taken=self._luck(now, salt) < 0.5)
        if self.window("offline", now):
            raise Offline("not connected")
        match self.condition(now):
            case Condition.REMOTE_DISABLED if salt == 4:
                raise Rejected("remote control is off", is_read_only=True)
            case Condition.UPDATING if salt == 4:
                raise NotExecutable("firmware is being changed")
            case _:
                pass

    def _luck(self, now: datetime, salt: int) -> float:
        return share(self.script.seed, self.script.number, salt, int(now.timestamp()))
