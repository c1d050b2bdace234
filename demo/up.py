"""`heatsteer up`: the simulated fleet at wall time; its state stays in a folder and a restart goes on where it was.

Protects: clock, world and secrets are made at the first start only, since running workflows and sealed rows hold them.
"""

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from application.planning.schedule import plan_day
from application.standing_work import start_standing_work
from demo import stage
from demo.errors import OtherWorld
from demo.fleet_vendors import simulated_vendors
from demo.kills import roles
from demo.stage import Staging
from domain.base import Value
from domain.clock import SteeringClock
from domain.planning.scope import GridCaps
from embedded.stack import Stack, StackOptions

ENROLMENT = timedelta(seconds=15)
"""Before steered time begins, the simulator grants enrolment as many calls as it needs."""
CLOCK_FILE = "clock.json"
WORLD_FILE = "world-options.json"
SECRET_FILE = "fake-cloud-secret"  # noqa: S105 -- a file's name
TZ = ZoneInfo("Europe/Berlin")
PUMPS, SEED = 12, 1


class KeptWorld(Value):
    """What a folder's simulated world was made of at its first start."""

    pumps: int = PUMPS
    seed: int = SEED
    oem: tuple[str, ...] = ()
    """The vendors of its homes, in turn."""


async def run_up(folder: Path, kept: KeptWorld, on_ready: Callable[[int, str], None]) -> None:
    """Run until interrupted; `on_ready` gets the number of pumps steered and the address of the Web UI."""
    async with Stack(StackOptions(folder=folder, ephemeral=False)) as stack:
        clock = kept_clock(stack.folder)
        today = datetime.now(UTC).astimezone(TZ).date()
        staging = Staging(
            pumps=kept.pumps,
            seed=kept.seed,
            speed=1.0,
            day=today,
            epoch=clock.epoch,
            tz=TZ.key,
            vendors=kept.oem,
            with_metrics=True,
        )
        async with (
            stage.opened(stack, staging, clock, kept_secret(stack.folder)) as staged,
            staged.serving_metrics(),
        ):
            await staged.connect_accounts()  # before a worker of a restart asks for a token
            for role in roles(staging.oems):
                await staged.start_worker(role)
            enrolled = await staged.enrol_everybody(connect=False)
            await start_standing_work(staged.access, staging.oems, TZ, GridCaps(share=stage.CAP_SHARE))
            await plan_day(staged.access.client, today, TZ)
            on_ready(enrolled, stack.temporal.ui_url)
            await stack.guard(asyncio.Event().wait())


def kept_world(
    folder: Path, pumps: int | None = None, seed: int | None = None, oem: tuple[str, ...] | None = None
) -> KeptWorld:
    """The world in this folder, as at its first start; raises OtherWorld where options contradict.

    A new one is of all vendors unless some are named.
    """
    given = {name: value for name, value in (("pumps", pumps), ("seed", seed), ("oem", oem)) if value is not None}
    path = folder / WORLD_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = KeptWorld.model_validate({"oem": simulated_vendors()} | given)
        path.write_text(made.model_dump_json())
        return made
    kept = KeptWorld.model_validate_json(path.read_text())
    for option, value in given.items():
        if (stood := getattr(kept, option)) != value:
            raise OtherWorld(folder, option, ",".join(stood) if option == "oem" else stood)
    return kept


def kept_clock(folder: Path, lead: timedelta = ENROLMENT) -> SteeringClock:
    """Wall time from a lead after the first start on, the same at every restart: running workflows hold its values."""
    path = folder / CLOCK_FILE
    if path.exists():
        return SteeringClock.model_validate_json(path.read_text())
    start = datetime.now(UTC) + lead
    clock = SteeringClock(epoch=start, start_wall=start)
    path.write_text(clock.model_dump_json())
    return clock


def kept_secret(folder: Path) -> str:
    """The fake cloud's client secret, readable by the owner only."""
    path = folder / SECRET_FILE
    if not path.exists():
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(stage.new_client_secret())
    return path.read_text()
