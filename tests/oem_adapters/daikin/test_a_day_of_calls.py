"""A day and a night of sweeps and commands against the fake cloud in simulated time: its 200 calls are never used up.

Protects: of 200 calls a day at most 180 are used, reads and commands together, and none is ever refused by the cloud.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from domain.oem.carrying import pumps_with_room
from domain.oem.errors import RateLimited
from domain.oem.lever import Lever
from domain.oem.quota import QuotaScope, paces_per_min
from domain.oem.units import PumpAddress
from domain.steering.sweep_policy import PASS, gap_between
from oem_adapters.daikin import MANIFEST, DaikinOnecta
from oem_adapters.daikin.manifest import TIMING
from simulator.app import build_app
from simulator.homes.fleet import SimulatedFleet
from tests.oem_adapters.vault import VaultInMemory, a_token
from tests.simulator.builders import EPOCH, ManualClock
from tests.simulator.conftest import CLIENT, MakeFleet, make_fleet  # noqa: F401 -- a fixture

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ACCOUNT = "daikin-home-0001"
CONSENTED = "a-consent"


@dataclass
class Change:
    """A change of a lever that is written, and looked at until it is seen."""

    pump: PumpAddress
    lever: Lever
    setting: float
    due: datetime
    urgent: bool
    is_written: bool = False
    seen_at: datetime | None = None

    async def step(self, adapter: DaikinOnecta, now: datetime) -> None:
        if self.seen_at is not None or now < self.due:
            return
        try:
            if not self.is_written:
                await adapter.write(self.pump, self.lever.name, self.setting, now, urgent=self.urgent)
                self.is_written, self.due = True, now + TIMING.usual_delay
                return
            reading = await adapter.read(self.pump, self.lever.name, now, urgent=self.urgent)
            self.seen_at = now if reading.setting_of(self.lever.name) == self.setting else None
            self.due = now + TIMING.look_again
        except RateLimited as refused:
            self.due = refused.retry_at


@dataclass
class Day:
    """An account that is swept, and whose units are changed."""

    clock: ManualClock
    adapter: DaikinOnecta
    answers: list[tuple[datetime, int]] = field(default_factory=list)
    """When the API was called, with expired tokens too, and the status of its answer."""
    sweeps: list[datetime] = field(default_factory=list)

    async def live(self, until: datetime, changes: Sequence[Change]) -> None:
        quotas = {ACCOUNT: MANIFEST.quotas}
        gap = gap_between(TIMING.observe_calls, paces_per_min(quotas, {})[ACCOUNT])
        sweep_due = self.clock.now
        while self.clock.now < until:
            now = self.clock.now
            if now >= sweep_due:
                sweep_due = now + max(gap, PASS)
                try:
                    await self.adapter.observe_account(ACCOUNT, now)
                    self.sweeps.append(now)
                except RateLimited as refused:
                    sweep_due = max(sweep_due, refused.retry_at)
            for change in changes:
                await change.step(self.adapter, now)
            self.clock.forward(minutes=1)

    @property
    def most_in_a_day(self) -> int:
        times = [at for at, _ in self.answers]
        return max(sum(begin <= at < begin + DAY for at in times) for begin in times)


@asynccontextmanager
async def a_day(fleet: SimulatedFleet, clock: ManualClock) -> AsyncIterator[Day]:
    answers: list[tuple[datetime, int]] = []

    async def note(response: httpx.Response) -> None:
        if "gateway-devices" in response.request.url.path:
            answers.append((clock.now, response.status_code))

    vault = VaultInMemory("http://simulator", CLIENT["client_id"], CLIENT["client_secret"], MANIFEST)
    vault.tokens[ACCOUNT] = a_token("none", CONSENTED)
    transport = httpx.ASGITransport(build_app(fleet, asyncio.Event()))
    async with httpx.AsyncClient(transport=transport, event_hooks={"response": [note]}) as client:
        yield Day(clock, DaikinOnecta(client, vault), answers)


def homes_of(fleet: SimulatedFleet) -> list[PumpAddress]:
    return [
        PumpAddress(
            pump_id=home.unit.pump_id, oem="daikin", account_id=ACCOUNT, vendor_ref=home.unit.identity.vendor_ref
        )
        for home in fleet.homes
    ]


@pytest.mark.parametrize(("homes", "hours", "is_enough"), [(1, 26, True), (5, 26, False)])
async def test_a_day_of_sweeps_and_commands_uses_at_most_180_of_200_calls(
    make_fleet: MakeFleet,  # noqa: F811
    tmp_path: Path,
    homes: int,
    hours: int,
    is_enough: bool,
) -> None:
    clock = ManualClock()
    given = {"vendors": ["daikin"], "pumps": homes, "units_per_account": homes, "refresh_tokens": [CONSENTED]}
    fleet = make_fleet(clock, folder=tmp_path, **given, **CLIENT)
    clock.forward(minutes=5)
    async with a_day(fleet, clock) as day:
        changes: list[Change] = []
        for number, pump in enumerate(homes_of(fleet)):
            lever = (await day.adapter.capability(pump, clock.now)).heating
            for change in range(10):
                setting = lever.nearest(lever.baseline + (1.0 if change % 2 == 0 else 0.0))
                due = EPOCH + timedelta(hours=1 + 2.4 * change, minutes=7 * number)
                changes.append(Change(pump, lever, setting, due, urgent=change == 5))
        await day.live(EPOCH + timedelta(hours=hours), changes)
    assert {status for _, status in day.answers} <= {200, 204, 401}, "the cloud never had to refuse"
    assert day.most_in_a_day <= 180
    if is_enough:
        assert all(change.seen_at is not None for change in changes), "eight changes and more have room in a day"
        assert day.most_in_a_day <= 160, "and leave the reserve alone"
    else:
        assert day.most_in_a_day > 150, "what is granted is used"
        assert sum(change.seen_at is not None for change in changes) > 15
        assert len(day.sweeps) > 60, "and a sweep still reads all units with each call"


def test_with_the_quota_per_application_a_fleet_is_told_how_many_homes_it_carries() -> None:
    per_application = MANIFEST.counted_per(QuotaScope.CLIENT)
    carried, scope = pumps_with_room(per_application.quotas, TIMING.observe_calls, of_account=0, of_client=0)
    assert (carried, scope) == (3, QuotaScope.CLIENT)
    assert pumps_with_room(per_application.quotas, TIMING.observe_calls, 0, of_client=3) == (0, QuotaScope.CLIENT)
    each, scope = pumps_with_room(
        MANIFEST.quotas, TIMING.observe_calls, of_account=0, of_client=20, reads_accounts=TIMING.reads_accounts
    )
    assert (each, scope) == (5, QuotaScope.ACCOUNT), "twenty households with an account each are carried"
