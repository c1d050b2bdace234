"""How a face finds the stack it speaks to: the environment first, then `var/stack.json`.

Protects: a face never speaks to another stack than the one it names in its errors.
"""

import contextlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from application.access import Access
from domain.clock import SteeringClock
from embedded.errors import StackError
from embedded.stack_file import KEY_FILE, STACK_FILE_NAME, find_stack
from worker_environment import connect_temporal, open_ledger, settings_from_environment

VAR = Path("var")


class NoStack(Exception):
    """There is no running heatsteer to speak to; one sentence with the way out."""


def environment_of(folder: Path) -> dict[str, str]:
    """The variables that lead to the stack running in `folder`; raises NoStack where none runs."""
    found = find_stack(folder)
    if found is None or not found.running:
        raise NoStack(
            f"no stack runs in {folder}: start one with `heatsteer up`, or set DATABASE_URL and TEMPORAL_ADDRESS"
        )
    keys = {"HEATSTEER_SECRET_KEYS": (folder / KEY_FILE).read_text().strip()}
    # A simulated world has its own market and weather; the public ones know nothing of it.
    simulated = found.file.simulator_url
    feeds = {} if simulated is None else {"HEATSTEER_PRICE_URL": simulated, "HEATSTEER_WEATHER_URL": simulated}
    return dict(found.file.environment()) | keys | feeds


def running_folder(named: Path | None) -> Path:
    """The folder of the stack that is meant: the one named, ./var, or the newest running one inside ./var."""
    if named is not None:
        return named
    for folder in stack_folders():
        with contextlib.suppress(StackError):  # a corrupt file of another stack must not hide a healthy one
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
    """Open a running heatsteer; raises NoStack or SetupError with a sentence where there is none."""
    clock, ui_url = None, None
    if folder is not None or "DATABASE_URL" not in os.environ:
        place = running_folder(folder)
        os.environ.update(environment_of(place))
        found = find_stack(place)
        assert found is not None
        clock, ui_url = found.file.clock, found.file.ui_url
    settings = settings_from_environment()
    client = await connect_temporal()
    async with open_ledger(settings) as ledger:
        now = datetime.now(UTC)  # without a stack's clock, steered time is wall time
        yield Access(client, ledger, clock or SteeringClock(epoch=now, start_wall=now), ui_url)
