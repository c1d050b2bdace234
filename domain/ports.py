"""Ports: what the activities need of the world, in the domain's words.

Protects: activities and workflows never learn what a database, an HTTP client or a solver is.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from domain.base import Instant, Value
from domain.commands.command import Authority, Command, CommandEvent
from domain.commands.verification import Progress
from domain.homes.enrolment import Enrolment, PumpProfile
from domain.modes import Mode
from domain.oem.breaker import Breaker, CallsInMinute
from domain.oem.readings import Reading
from domain.planning.fleet_plan import FleetPlanResult, Judged, PlanFigures, PlanningRequest, PlanOutline, Refusal
from domain.planning.intraday import LaterPrices
from domain.planning.load_curve import ExpectedLoad, Nomination
from domain.planning.price_plan import ModeSegment, PricePlan
from domain.planning.scope import EnrolledArea
from domain.planning.series import WeatherSeries, WholesalePrices
from domain.planning.shards import Shard, SolvedPart
from domain.steering.call_budget import AccountStanding
from domain.steering.journal import JournalEntry
from domain.steering.pump_state import Observed
from domain.steering.sweep_policy import Expected, WatchRecord

Recorder = Callable[[Sequence[CommandEvent]], Awaitable[None]]
"""Appends events; one of the same command, kind and write number is written once."""


class CommandLog(Protocol):
    """The ledger's memory of commands; every write of it is idempotent."""

    async def begin(self, command: Command, outbox: Sequence[CommandEvent]) -> None:
        """Write down a command and what its pump decided before it."""
        ...

    async def record(self, events: Sequence[CommandEvent]) -> None:
        """Append events; one of the same command, kind and write number is written once."""
        ...

    async def progress(self, command: Command) -> Progress:
        """What is known of a command's writes, and of the write before them."""
        ...

    def fence(self, command: Command) -> AbstractAsyncContextManager[Recorder | None]:
        """Hold the lever's lock; yields None where `command` is not its circuit's newest any more, else as `record`.

        What is yielded fails where the lock was lost meanwhile: what must not be done without it is recorded by it.
        """
        ...


class Journal(Protocol):
    """The ledger's memory of what pumps decided."""

    async def append(self, entries: Sequence[JournalEntry]) -> None:
        """Store entries; one that is there already is left as it is."""
        ...


class SteeringLog(Protocol):
    """What pumps were last brought to."""

    async def heating_in_force(self, pump_ids: Sequence[str]) -> Mapping[str, tuple[Mode, datetime]]:
        """The mode each pump was last seen to obey and when that was decided; absent where never or unknown."""
        ...


class PumpDirectory(Protocol):
    """Who the pumps are."""

    async def profile(self, pump_id: str) -> PumpProfile:
        """One pump; raises `LookupError` with a sentence where it is not enrolled."""
        ...

    async def active(self) -> Sequence[PumpProfile]:
        """Every pump that is steered, ordered by id."""
        ...

    async def profiles(self, pump_ids: Sequence[str]) -> Sequence[PumpProfile]:
        """Those of these pumps that are steered, ordered by id."""
        ...

    async def enrolments(self, price_area: str) -> Sequence[Enrolment]:
        """Every pump of a price area that no other system steers, as it was enrolled, ordered by id."""
        ...

    async def price_areas(self) -> Sequence[EnrolledArea]:
        """The price areas that have such pumps, ordered by name."""
        ...

    async def mark_retired(self, pump_id: str, at: datetime) -> None:
        """The pump is steered no more."""
        ...


class CallGrants(Protocol):
    """What vendors' grants leave to the pumps of accounts."""

    async def standings(self, account_ids: Sequence[str], until: datetime) -> Mapping[str, AccountStanding]:
        """How each account stands for a plan that ends then; absent where it is not known."""
        ...


class ObservationLog(Protocol):
    """What clouds reported."""

    async def store(self, observations: Sequence[tuple[str, Reading]], seen_at: datetime) -> None:
        """Append readings by pump."""
        ...

    async def newest(self, pump_ids: Sequence[str]) -> dict[str, Reading]:
        """The newest reading of each pump that has one."""
        ...


class SeriesStore(Protocol):
    """Versioned prices and weather."""

    async def store_prices(self, series: WholesalePrices, at: datetime) -> int:
        """Store a version and return its number; the same content keeps its number."""
        ...

    async def store_later(self, later: LaterPrices, at: datetime) -> Sequence[int]:
        """Lay intraday or imbalance prices over the newest prices of the days they touch; LookupError without any."""
        ...

    async def store_weather(self, series: WeatherSeries, at: datetime) -> int:
        """As for prices."""
        ...

    async def prices(self, version: int) -> WholesalePrices:
        """A stored version."""
        ...

    async def weather(self, version: int) -> WeatherSeries:
        """A stored version."""
        ...

    async def newest_prices(self, price_area: str, start: datetime, end: datetime) -> int | None:
        """The newest published version that covers [start, end), or None."""
        ...

    async def published_days(self, price_area: str, start: datetime, end: datetime) -> Sequence[WholesalePrices]:
        """The newest published version of every day that begins in [start, end), oldest day first."""
        ...

    async def newest_weather(self, cell: str, start: datetime, end: datetime) -> WeatherSeries | None:
        """The newest forecast of a cell that covers [start, end), or None."""
        ...

    async def quarantine(
        self, kind: str, origin: str, reason: str, at: datetime, series: WholesalePrices | None = None
    ) -> int | None:
        """Keep a document's verdict where an operator sees it, with its series where it has one.

        Returns the version it has because a person released the same document before; None else.
        """
        ...


class PlanStore(Protocol):
    """Fleet plans by revision: stored shard by shard and part by part, so that a lost attempt costs its part only."""

    async def open_plan(
        self, key: str, outline: PlanOutline, shards: Sequence[Shard], at: datetime, refused: Sequence[Refusal] = ()
    ) -> int:
        """Store what is to be solved under the next revision and return it; the same `key` keeps what it has.

        `refused` is what of a submitted plan no shard can take.
        """
        ...

    async def outline(self, revision: int) -> PlanOutline:
        """What a revision is of."""
        ...

    async def newest_outlines(self, after: datetime) -> Sequence[tuple[PlanOutline, datetime]]:
        """The newest plan of each price area and horizon's end that reaches beyond `after`, and when it was made.

        Previews are no plans, and a submitted plan is no reason to let our own grow old.
        """
        ...

    async def shard(self, revision: int, number: int) -> Shard:
        """What one shard of a revision holds."""
        ...

    async def shard_count(self, revision: int) -> int:
        """How many shards a revision has."""
        ...

    async def stored_parts(self, revision: int, shard: int) -> Mapping[int, int]:
        """The pumps planned in each part of a shard that was solved and stored, by the part's place."""
        ...

    async def store_part(
        self,
        revision: int,
        shard: int,
        place: int,
        solved: SolvedPart,
        plans: Mapping[str, PricePlan],
        at: datetime,
    ) -> bool:
        """Store a solved part with its pumps' plans; False where it was stored before (that one stays)."""
        ...

    async def price_plans(
        self, revision: int, shard: int, after: str, limit: int, among: Sequence[str] | None = None
    ) -> Sequence[tuple[str, PricePlan]]:
        """The price plans of a shard for pumps after an id, ordered by id; of all its pumps, or of those `among`."""
        ...

    async def note_delivered(self, revision: int, shard: int, pumps: int) -> None:
        """So many pumps of a shard took their plan."""
        ...

    async def close_plan(self, revision: int, failed: Mapping[int, str], at: datetime) -> None:
        """Nothing more comes of a revision; these shards failed, for these reasons."""
        ...

    async def figures(self, revision: int) -> PlanFigures:
        """What was solved of a revision, summed up."""
        ...

    async def submitted(self, submission: str) -> Sequence[str]:
        """The pumps that a submitted plan speaks of, ordered by id."""
        ...

    async def submitted_schedules(
        self, submission: str, pump_ids: Sequence[str]
    ) -> Mapping[str, tuple[ModeSegment, ...]]:
        """What a submitted plan asks of those of these pumps that it speaks of."""
        ...

    async def standing_plans(self, pump_ids: Sequence[str], start: datetime, end: datetime) -> Mapping[str, PricePlan]:
        """The newest plan that each of these pumps was given for some slot of [start, end); missing for none."""
        ...

    async def take_submission(self, revision: int, *, despite_refusals: bool) -> bool:
        """Make a judged submission a plan; False, and it stays a preview, where it is not to be taken.

        It is not where something of it was refused (unless `despite_refusals`), where no pump is left, and where the
        same submission was taken under another revision.
        """
        ...


class Nominations(Protocol):
    """What was nominated of areas before gate closure."""

    async def nominations(self, price_area: str, first_slot: datetime) -> Sequence[Nomination]:
        """What stands for the market day of a slot, of the price area and its grid areas: the newest of each."""
        ...

    async def expected_loads(self, nomination: Nomination) -> Sequence[ExpectedLoad]:
        """What its load curve was planned from."""
        ...


class DocumentRefused(Exception):
    """A price or weather document was not believed."""

    def __init__(self, message: str, origin: str, series: WholesalePrices | None = None) -> None:
        """`series` is what whole prices would be, were they believed: a person may."""
        super().__init__(message)
        self.origin = origin
        self.series = series


class NotPublished(Exception):
    """The market has not published what was asked for yet, or its source does not answer."""


class PriceSource(Protocol):
    """Day-ahead prices; raises `DocumentRefused` or `NotPublished`."""

    async def prices(self, price_area: str, day: date, tz: ZoneInfo) -> WholesalePrices:
        """A whole market day."""
        ...


class LaterPriceSource(Protocol):
    """Intraday or imbalance prices; raises `DocumentRefused` or `NotPublished`."""

    async def newest(self, price_area: str) -> LaterPrices:
        """What the market says now of the slots around now."""
        ...


class WeatherSource(Protocol):
    """Forecasts; raises `DocumentRefused` or `NotPublished`."""

    async def weather(self, price_area: str, cell: str, first_slot: datetime, slots: int) -> WeatherSeries:
        """A forecast for these slots; a cell that lies outside the price area is refused."""
        ...


class RecordedDecision(Value):
    """An event that the ledger recorded for the first time, with the command it belongs to."""

    event: CommandEvent
    oem: str | None = None
    """Who makes the pump; None for a pump that was never enrolled."""
    authority: Authority | None = None
    """On whose behalf the command was decided; None for an event of the pump that belongs to no command."""
    decided_at: Instant | None = None
    """Steered; None as for `authority`."""


DecisionListener = Callable[[RecordedDecision], None]
"""Receives every decision and what became of it, once each; must not wait."""

JournalListener = Callable[[JournalEntry], None]
"""Receives every journal entry that was stored for the first time; must not wait."""

Planner = Callable[[PlanningRequest], Awaitable[FleetPlanResult]]
"""Solves off the event loop; never raises for an infeasible fleet."""

Judge = Callable[
    [PlanningRequest, Mapping[str, Sequence[Mode | None]], Mapping[str, Sequence[Mode]]], Awaitable[Judged]
]
"""Judges schedules off the event loop: what is wanted of some pumps (None for a slot left out), and what the others of
the request keep to; a pump in neither is neutral."""

PlanDelivery = Callable[[str, PricePlan], Awaitable[bool]]
"""Hands a price plan to a pump's workflow; False where the pump is steered no more."""


class BreakerView(Protocol):
    """What whoever calls a vendor asks of its breaker."""

    async def newest_breaker(self, oem: str, now: datetime) -> Breaker | None:
        """The breaker as last written down; None where there is none yet."""
        ...


class VendorRepository(BreakerView, Protocol):
    """The ledger's books on vendors: calls, grants, breakers."""

    async def window(self, oem: str, since: datetime) -> Sequence[CallsInMinute]:
        """The calls of every minute since then that had any, oldest first."""
        ...

    async def burst_per_min(self, oem: str) -> float | None:
        """Calls a steered minute that the vendor takes for a while from all accounts of steered pumps together.

        None where no quota is known, or no pump is steered.
        """
        ...

    async def note_breaker(self, oem: str, breaker: Breaker, rate: float) -> None:
        """Write down what became of a breaker and the rate it has per steered minute; the same only once."""
        ...


class AccountAsks(Protocol):
    """What people are asked to do about vendor accounts."""

    async def ask(self, account_id: str, reason: str, at: datetime) -> None:
        """Ask for new credentials; asked once until it is solved."""
        ...


class QueueRates(Protocol):
    """The rates at which the server hands out a vendor's work; they outlive every worker and bind all of them."""

    async def set_rate(self, oem: str, per_wall_s: float, reason: str) -> None:
        """Set it; the reason is shown to operators."""
        ...

    async def rate(self, oem: str) -> float | None:
        """What is set now, per wall second; None where nothing is."""
        ...


class WatchLog(Protocol):
    """What the sweep remembers of pumps, and what the ledger expects of them."""

    async def records(self, pump_ids: Sequence[str]) -> dict[str, WatchRecord]:
        """What is remembered of each pump that was ever read."""
        ...

    async def keep(self, records: Sequence[WatchRecord]) -> None:
        """Remember, in place of what was."""
        ...

    async def expected(self, pump_ids: Sequence[str]) -> dict[str, tuple[Expected, ...]]:
        """The newest command of each circuit, by pump; a pump without commands is missing."""
        ...

    async def readings(self, pump_ids: Sequence[str], since: datetime) -> dict[str, list[Reading]]:
        """Readings by pump stamped from then on, oldest first; a pump without any is missing."""
        ...

    async def grants(self, oem: str) -> dict[str, float]:
        """Calls a steered minute that each account of the vendor may make on average; unknown ones are missing."""
        ...


ObservationDelivery = Callable[[str, Observed], Awaitable[bool]]
"""Hands an observation to a pump's workflow; False where the pump is steered no more."""
