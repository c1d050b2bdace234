"""The sweep over a vendor's pumps: one long activity that reads each in turn and reports what is news.

Protects: what a sweep costs a vendor stays within its share; while a breaker is open nothing is read; another attempt
goes on in the pass where the last one was lost.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from temporalio import activity

from activities.attempt import ask
from activities.steered import not_yet, steered_now
from activities.sweep_reporting import Judge, SweepPorts, SweepRead
from activities.vendor_energy import VendorEnergy
from domain.base import Instant, Value
from domain.clock import SteeringClock
from domain.homes.enrolment import PumpProfile
from domain.oem.breaker import BreakerState
from domain.oem.errors import AuthExpired, OemError, Offline, RateLimited, Unavailable
from domain.oem.ports import BulkReader
from domain.steering.sweep_policy import (
    FRESH_READING,
    LOOKS_DISCONNECTED,
    PASS,
    Expected,
    gap_between,
    is_risky,
    reading_order,
    worth_asking_connections,
)

log = structlog.get_logger(__name__)

SWEEP_LASTS = timedelta(hours=1)
AT_A_TIME = 8
"""Looks under way at once: enough that answers of a slow cloud do not hold the pace up."""
JUDGED_AT_A_TIME = 16
JUDGED_EVERY = timedelta(minutes=1)
"""The longest that anything seen waits before its pump's workflow is signalled."""
LEFT_ALONE = (BreakerState.OPEN, BreakerState.HELD)
PROBE_EVERY = timedelta(minutes=4)
"""Beside the trickle of commands this stays below two calls a minute."""
BREAKER_LOOK = timedelta(minutes=1)
FIRST_PAUSE = timedelta(seconds=20)
LONGEST_PAUSE = timedelta(minutes=2)
"""After a vendor did not answer for one pump, before the next pump of the account is tried."""
BEAT_WALL_S = 0.5


class SweepVendor(Value):
    """Look at every steered pump of one vendor, pass after pass, for about an hour."""

    clock: SteeringClock
    oem: str
    due_at: Instant | None = None
    """When the first pass is due; None for at once."""


class Swept(Value):
    """What a sweep did in its hour."""

    next_pass_at: Instant
    passes: int = 0
    looks: int = 0
    told: int = 0


class WatchActivities:
    """The sweep."""

    def __init__(self, ports: SweepPorts) -> None:
        self._ports = ports
        self._energy = {
            oem: VendorEnergy(adapter, ports.energy, ports.home_tz_of) for oem, adapter in ports.adapters.items()
        }

    @activity.defn
    async def sweep_vendor(self, given: SweepVendor) -> Swept:
        """Sweep for an hour of steered time; another attempt goes on in the pass where the last one was lost.

        Ends early, to be tried again at once elsewhere, when the worker is asked to stop.
        """
        return await _Sweep(given, self._ports, self._energy[given.oem]).run()


@dataclass
class _Account:
    """What is still to be read through one account in this pass."""

    account_id: str
    waiting: deque[PumpProfile]
    gap: timedelta
    next_at: datetime
    failures: int = 0


class _Sweep:
    """One attempt at an hour of sweeping."""

    def __init__(self, given: SweepVendor, ports: SweepPorts, energy: VendorEnergy) -> None:
        self._given = given
        self._ports = ports
        self._energy = energy
        self._adapter = ports.adapters[given.oem]
        self._now = steered_now(given.clock)
        now = self._now()
        said = activity.info().heartbeat_details
        self._ends_at = datetime.fromisoformat(said[0]) if said else now + SWEEP_LASTS
        self._pass_at = datetime.fromisoformat(said[1]) if said else given.due_at or now
        self._judge = Judge(ports, self._adapter.timing, self._now)
        self._disconnected: dict[str, bool] = {}
        self._breaker_seen_at: datetime | None = None
        self._account_ids: list[str] = []
        self._next_at: dict[str, datetime] = {}
        """When the next call of each account was due at the end of the last pass."""
        self._probed_at = now
        self._passes = 0

    async def run(self) -> Swept:
        async with self._beating():
            # Before steered time runs, a vendor's minute does not end and its grant does not come back.
            await self._sleep_until(self._given.clock.epoch + timedelta(seconds=1))
            while True:
                await self._sleep_until(self._pass_at)
                await self._pass()
                self._passes += 1
                self._pass_at += PASS * max(1, (self._now() - self._pass_at) // PASS)
                if self._pass_at >= self._ends_at:
                    return Swept(
                        next_pass_at=self._pass_at, passes=self._passes, looks=self._judge.looks, told=self._judge.told
                    )

    # --- one pass -------------------------------------------------------------------------------------------------

    async def _pass(self) -> None:
        profiles = {p.enrolment.pump_id: p for p in await self._ports.pumps.active() if p.enrolment.oem == self._oem}
        ids = list(profiles)
        self._disconnected = {}
        await self._judge.remember(ids)
        await self._energy.remember(list(profiles.values()))
        expected = await self._ports.watching.expected(ids)
        due = {i: p for i, p in profiles.items() if i not in self._judge.records or self._looked_at(i) < self._pass_at}
        looks = await self._read_by_their_verification(due, expected)
        accounts = await self._accounts(
            profiles, {i for i in due if i not in {look.pump_id for look in looks}}, expected
        )
        judged_at = self._now()
        while any(account.waiting for account in accounts.values()) and self._now() < self._pass_at + PASS:
            if not await self._may_read():
                break
            looks += await self._look_at_some(accounts)
            if len(looks) >= JUDGED_AT_A_TIME or self._now() - judged_at >= JUDGED_EVERY:
                await self._judge.judge(looks, self._disconnected)
                looks, judged_at = [], self._now()
            self._stop_if_asked()
        self._next_at |= {account.account_id: account.next_at for account in accounts.values()}
        await self._judge.judge(looks, self._disconnected)
        await self._judge.promote(ids)

    async def _read_by_their_verification(
        self, due: Mapping[str, PumpProfile], expected: Mapping[str, Sequence[Expected]]
    ) -> list[SweepRead]:
        """A pump whose open command was verified just now needs no read; its reading is judged as any other."""
        now = self._now()
        being_verified = [i for i in due if any(e.is_open(now) for e in expected.get(i, ()))]
        newest = await self._ports.observations.newest(being_verified) if being_verified else {}
        return [
            SweepRead(due[pump_id], reading)
            for pump_id, reading in newest.items()
            if now - reading.as_of <= FRESH_READING
        ]

    async def _accounts(
        self, profiles: Mapping[str, PumpProfile], due: set[str], expected: Mapping[str, Sequence[Expected]]
    ) -> dict[str, _Account]:
        """What each account has to read, in order, and its pace."""
        by_account: dict[str, list[str]] = {}
        for pump_id, profile in profiles.items():
            by_account.setdefault(profile.enrolment.account_id, []).append(pump_id)
        self._account_ids = list(by_account)
        grants = await self._ports.watching.grants(self._oem)
        now = self._now()
        accounts: dict[str, _Account] = {}
        for account_id, pump_ids in by_account.items():
            gap = gap_between(self._adapter.timing.observe_calls, grants.get(account_id))
            risky = {
                i: is_risky(profiles[i], expected.get(i, ()), self._judge.records.get(i), now)
                for i in pump_ids
                if i in due
            }
            looked_at = {i: self._looked_at(i) for i in risky if i in self._judge.records}
            order = reading_order(risky, looked_at, max(1, int(PASS / gap)))
            newest = max((self._looked_at(i) for i in pump_ids if i in self._judge.records), default=None)
            # A pass may hold fewer than one read of a small daily quota: the pace goes on from pass to pass.
            next_at = max(now, self._next_at.get(account_id, now), newest + gap if newest is not None else now)
            account = _Account(account_id, deque(profiles[i] for i in order), gap, next_at)
            accounts[account_id] = account
            await self._ask_connections(account, [profiles[i] for i in pump_ids])
        return accounts

    async def _ask_connections(self, account: _Account, profiles: Sequence[PumpProfile]) -> None:
        records = [self._judge.records.get(p.enrolment.pump_id) for p in profiles]
        pass_no = (self._pass_at - self._given.clock.epoch) // PASS
        if isinstance(self._adapter, BulkReader):
            return  # its one call says as much
        if not account.waiting or not worth_asking_connections(records, pass_no) or account.next_at > self._now():
            return
        if not await self._may_read():
            return
        account.next_at = self._now() + account.gap
        try:
            connected = await self._adapter.connections(account.account_id, self._now())
        except OemError as error:
            await self._failed(account, error)
            return
        for profile in profiles:
            e = profile.enrolment
            if e.vendor_ref in connected:
                self._disconnected[e.pump_id] = not connected[e.vendor_ref]

    # --- looking --------------------------------------------------------------------------------------------------

    async def _look_at_some(self, accounts: Mapping[str, _Account]) -> list[SweepRead]:
        """Look at the few pumps that are due, or at all of an account at once, or wait until the next one is."""
        now = self._now()
        if isinstance(self._adapter, BulkReader):
            due = [account for account in accounts.values() if account.waiting and account.next_at <= now]
            if due:
                found = await asyncio.gather(*(self._look_at_all(self._adapter, one) for one in due[:AT_A_TIME]))
                return [look for looks in found for look in looks]
        some: list[tuple[_Account, PumpProfile]] = []
        for account in accounts.values():
            while account.waiting and account.next_at <= now and len(some) < AT_A_TIME:
                some.append((account, account.waiting.popleft()))
                account.next_at += account.gap
        if some:
            return [look for look in await asyncio.gather(*(self._look(*one) for one in some)) if look is not None]
        next_at = min(account.next_at for account in accounts.values() if account.waiting)
        await self._sleep_until(min(next_at, now + JUDGED_EVERY, self._pass_at + PASS))
        return []

    async def _look_at_all(self, adapter: BulkReader, account: _Account) -> list[SweepRead]:
        """One read of all pumps of an account; empty where the account must wait and the pumps with it."""
        now = self._now()
        account.next_at = now + account.gap
        profiles = list(account.waiting)
        account.waiting.clear()
        try:
            told = await adapter.observe_account(account.account_id, now)
        except (RateLimited, AuthExpired) as error:
            account.waiting.extend(profiles)
            await self._failed(account, error)
            return []
        except OemError as error:
            log.info("account not read", account_id=account.account_id, reason=f"{type(error).__name__}: {error}")
            await self._failed(account, error)
            return [SweepRead(profile) for profile in profiles]
        account.failures = 0
        looks = [SweepRead.of(profile, told.get(profile.enrolment.vendor_ref)) for profile in profiles]
        for look in looks:
            await self._take_energy(account, look)
        return looks

    async def _look(self, account: _Account, profile: PumpProfile) -> SweepRead | None:
        """One read; None where the account must wait and the pump with it."""
        pump_id = profile.enrolment.pump_id
        record = self._judge.records.get(pump_id)
        times = record.disconnected if record is not None else 0
        if self._disconnected.get(pump_id) and times + 1 >= LOOKS_DISCONNECTED:
            return SweepRead(profile, is_silent=True)
        try:
            reading = await self._adapter.observe(profile.address, profile.heating.name, self._now())
        except Offline:
            return SweepRead(profile, is_silent=True)
        except (RateLimited, AuthExpired) as error:  # ours or the account's trouble: it says nothing of the pump
            account.waiting.appendleft(profile)
            await self._failed(account, error)
            return None
        except OemError as error:
            log.info("pump not read", pump=pump_id, reason=f"{type(error).__name__}: {error}")
            await self._failed(account, error)
            return SweepRead(profile)
        account.failures = 0
        look = SweepRead(profile, reading)
        await self._take_energy(account, look)
        return look

    async def _take_energy(self, account: _Account, look: SweepRead) -> None:
        """What the vendor counted of a unit that was just read.

        Calls of its own do not put the next read off: they are few, once a day, and fit into what a sweep leaves free.
        """
        now = self._now()
        if look.reading is None or not self._energy.is_due(look.profile, now):
            return
        error = await self._energy.take(look.profile, now)
        if error is not None:
            await self._failed(account, error)

    async def _failed(self, account: _Account, error: OemError) -> None:
        """What a failure means for the other pumps of the account."""
        now = self._now()
        match error:
            case RateLimited(retry_at=retry_at):
                account.next_at = max(account.next_at, retry_at, now + timedelta(seconds=1))
            case AuthExpired():
                account.waiting.clear()  # a person must renew the credentials; until then each call is one in vain
                await ask(self._ports.vendors, account.account_id, error, now)
            case Unavailable(retry_at=retry_at):
                account.failures += 1
                self._breaker_seen_at = None  # it may have opened just now: ask before the next call, not in a minute
                pause = min(FIRST_PAUSE * 2 ** min(account.failures - 1, 8), LONGEST_PAUSE)
                account.next_at = max(account.next_at, now + pause, retry_at or now)
            case _:
                pass

    # --- time -----------------------------------------------------------------------------------------------------

    async def _may_read(self) -> bool:
        """Wait while the vendor is left alone, asked at most once a minute; False where the pass is over then.

        An open breaker learns from calls only, and a fleet may have no command for it: so one call in a while is made
        here to find out.
        """
        now = self._now()
        if self._breaker_seen_at is not None and now - self._breaker_seen_at < BREAKER_LOOK:
            return True
        found_at = now  # what it was open for before, commands have tried already
        while (state := await self._breaker_state()) in LEFT_ALONE:
            if self._now() >= self._pass_at + PASS:
                return False
            if state is BreakerState.OPEN and self._now() >= max(self._probed_at, found_at) + PROBE_EVERY:
                await self._probe()
            await self._sleep_until(self._now() + BREAKER_LOOK)
        self._breaker_seen_at = self._now()
        return True

    async def _breaker_state(self) -> BreakerState:
        known = await self._ports.vendors.newest_breaker(self._oem, self._now())
        return BreakerState.CLOSED if known is None else known.state

    async def _probe(self) -> None:
        """One cheap call, whose fate the adapter reports."""
        self._probed_at = self._now()
        if self._account_ids:
            with contextlib.suppress(OemError):
                await self._adapter.connections(self._account_ids[0], self._now())

    async def _sleep_until(self, moment: datetime) -> None:
        while (left := moment - self._now()) > timedelta():
            wall_s = self._given.clock.wall_duration(left).total_seconds()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(activity.wait_for_worker_shutdown(), min(max(wall_s, 0.005), BEAT_WALL_S))
            self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        if activity.is_worker_shutdown():
            self._beat()
            raise not_yet("the worker is stopping", timedelta(seconds=1), self._given.clock)

    @contextlib.asynccontextmanager
    async def _beating(self) -> AsyncIterator[None]:
        """Say that it lives while a call or a query lasts; the SDK thins it out."""

        async def beat() -> None:
            while True:
                self._beat()
                await asyncio.sleep(BEAT_WALL_S)

        beating = asyncio.create_task(beat())
        try:
            yield
        finally:
            beating.cancel()

    def _beat(self) -> None:
        activity.heartbeat(self._ends_at.isoformat(), self._pass_at.isoformat())

    def _looked_at(self, pump_id: str) -> datetime:
        return self._judge.records[pump_id].looked_at

    @property
    def _oem(self) -> str:
        return self._given.oem
