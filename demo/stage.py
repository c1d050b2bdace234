"""Sets an embedded stack up to steer simulated pumps: migrations, search attributes, clock, simulator, enrolment.

It belongs to the demo, not to `embedded`: that starts processes and knows no use case, while everything here is about
the simulated fleet. `up` is the same fleet at wall time.

Protects: the demo and `up` are the same stack; only clock, durability and patience differ.
"""

import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography.fernet import Fernet
from pydantic import SecretStr

from application.access import Access
from application.fleet.enrolment import enrol
from application.namespace import register_search_attributes
from application.standing_work import start_watchers
from demo.consents import consent_of
from demo.errors import DemoFailed
from demo.simulator_client import SimulatorClient
from demo.watching import serving_figures, start_watched_worker
from domain.clock import SteeringClock
from domain.homes.enrolment import Enrolment
from embedded.children import Child
from embedded.stack import Stack
from embedded.stack_file import KEY_FILE
from ledger.database import migrate
from oem_adapters.registry import build_adapter, manifest_of
from simulator.faults.outages import Outage
from simulator.vendors.registry import VENDORS
from worker_environment import Settings, connect_temporal, open_ledger, settings_from_environment
from workflows.contracts import UNDISTURBED, Patience, patience_at

CLIENT_ID = "heatsteer-embedded"
CAP_SHARE = 0.8
"""The feeder carries this share of all pumps at full power."""
SPED_UP_HTTP_S = 1.5
"""Wall seconds of silence after which a vendor's answer is given up in a sped-up run."""
GRANT_PER_MIN = 25
"""Calls a minute granted to a fleet of twelve under one account; the simulator grants as many again for every twelve
pumps. Accounts of one household each have what their vendor publishes."""


@dataclass(frozen=True)
class Staging:
    """What world to set up."""

    pumps: int
    seed: int
    speed: float
    day: date
    epoch: datetime
    tz: str = "Europe/Berlin"
    price_area: str = "DE-LU"
    vendors: tuple[str, ...] = ()
    """Whose units hang in the homes, in turn; the first simulated vendor's where none is named."""
    lead: timedelta = timedelta()
    """Wall time before steered time begins to run."""
    prices_file: Path | None = None
    weather_file: Path | None = None
    faults: Mapping[str, float] = field(default_factory=dict)
    outages: tuple[Outage, ...] = ()
    is_undisturbed: bool = False
    """Whether nobody kills a worker meanwhile."""
    with_metrics: bool = False
    """Whether workers and this process serve metrics to Prometheus, on ports that `stack.json` names."""

    @property
    def oems(self) -> tuple[str, ...]:
        """The vendors of the fleet."""
        return self.vendors or (next(iter(VENDORS)),)

    @property
    def patience(self) -> Patience:
        """Wall-time limits that fit the speed."""
        return UNDISTURBED if self.is_undisturbed and self.speed > 1 else patience_at(self.speed)


def secret_keys(folder: Path) -> str:
    """The keys that seal vendor secrets in this stack; made at the first start, readable by the owner only."""
    path = folder / KEY_FILE
    if not path.exists():
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key())
    return path.read_text().strip()


async def prepare(stack: Stack) -> Mapping[str, str]:
    """Migrations and keys; returns the variables that lead to this stack."""
    environment = stack.environment()
    await migrate(environment["DATABASE_URL"])
    return environment | {"HEATSTEER_SECRET_KEYS": secret_keys(stack.folder)}


def make_clock(staging: Staging) -> SteeringClock:
    """A clock that starts a lead from now."""
    return SteeringClock(epoch=staging.epoch, start_wall=datetime.now(UTC) + staging.lead, speed=staging.speed)


async def start_world(stack: Stack, staging: Staging, clock: SteeringClock, client_secret: str) -> None:
    """Start the simulator with this world."""
    config: dict[str, Any] = {
        "clock": clock.model_dump(mode="json"),
        "seed": staging.seed,
        "pumps": staging.pumps,
        "vendors": list(staging.vendors),
        "tz": staging.tz,
        "price_area": staging.price_area,
        "day": staging.day.isoformat(),
        "faults": dict(staging.faults),
        "outages": [outage.model_dump(mode="json") for outage in staging.outages],
        "truth_file": str(stack.folder / "truth.jsonl"),
        "state_file": None if stack.options.ephemeral else str(stack.folder / "world.json"),
        "client_id": CLIENT_ID,
        "client_secret": client_secret,
        "rate_limit_per_min": granted_per_min(staging),
        "timeout_hold_s": 2 * SPED_UP_HTTP_S if staging.speed > 1 else 30.0,
        "prices_file": str(staging.prices_file.absolute()) if staging.prices_file else None,
        "weather_file": str(staging.weather_file.absolute()) if staging.weather_file else None,
    }
    await stack.start_simulator(config)


def granted_per_min(staging: Staging) -> int:
    """Calls a steered minute that the fake vendor grants this fleet."""
    return GRANT_PER_MIN * -(-staging.pumps // 12)


def simulator_url(stack: Stack) -> str:
    """Where the simulator serves."""
    ready = stack.simulator or {}
    return str(ready.get("url") or f"http://127.0.0.1:{ready['port']}")


def worker_environment(stack: Stack, staging: Staging) -> dict[str, str]:
    """What workers of this stack need beside its addresses."""
    url = simulator_url(stack)
    environment = {
        "HEATSTEER_SECRET_KEYS": secret_keys(stack.folder),
        "HEATSTEER_PRICE_URL": url,
        "HEATSTEER_WEATHER_URL": url,
    }
    if staging.speed > 1:
        environment |= {"HEATSTEER_HTTP_TIMEOUT_S": str(SPED_UP_HTTP_S), "HEATSTEER_STICKY_S": "1"}
    return environment


@dataclass(frozen=True)
class Stage:
    """A stack that is set up: its world runs, its namespace is prepared; workers and pumps come next."""

    stack: Stack
    staging: Staging
    access: Access
    world: SimulatorClient
    settings: Settings
    http: httpx.AsyncClient
    client_secret: str

    async def start_worker(self, role: str) -> Child:
        """One more worker process."""
        start = start_watched_worker if self.staging.with_metrics else Stack.start_worker
        return await start(self.stack, role, worker_environment(self.stack, self.staging))

    @contextlib.asynccontextmanager
    async def serving_metrics(self) -> AsyncIterator[None]:
        """Serve the fleet's figures meanwhile, where this world has metrics."""
        async with contextlib.AsyncExitStack() as opened:
            if self.staging.with_metrics:
                await opened.enter_async_context(serving_figures(self.stack, self.access))
            yield

    async def connect_accounts(self, sheet: Sequence[Enrolment] | None = None) -> None:
        """Connect every account of the sheet; a fake cloud forgets its consents when it is started anew."""
        sheet = await self.world.enrolment_sheet() if sheet is None else sheet
        for oem, account_id in sorted({(enrolment.oem, enrolment.account_id) for enrolment in sheet}):
            manifest = manifest_of(oem).at(self.world.url)
            account = manifest.account(account_id, CLIENT_ID, SecretStr(self.client_secret))
            token = await consent_of(self.http, account, manifest.authentication, self.access.now())
            await self.access.ledger.vault.add_account(account, self.access.now(), token)

    async def enrol_everybody(self, sheet: Sequence[Enrolment] | None = None, *, connect: bool = True) -> int:
        """Enrol the installers' sheet, by default the simulator's, and have it watched; returns how many pumps.

        Its accounts are connected first unless they are already. Raises DemoFailed where a pump cannot be enrolled.
        """
        sheet = await self.world.enrolment_sheet() if sheet is None else sheet
        if connect:
            await self.connect_accounts(sheet)
        oems = sorted({enrolment.oem for enrolment in sheet})
        pumps = 0
        for oem in oems:
            pumps += await self._enrol_of(oem, [enrolment for enrolment in sheet if enrolment.oem == oem])
        await start_watchers(self.access, self.staging.patience, oems)
        return pumps

    async def _enrol_of(self, oem: str, units: Sequence[Enrolment]) -> int:
        adapter = build_adapter(oem, self.http, self.access.ledger.vault, self.settings.timeouts())
        enrolled = await enrol(self.access, units, adapter, self.staging.patience)
        if enrolled.problems:
            first = next(iter(enrolled.problems.values()))
            raise DemoFailed(f"{len(enrolled.problems)} pumps could not be enrolled; the first: {first}")
        return len(enrolled.pumps)


@contextlib.asynccontextmanager
async def opened(
    stack: Stack, staging: Staging, clock: SteeringClock | None = None, client_secret: str | None = None
) -> AsyncIterator[Stage]:
    """Set a running stack up; without a `clock`, a new one begins to run a lead from now.

    The environment leads to this stack meanwhile, and is as before afterwards.
    """
    with environment(await prepare(stack)):
        clock = clock or make_clock(staging)
        stack.set_clock(clock)
        client_secret = client_secret or new_client_secret()
        await start_world(stack, staging, clock, client_secret)
        os.environ.update(worker_environment(stack, staging))
        settings = settings_from_environment()
        client = await connect_temporal()
        async with open_ledger(settings) as ledger, httpx.AsyncClient() as http:
            access = Access(client, ledger, clock, stack.temporal.ui_url)
            await register_search_attributes(client)  # before any worker starts
            world = SimulatorClient(http, simulator_url(stack))
            yield Stage(stack, staging, access, world, settings, http, client_secret)


@contextlib.contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """These variables while inside, and the environment as it was before afterwards."""
    before = dict(os.environ)
    try:
        os.environ.update(variables)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def new_client_secret() -> str:
    """A secret for the simulator's fake cloud, made for one run."""
    return secrets.token_urlsafe(24)
