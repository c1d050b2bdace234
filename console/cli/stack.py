"""`heatsteer up`, `doctor`, `prepare` and `prices`: the stack itself and what flows into it."""

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import httpx
import typer

from application.errors import Failed, WrongInput
from application.overrides import Actor, audited, signed
from application.planning import create_schedule, plan_day
from application.pumps import register_search_attributes
from console.access import VAR, Access, open_access, reach, stack_folders
from console.cli.options import Who, Why
from console.cli.running import run
from console.cli.terminal import paper
from console.cli.time_parsing import counted
from demo import stage
from demo.simulator_client import SimulatorClient
from demo.stage import Staging
from domain.clock import SteeringClock
from domain.planning.scope import GridCaps
from domain.ports import DocumentRefused
from embedded.doctor import Check, checks
from embedded.errors import StackError
from embedded.stack import Stack, StackOptions
from embedded.stack_file import find_stack
from ledger.database import migrate
from market.files import load_price_file
from worker_environment import connect_temporal, settings_from_environment
from workflows.contracts import PlanningInput

prices = typer.Typer(help="Prices the planner works with.", no_args_is_help=True, rich_markup_mode=None)
TZ = ZoneInfo("Europe/Berlin")
PRICE_AREA = "DE-LU"
ENROLMENT = timedelta(seconds=15)
"""Before steered time begins, the simulator grants enrolment as many calls as it needs."""
CLOCK_FILE = "clock.json"
WORLD_FILE = "world-options.json"
SECRET_FILE = "fake-cloud-secret"  # noqa: S105 -- a file's name


def up(
    pumps: Annotated[int | None, typer.Option(min=1, max=2000, help="Simulated heat pumps; default 12.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Decides the houses; default 1.")] = None,
    folder: Annotated[Path, typer.Option("--dir", help="Where the stack lives.")] = VAR,
) -> None:
    """Run the stack at wall time; its state stays in ./var and a restart goes on where it was."""

    run(_up(folder, *_kept_world(folder, pumps, seed)))


async def _up(folder: Path, pumps: int, seed: int) -> None:
    console = paper(stderr=True)
    async with Stack(StackOptions(folder=folder, ephemeral=False)) as stack:
        os.environ.update(await stage.prepare(stack))
        clock = _kept_clock(stack.folder)
        stack.set_clock(clock)
        client_secret = _kept_secret(stack.folder)
        today = datetime.now(UTC).astimezone(TZ).date()
        staging = Staging(pumps=pumps, seed=seed, speed=1.0, day=today, epoch=clock.epoch)
        await stage.start_world(stack, staging, clock, client_secret)
        extra = stage.worker_environment(stack, staging)
        os.environ.update(extra)
        settings = settings_from_environment()
        client = await connect_temporal()
        ui_url = stack.temporal.ui_url
        async with open_access(settings, client, clock, ui_url) as access, httpx.AsyncClient() as http:
            await stage.ready_namespace(access)
            for role in ("pumps,oem:nibe", "planner"):
                await stack.start_worker(role, extra)
            world = SimulatorClient(http, stage.simulator_url(stack))
            enrolled = await stage.enrol_everybody(access, settings, world, http, staging, client_secret)
            given = PlanningInput(clock=clock, caps=GridCaps(share=stage.CAP_SHARE))
            await create_schedule(client, given, TZ, paused=False)
            await plan_day(client, today, TZ)
            console.print(f"{counted(enrolled, 'pump is', 'pumps are')} steered. Web UI: {ui_url}")
            console.print("heatsteer pumps list shows them; planning runs every day at 13:15; Ctrl-C stops the stack.")
            await stack.guard(asyncio.Event().wait())


def _kept_world(folder: Path, pumps: int | None, seed: int | None) -> tuple[int, int]:
    """Pumps and seed of the world in this folder, as given at its first start; WrongInput where options contradict."""
    path = folder / WORLD_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        chosen = {"pumps": pumps or 12, "seed": 1 if seed is None else seed}
        path.write_text(json.dumps(chosen))
        return chosen["pumps"], chosen["seed"]
    kept = json.loads(path.read_text())
    for name, given in (("pumps", pumps), ("seed", seed)):
        if given is not None and given != kept[name]:
            raise WrongInput(
                f"the world in {folder} was made with --{name} {kept[name]}: leave --{name} out, or name another --dir"
            )
    return int(kept["pumps"]), int(kept["seed"])


def _kept_clock(folder: Path) -> SteeringClock:
    """Wall time from the first start on, the same at every restart: clock values live in running workflows."""
    path = folder / CLOCK_FILE
    if path.exists():
        return SteeringClock.model_validate_json(path.read_text())
    start = datetime.now(UTC) + ENROLMENT
    clock = SteeringClock(epoch=start, start_wall=start)
    path.write_text(clock.model_dump_json())
    return clock


def _kept_secret(folder: Path) -> str:
    path = folder / SECRET_FILE
    if not path.exists():
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(stage.new_client_secret())
    return path.read_text()


def doctor(
    folder: Annotated[Path, typer.Option("--dir")] = VAR,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Check that this machine can run the stack, and say what to do where it cannot."""
    found = [*checks(folder), *(_other_stack(inside) for inside in stack_folders(folder)[1:])]
    if as_json:
        typer.echo(json.dumps([{"name": c.name, "ok": c.ok, "detail": c.detail, "way_out": c.way_out} for c in found]))
    else:
        console = paper()
        for check in found:
            mark = "[green]ok[/green]  " if check.ok else "[red]no[/red]  "
            console.print(f"{mark} {check.name}: {check.detail}" + ("" if check.ok else f"; {check.way_out}"))
    if not all(check.ok for check in found):
        raise Failed("this machine cannot run the stack yet: see the lines marked no")


def _other_stack(folder: Path) -> Check:
    """A stack beside the one of the folder, such as a demo's that was kept; a spoilt file is named."""
    try:
        found = find_stack(folder)
    except StackError as error:
        detail, _, way_out = str(error).rpartition(": ")
        return Check("stack", False, detail, way_out)
    if found is not None and found.running:
        return Check("stack", True, f"runs in {folder} (process {found.file.owner_pid}), UI at {found.file.ui_url}")
    return Check("stack", True, f"one in {folder} ended without farewell")


def prepare() -> None:
    """Migrate the ledger and register search attributes, for a Temporal and PostgreSQL named in the environment."""

    async def work() -> None:
        settings = settings_from_environment()
        await migrate(settings.database_url.get_secret_value())
        await register_search_attributes(await connect_temporal())

    run(work())
    typer.echo("the ledger is migrated and the search attributes are registered")


@prices.command("load")
def load(
    file: Annotated[Path, typer.Argument(help="Energy-Charts JSON of one market day.")],
    who: Who,
    why: Why,
    folder: Annotated[Path | None, typer.Option("--dir")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Load a day's prices into the running stack; a bad file is quarantined, the last good version stays in force."""
    by = signed(who, why)
    if not file.is_file():
        raise WrongInput(
            f"{file} {'is no file' if file.exists() else 'does not exist'}: name an Energy-Charts document"
        )
    document = run(_load(file, by, folder))
    if as_json:
        typer.echo(json.dumps(document))
    else:
        typer.echo(f"version {document['version']}: {document['slots']} slots from {document['start']}")


async def _load(file: Path, by: Actor, folder: Path | None) -> dict[str, Any]:
    async with reach(folder) as access:

        async def do() -> dict[str, Any]:
            return await _take_in(access, file)

        return await audited(access, "load-prices", PRICE_AREA, by, {"file": str(file)}, do)


async def _take_in(access: Access, file: Path) -> dict[str, Any]:
    try:
        series = load_price_file(file, PRICE_AREA, TZ)
    except DocumentRefused as error:
        await access.ledger.series.quarantine("price", error.origin, str(error), access.now())
        raise WrongInput(str(error)) from error
    version = await access.ledger.series.store_prices(series, access.now())
    return {
        "version": version,
        "slots": len(series.price_eur_per_mwh),
        "start": series.start.isoformat(),
        "end": (series.start + len(series.price_eur_per_mwh) * timedelta(minutes=15)).isoformat(),
    }
