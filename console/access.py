"""How a command finds the stack it speaks to: the environment first, then `var/stack.json`.

Protects: a command never speaks to another stack than the one it names in its errors.
"""

import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from temporalio.client import Client

from application.errors import Failed
from domain.clock import SteeringClock
from embedded.errors import StackError
from embedded.stack_file import STACK_FILE_NAME, find_stack
from ledger.history_queries import LedgerOrders, LedgerTrails
from ledger.reports import LedgerReports
from ledger.repositories import Repositories, open_repositories
from worker_environment import Settings, SetupError, connect_temporal, settings_from_environment

VAR = Path("var")
KEY_FILE = "secret-keys"
"""Inside a stack's folder: the keys its vendor secrets are sealed with, readable by the owner only."""


@dataclass(frozen=True)
class Access:
    """A running heatsteer."""

    client: Client
    ledger: Repositories
    reports: LedgerReports
    trails: LedgerTrails
    orders: LedgerOrders
    clock: SteeringClock
    ui_url: str | None

    def now(self) -> datetime:
        """Steered time."""
        return self.clock.steered(datetime.now(UTC))


def environment_of(folder: Path) -> dict[str, str]:
    """The variables that lead to the stack running in `folder`; raises Failed where none runs."""
    found = find_stack(folder)
    if found is None or not found.running:
        raise Failed(
            f"no stack runs in {folder}: start one with `heatsteer up`, or set DATABASE_URL and TEMPORAL_ADDRESS"
        )
    return dict(found.file.environment()) | {"HEATSTEER_SECRET_KEYS": (folder / KEY_FILE).read_text().strip()}


def running_folder(named: Path | None) -> Path:
    """The folder of the stack a command means: the one named, ./var, or the newest running one inside ./var."""
    if named is not None:
        return named
    for folder in stack_folders():
        with contextlib.suppress(StackError):  # a spoilt file of another stack hides no healthy one
            found = find_stack(folder)
            if found is not None and found.running:
                return folder
    return VAR


def stack_folders(root: Path = VAR) -> list[Path]:
    """Where stacks may live: ./var, then what is inside it, newest first."""
    inside = [folder for folder in root.glob("*/") if (folder / STACK_FILE_NAME).exists()]
    return [root, *sorted(inside, key=lambda folder: folder.stat().st_mtime, reverse=True)]


@contextlib.asynccontextmanager
async def reach(folder: Path | None = None) -> AsyncIterator[Access]:
    """Open a running heatsteer; raises Failed with a sentence where there is none."""
    clock, ui_url = None, None
    if folder is not None or "DATABASE_URL" not in os.environ:
        place = running_folder(folder)
        os.environ.update(environment_of(place))
        found = find_stack(place)
        assert found is not None
        clock, ui_url = found.file.clock, found.file.ui_url
    try:
        settings = settings_from_environment()
        client = await connect_temporal()
    except SetupError as error:
        raise Failed(str(error)) from error
    async with open_access(settings, client, clock, ui_url) as access:
        yield access


@contextlib.asynccontextmanager
async def open_access(
    settings: Settings, client: Client, clock: SteeringClock | None, ui_url: str | None
) -> AsyncIterator[Access]:
    """Access with what is known already; without a clock, steered time is wall time."""
    now = datetime.now(UTC)
    async with open_repositories(settings.database_url, settings.keys(), settings.oem_concurrency) as ledger:
        yield Access(
            client=client,
            ledger=ledger,
            reports=LedgerReports(ledger.engine),
            trails=LedgerTrails(ledger.engine),
            orders=LedgerOrders(ledger.engine),
            clock=clock or SteeringClock(epoch=now, start_wall=now),
            ui_url=ui_url,
        )
