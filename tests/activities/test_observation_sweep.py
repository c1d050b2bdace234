"""The sweep: looks at each pump once a pass at its vendor's pace, tells news once, and survives lost workers."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import ActivityEnvironment

from activities.observation_sweep import SweepVendor, Swept, WatchActivities
from activities.sweep_reporting import SweepPorts
from domain.commands.command import CommandState, EventKind
from domain.modes import Circuit, Mode
from domain.oem.breaker import Breaker, BreakerState
from domain.oem.errors import AuthExpired, Malformed, OemError, Offline, RateLimited, Rejected, Unavailable
from domain.oem.lever import LeverName
from domain.oem.readings import Reading
from domain.oem.units import PumpAddress
from domain.savings.energy import Reported
from domain.steering.pump_state import Observed
from domain.steering.sweep_policy import PASS, Expected, WatchRecord
from tests.activities.ports import CLOCK, Cloud, Commands, Directory, an_attempt, heartbeats_of
from tests.builders import OFFSET, a_lever, a_reading, at
from tests.patience import HANG_S

FLEET = ("p-0001", "p-0002", "p-0003", "p-0004")
NOW = at(6)
FRESH = a_reading(0.0, at(5, 59))
GIVEN = SweepVendor(clock=CLOCK, oem="nibe")
AMPLE = 60_000.0
"""Calls a minute with which the pace of a sweep takes no time."""


class Sky(Cloud):
    """A vendor whose answers can be changed while it is asked; every attempt at a pump is noted."""

    def __init__(self, failing: Mapping[str, OemError] | None = None) -> None:
        super().__init__(FRESH)
        self.readings: dict[str, Reading] = {}
        self.failing: dict[str, OemError] = dict(failing or {})
        self.disconnected: set[str] = set()
        self.on_ask: Callable[[str], None] = lambda pump_id: None
        self.connection_calls = 0
        self.refusal: OemError | None = None
        """What a call for connections fails with."""

    async def observe(self, pump: PumpAddress, lever: LeverName, now: datetime) -> Reading:
        self.asked.append(pump.pump_id)
        self.on_ask(pump.pump_id)
        await asyncio.sleep(0)
        if pump.pump_id in self.failing:
            raise self.failing[pump.pump_id]
        return self.readings.get(pump.pump_id, FRESH)

    async def connections(self, account_id: str, now: datetime) -> Mapping[str, bool]:
        self.connection_calls += 1
        if self.refusal is not None:
            raise self.refusal
        return {pump_id: pump_id not in self.disconnected for pump_id in FLEET}


class Homes(Directory):
    """A directory whose pumps have devices of their own."""

    def __init__(self, *pump_ids: str) -> None:
        super().__init__(*pump_ids)
        self.pumps = [
            p.model_copy(update={"enrolment": p.enrolment.model_copy(update={"vendor_ref": p.enrolment.pump_id})})
            for p in self.pumps
        ]


class Book:
    """`domain.ports.WatchLog` and `ObservationLog`, and `activities.attempt.VendorStatus`, in memory."""

    def __init__(self, **expected: Expected) -> None:
        self.kept: dict[str, WatchRecord] = {}
        self.newest_commands = {pump_id.replace("_", "-"): (one,) for pump_id, one in expected.items()}
        self.stored: dict[str, list[Reading]] = {}
        self.grant: float | None = AMPLE
        self.open_looks = 0
        """So many times the breaker is still found open."""
        self.broken = False
        self.asks: list[tuple[str, str]] = []

    async def records(self, pump_ids: Sequence[str]) -> dict[str, WatchRecord]:
        return {i: self.kept[i] for i in pump_ids if i in self.kept}

    async def keep(self, records: Sequence[WatchRecord]) -> None:
        self.kept |= {record.pump_id: record for record in records}

    async def expected(self, pump_ids: Sequence[str]) -> dict[str, tuple[Expected, ...]]:
        return {i: self.newest_commands[i] for i in pump_ids if i in self.newest_commands}

    async def readings(self, pump_ids: Sequence[str], since: datetime) -> dict[str, list[Reading]]:
        return {i: [r for r in self.stored.get(i, []) if r.as_of >= since] for i in pump_ids}

    async def grants(self, oem: str) -> dict[str, float]:
        return {} if self.grant is None else {"nibe-main": self.grant}

    async def newest_breaker(self, oem: str, now: datetime) -> Breaker | None:
        self.open_looks -= 1
        return Breaker(state=BreakerState.OPEN, since=now) if self.open_looks >= 0 else None

    async def ask(self, account_id: str, reason: str, at: datetime) -> None:
        self.asks.append((account_id, reason))

    async def store(self, observations: Sequence[tuple[str, Reading]], seen_at: datetime) -> None:
        for pump_id, reading in observations:
            self.stored.setdefault(pump_id, []).append(reading)

    async def newest(self, pump_ids: Sequence[str]) -> dict[str, Reading]:
        return {i: self.stored[i][-1] for i in pump_ids if i in self.stored}


class Energy:
    """`domain.savings.vendor_energy.EnergyLog` in memory."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, Reported, datetime]] = []
        self.reported_at: dict[str, datetime] = {}

    async def store_reports(self, pump_id: str, reported: Reported, received_at: datetime) -> int:
        self.reports.append((pump_id, reported, received_at))
        return 1

    async def vendor_reported_at(self, pump_ids: Sequence[str]) -> dict[str, datetime]:
        return {i: at for i, at in self.reported_at.items() if i in pump_ids}


class Pumps:
    """An `ObservationDelivery` that notes what arrives, and fails as long as it is told to."""

    def __init__(self, failing: Sequence[str] = (), retired: Sequence[str] = ()) -> None:
        self.failing = list(failing)
        self._retired = retired
        self.told: list[tuple[str, Observed]] = []

    async def __call__(self, pump_id: str, seen: Observed) -> bool:
        if pump_id in self.failing:
            raise RuntimeError("the server does not answer")
        self.told.append((pump_id, seen))
        return pump_id not in self._retired


def commanded(mode: Mode = Mode.MAX, state: CommandState = CommandState.APPLIED, **given: Any) -> Expected:
    return Expected(
        circuit=Circuit.HEATING,
        command_id="p-0001-c00001",
        mode=mode,
        state=state,
        at=given.pop("at", at(5)),
        expires_at=given.pop("expires_at", at(7)),
        lever=OFFSET,
        setting=given.pop("setting", a_lever().setting_for(mode)),
        **given,
    )


class Sweeping:
    """A sweep with everything around it; `a_pass` runs one pass at 06:00 and what is left of its hour."""

    def __init__(
        self, sky: Sky | None = None, book: Book | None = None, pumps: Pumps | None = None, fleet: Sequence[str] = FLEET
    ) -> None:
        self.sky, self.book, self.pumps, self.commands = sky or Sky(), book or Book(), pumps or Pumps(), Commands()
        self.energy = Energy()
        ports = SweepPorts(
            pumps=Homes(*fleet),
            observations=self.book,
            watching=self.book,
            vendors=self.book,
            commands=self.commands,
            adapters={"nibe": self.sky},
            deliver=self.pumps,
            energy=self.energy,
            home_tz_of=lambda _: "Europe/Berlin",
        )
        self.acts = WatchActivities(ports)
        self.beats: list[tuple[Any, ...]] = []

    async def a_pass(self, env: ActivityEnvironment | None = None, pass_at: datetime = NOW) -> Swept:
        env = env or an_attempt((NOW + timedelta(seconds=1)).isoformat(), pass_at.isoformat())
        self.beats = heartbeats_of(env)
        swept: Swept = await env.run(self.acts.sweep_vendor, GIVEN)
        return swept

    async def next_pass(self) -> Swept:
        """Another pass, as a later attempt would see it: what was looked at before is due again."""
        for pump_id, record in self.book.kept.items():
            self.book.kept[pump_id] = record.model_copy(update={"looked_at": record.looked_at - PASS})
        self.sky.asked.clear()
        return await self.a_pass()


async def test_every_pump_is_looked_at_once_and_a_quiet_fleet_is_told_nothing() -> None:
    sweep = Sweeping()
    swept = await sweep.a_pass()
    assert sorted(sweep.sky.asked) == list(FLEET)
    assert sorted(sweep.book.stored) == list(FLEET)
    assert sweep.pumps.told == []
    assert (swept.passes, swept.looks, swept.told) == (1, 4, 0)
    assert swept.next_pass_at == NOW + PASS
    assert all(record.as_of == FRESH.as_of for record in sweep.book.kept.values())


async def test_a_drifted_pump_is_told_once_with_its_levers_and_the_others_are_not() -> None:
    sweep = Sweeping(book=Book(p_0002=commanded(Mode.MAX), p_0003=commanded(Mode.LOW)))
    await sweep.a_pass()
    ((pump_id, seen),) = sweep.pumps.told
    assert pump_id == "p-0002"
    assert [(lever.circuit, lever.setting) for lever in seen.levers] == [(Circuit.HEATING, 0.0)]
    assert sweep.book.kept["p-0002"].drifted_at is not None
    await sweep.next_pass()
    assert len(sweep.pumps.told) == 1
    assert sweep.sky.asked[0] == "p-0002", "it drifted lately, and goes first"


async def test_news_that_could_not_be_delivered_is_told_at_the_next_look() -> None:
    sweep = Sweeping(book=Book(p_0002=commanded(Mode.MAX)), pumps=Pumps(failing=["p-0002"]))
    assert (await sweep.a_pass()).told == 0
    sweep.pumps.failing.clear()
    assert (await sweep.next_pass()).told == 1
    assert [pump_id for pump_id, _ in sweep.pumps.told] == ["p-0002"]


async def test_a_pump_without_a_workflow_takes_no_news_which_is_no_failure_and_stays_news_for_its_next() -> None:
    sweep = Sweeping(book=Book(p_0002=commanded(Mode.MAX)), pumps=Pumps(retired=["p-0002"]))
    assert (await sweep.a_pass()).told == 0
    await sweep.next_pass()
    assert len(sweep.pumps.told) == 2


async def test_a_pump_that_the_cloud_calls_disconnected_twice_is_silent_and_costs_no_call() -> None:
    sweep = Sweeping()
    sweep.sky.disconnected = {"p-0003"}
    await sweep.a_pass()
    assert sweep.pumps.told == [], "vendors flap"
    assert "p-0003" in sweep.sky.asked
    await sweep.next_pass()
    assert [(pump_id, seen.silent) for pump_id, seen in sweep.pumps.told] == [("p-0003", True)]
    assert sorted(sweep.sky.asked) == ["p-0001", "p-0002", "p-0004"]
    sweep.sky.disconnected = set()
    await sweep.next_pass()
    assert [(pump_id, seen.silent) for pump_id, seen in sweep.pumps.told[1:]] == [("p-0003", False)]


@pytest.mark.parametrize("how", ["offline", "stale"])
def test_an_offline_or_stale_pump_is_silent_and_its_old_setting_is_not_believed(how: str) -> None:
    sky = Sky({"p-0002": Offline("not connected")} if how == "offline" else None)
    if how == "stale":
        sky.readings["p-0002"] = a_reading(9.0, at(5))
    sweep = Sweeping(sky)
    asyncio.run(sweep.a_pass())
    ((pump_id, seen),) = sweep.pumps.told
    assert (pump_id, seen.silent, seen.levers) == ("p-0002", True, ())
    assert sweep.book.kept["p-0002"].is_silent


class BulkSky(Sky):
    """A vendor that tells of all units of an account in one call."""

    def __init__(self, failing: Mapping[str, OemError] | None = None) -> None:
        super().__init__(failing)
        self.bulk_calls = 0

    async def observe_account(self, account_id: str, now: datetime) -> Mapping[str, Reading | OemError]:
        self.bulk_calls += 1
        if self.refusal is not None:
            raise self.refusal
        return {i: self.failing.get(i, self.readings.get(i, FRESH)) for i in FLEET[:3]}


async def test_a_vendor_that_tells_of_a_whole_account_is_asked_once_for_all_its_pumps() -> None:
    sweep = Sweeping(BulkSky({"p-0002": Offline("not connected")}), Book(p_0001=commanded(Mode.MAX)))
    sweep.book.grant = 1.0
    await sweep.a_pass()
    assert isinstance(sweep.sky, BulkSky)
    assert (sweep.sky.bulk_calls, sweep.sky.asked, sweep.sky.connection_calls) == (1, [], 0)
    assert sorted(sweep.book.stored) == ["p-0001", "p-0003"]
    assert {(pump_id, seen.silent) for pump_id, seen in sweep.pumps.told} == {("p-0001", False), ("p-0002", True)}
    assert sweep.book.kept["p-0004"].unanswered == 1, "the answer did not mention it"


async def test_an_account_whose_one_call_fails_says_nothing_of_its_pumps() -> None:
    sky = BulkSky()
    sky.refusal = Malformed("?")
    sweep = Sweeping(sky)
    await sweep.a_pass()
    assert sky.bulk_calls == 1
    assert sweep.pumps.told == []
    assert {record.unanswered for record in sweep.book.kept.values()} == {1}


@pytest.mark.parametrize("failure", [Malformed("?"), Unavailable("500")])
async def test_a_failure_says_nothing_of_the_pump_and_does_not_stop_the_pass(failure: OemError) -> None:
    sweep = Sweeping(Sky({"p-0001": failure}))
    sweep.book.grant = 240.0  # so that the account's pause shows in the order of things
    await sweep.a_pass()
    assert sorted(sweep.sky.asked) == list(FLEET)
    assert sweep.pumps.told == []
    assert sweep.book.kept["p-0001"].unanswered == 1


@pytest.mark.parametrize("failure", [Malformed("?"), Rejected("no such device (404)"), Unavailable("500")])
@pytest.mark.parametrize("as_of", [at(5, 20), None], ids=["long ago", "never"])
async def test_a_pump_that_tells_nothing_look_after_look_is_silent_and_told_once(
    failure: OemError, as_of: datetime | None
) -> None:
    sweep = Sweeping(fleet=FLEET[:2])
    sweep.book.kept["p-0002"] = WatchRecord(
        pump_id="p-0002", looked_at=at(5, 30), as_of=as_of, unanswered_since=None if as_of else at(5, 20)
    )
    sweep.sky.failing["p-0002"] = failure
    await sweep.a_pass()
    assert sweep.pumps.told == [], "a single look may fail"
    for _ in range(2):
        await sweep.next_pass()
        assert [(pump_id, seen.silent) for pump_id, seen in sweep.pumps.told] == [("p-0002", True)]
    assert sweep.book.kept["p-0002"].is_silent
    sweep.sky.failing.clear()
    await sweep.next_pass()
    assert [(pump_id, seen.silent) for pump_id, seen in sweep.pumps.told[1:]] == [("p-0002", False)]


async def test_a_pump_whose_last_reading_still_holds_is_not_silent_however_many_looks_fail() -> None:
    sweep = Sweeping(fleet=FLEET[:1])
    await sweep.a_pass()
    sweep.sky.failing["p-0001"] = Malformed("?")
    for _ in range(3):
        await sweep.next_pass()
    assert sweep.book.kept["p-0001"].unanswered == 3
    assert sweep.pumps.told == []


async def test_refused_credentials_say_nothing_of_a_pump() -> None:
    sweep = Sweeping(Sky({"p-0001": AuthExpired("no")}), fleet=FLEET[:1])
    had = WatchRecord(pump_id="p-0001", looked_at=at(5, 30), as_of=at(5, 20), unanswered=1)
    sweep.book.kept["p-0001"] = had
    await sweep.a_pass()
    assert sweep.sky.asked == ["p-0001"]
    assert sweep.pumps.told == []
    assert sweep.book.kept["p-0001"] == had


async def test_an_account_whose_credentials_are_refused_is_left_alone_until_the_next_pass() -> None:
    sky = Sky(dict.fromkeys(FLEET, AuthExpired("no")))
    sweep = Sweeping(sky)
    sweep.book.grant = 6.0  # a third of a wall second from look to look
    await sweep.a_pass()
    assert len(sky.asked) < len(FLEET)
    assert sweep.book.kept == {}


@pytest.mark.parametrize("refused", ["look", "connections"])
async def test_a_sweep_that_finds_an_account_s_credentials_refused_asks_a_person(refused: str) -> None:
    sweep = Sweeping(Sky(dict.fromkeys(FLEET, AuthExpired("no consent"))))
    if refused == "connections":
        sweep.sky.refusal = AuthExpired("no consent")
    await sweep.a_pass()
    assert set(sweep.book.asks) == {("nibe-main", "no consent")}
    assert (sweep.sky.asked == []) is (refused == "connections"), "after the first refusal each call is one in vain"


async def test_a_used_up_budget_is_waited_out_and_the_pump_is_looked_at_then() -> None:
    sky = Sky({"p-0001": RateLimited("used up", retry_at=NOW + timedelta(seconds=20))})
    begun = asyncio.get_running_loop().time()
    moments: list[float] = []

    def ask(pump_id: str) -> None:
        moments.append(asyncio.get_running_loop().time() - begun)
        if len(moments) > 1:
            sky.failing.clear()

    sky.on_ask = ask
    sweep = Sweeping(sky, fleet=FLEET[:1])
    await sweep.a_pass()
    assert sky.asked == ["p-0001", "p-0001"]
    assert moments[1] >= 0.3, "20 steered seconds are a third of a wall second here"
    assert sweep.book.kept["p-0001"].unanswered == 0


async def test_a_cloud_that_asks_to_be_left_alone_is_not_asked_for_the_account_s_other_pumps_before() -> None:
    sky = Sky({"p-0001": Unavailable("503", retry_at=NOW + timedelta(seconds=45))})
    sweep = Sweeping(sky, fleet=FLEET[:2])
    sweep.book.grant = 60.0  # a look every two steered seconds
    begun = asyncio.get_running_loop().time()
    moments: list[float] = []
    sky.on_ask = lambda _: moments.append(asyncio.get_running_loop().time() - begun)
    await sweep.a_pass()
    assert sky.asked == ["p-0001", "p-0002"]
    assert moments[1] >= 0.7, "45 steered seconds are three quarters of a wall second here, the usual pause a third"


async def test_nothing_is_read_while_the_breaker_is_open() -> None:
    sweep = Sweeping()
    sweep.book.open_looks = 2
    asked_while_open: list[int] = []
    sweep.sky.on_ask = lambda _: asked_while_open.append(sweep.book.open_looks)
    swept = await sweep.a_pass()
    assert swept.looks == 4
    assert all(left < 0 for left in asked_while_open)
    assert sweep.sky.connection_calls <= 1


async def test_an_open_breaker_is_probed_once_in_a_while_though_nobody_commands_anything() -> None:
    sweep = Sweeping()
    sweep.book.open_looks = 10
    await sweep.a_pass()
    assert 2 <= sweep.sky.connection_calls <= 4, "ten minutes hold two probes; one call asks for connections"


async def test_looks_keep_the_pace_that_the_grant_allows() -> None:
    sweep = Sweeping()
    sweep.book.grant = 60.0  # a look every two steered seconds
    begun = asyncio.get_running_loop().time()
    moments: list[float] = []
    sweep.sky.on_ask = lambda _: moments.append(asyncio.get_running_loop().time() - begun)
    await sweep.a_pass()
    assert moments[-1] >= 0.09, "six steered seconds are a tenth of a wall second here"


async def test_a_pump_that_its_own_verification_just_read_is_judged_by_that_reading() -> None:
    opened = commanded(Mode.MAX, CommandState.ACCEPTED, at=at(5, 56), expires_at=at(8))
    sweep = Sweeping(book=Book(p_0001=opened, p_0002=opened))
    sweep.book.stored["p-0001"] = [a_reading(0.0, at(5, 57))]
    await sweep.a_pass()
    assert sorted(sweep.sky.asked) == ["p-0002", "p-0003", "p-0004"], "nobody has read the second for a while"
    assert sorted(sweep.book.kept) == list(FLEET)
    assert sweep.pumps.told == []


async def test_another_attempt_goes_on_in_the_pass_and_hour_where_the_last_was_lost() -> None:
    first = Sweeping(fleet=FLEET[:2])
    env = an_attempt((NOW + timedelta(seconds=1)).isoformat(), NOW.isoformat())
    await first.a_pass(env)
    assert first.beats[-1][0] == (NOW + timedelta(seconds=1)).isoformat()
    second = Sweeping(book=first.book)
    swept = await second.a_pass()
    assert sorted(second.sky.asked) == ["p-0003", "p-0004"]
    assert swept.next_pass_at == NOW + PASS


async def test_a_worker_that_is_asked_to_stop_hands_the_sweep_on_at_once() -> None:
    sweep = Sweeping()
    env = an_attempt((NOW + timedelta(hours=1)).isoformat(), (NOW + timedelta(hours=1)).isoformat())
    running = asyncio.create_task(sweep.a_pass(env))
    await asyncio.sleep(0.05)
    env.worker_shutdown()
    with pytest.raises(ApplicationError) as later:
        await asyncio.wait_for(running, HANG_S)
    assert later.value.category is ApplicationErrorCategory.BENIGN
    assert sweep.beats[-1] == ((NOW + timedelta(hours=1)).isoformat(), (NOW + timedelta(hours=1)).isoformat())


async def test_evidence_makes_an_applied_command_effective_without_a_signal() -> None:
    sent = commanded(Mode.MAX, at=at(5, 5), sent_at=at(5), setting=3.0)
    sweep = Sweeping(book=Book(p_0001=sent))

    def reading(minute: int, setting: float, supply_c: float, compressor_hz: float) -> Reading:
        shown = {"supply_c": supply_c, "compressor_hz": compressor_hz}
        return a_reading(setting, at(4, minute)).model_copy(update=shown)

    sweep.book.stored["p-0001"] = [
        *(reading(minute, 0.0, 35.0, 60.0) for minute in (15, 30, 45)),
        *(reading(60 + minute, 3.0, 39.0, 90.0) for minute in (4, 20, 35, 50)),
    ]
    sweep.sky.readings["p-0001"] = reading(119, 3.0, 39.0, 90.0)
    await sweep.a_pass()
    assert [(e.kind, e.command_id, e.reason) for e in sweep.commands.events] == [
        (EventKind.EFFECTIVE, "p-0001-c00001", "supply 35.0 -> 39.0 C, compressor 60 -> 90 Hz")
    ]
    assert sweep.pumps.told == []


async def test_an_unverified_command_is_settled_in_the_ledger_and_its_pump_is_told() -> None:
    sweep = Sweeping(book=Book(p_0001=commanded(Mode.LOW, CommandState.UNVERIFIED, setting=0.0)))
    await sweep.a_pass()
    assert [(e.kind, e.setting) for e in sweep.commands.events] == [(EventKind.APPLIED, 0.0)]
    assert [pump_id for pump_id, _ in sweep.pumps.told] == ["p-0001"]
