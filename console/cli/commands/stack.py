"""`heatsteer up`, `doctor` and `prepare`: the stack itself."""

import json
from pathlib import Path
from typing import Annotated

import typer

from application.namespace import register_search_attributes
from application.standing_work import start_standing_work
from console.access import VAR, reach, stack_folders
from console.cli.errors import CommandFailed, UsageError
from console.cli.running import run
from console.cli.terminal import terminal
from console.cli.words import counted
from demo.errors import OtherWorld
from demo.fleet_vendors import chosen_vendors
from demo.live import claim, run_live
from demo.up import TZ, kept_world, run_up
from domain.planning.scope import GridCaps
from embedded.doctor import Check, checks
from embedded.errors import StackError
from embedded.stack_file import find_stack
from ledger.database import migrate
from oem_adapters.registry import known_oems
from worker_environment import connect_temporal, settings_from_environment


def up(
    pumps: Annotated[int | None, typer.Option(min=1, max=2000, help="Simulated heat pumps; default 12.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Decides the houses; default 1.")] = None,
    oem: Annotated[str | None, typer.Option("--oem", help="Whose pumps: all (default), or vendors by commas.")] = None,
    no_simulator: Annotated[
        bool, typer.Option("--no-simulator", help="For real homes: real clouds, prices and weather.")
    ] = False,
    folder: Annotated[Path, typer.Option("--dir", help="Where the stack lives.")] = VAR,
) -> None:
    """Run simulated pumps at wall time; state stays in ./var and a restart goes on where it was."""
    if no_simulator and (pumps, seed, oem) != (None, None, None):
        raise UsageError(
            "--pumps, --seed and --oem are for simulated homes: leave them out, or leave out --no-simulator"
        )
    claim(folder, live=no_simulator)
    if no_simulator:
        run(run_live(folder, _ready_for_homes))
        return
    try:
        kept = kept_world(folder, pumps, seed, None if oem is None else chosen_vendors(oem))
    except ValueError as error:
        raise UsageError(f"--oem {oem}: {error}") from error
    except OtherWorld as error:
        option = f"--{error.option}"
        raise UsageError(
            f"the world in {error.folder} was made with {option} {error.kept}: "
            f"leave {option} out, or name another --dir"
        ) from error

    def on_ready(enrolled: int, ui_url: str) -> None:
        console = terminal(stderr=True)
        console.print(f"{counted(enrolled, 'pump is', 'pumps are')} steered. Web UI: {ui_url}")
        console.print("heatsteer pumps list shows them; planning runs every day at 13:15; Ctrl-C stops the stack.")

    run(run_up(folder, kept, on_ready))


def _ready_for_homes(enrolled: int, ui_url: str) -> None:
    console = terminal(stderr=True)
    console.print(f"{counted(enrolled, 'pump is', 'pumps are')} steered. Web UI: {ui_url}")
    console.print(
        "heatsteer accounts connect VENDOR comes first, then accounts discover and enrol; Ctrl-C stops the stack."
    )


def doctor(
    folder: Annotated[Path, typer.Option("--dir")] = VAR,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Check that this machine can run the stack, and say what to do where it cannot."""
    found = [*checks(folder), *(_other_stack(inside) for inside in stack_folders(folder)[1:])]
    if as_json:
        typer.echo(json.dumps([{"name": c.name, "ok": c.ok, "detail": c.detail, "way_out": c.way_out} for c in found]))
    else:
        console = terminal()
        for check in found:
            mark = "[green]ok[/green]  " if check.ok else "[red]no[/red]  "
            console.print(f"{mark} {check.name}: {check.detail}" + ("" if check.ok else f"; {check.way_out}"))
    if not all(check.ok for check in found):
        raise CommandFailed("this machine cannot run the stack yet: see the lines marked no")


def _other_stack(folder: Path) -> Check:
    """Another stack, such as that of a demo that was kept; a corrupt file is named."""
    try:
        found = find_stack(folder)
    except StackError as error:
        detail, _, way_out = str(error).rpartition(": ")
        return Check("stack", False, detail, way_out)
    if found is not None and found.running:
        return Check("stack", True, f"runs in {folder} (process {found.file.owner_pid}), UI at {found.file.ui_url}")
    return Check("stack", True, f"one in {folder} did not shut down cleanly")


def prepare() -> None:
    """Migrate the ledger, register search attributes and start what runs daily or watches, for the environment's stack.

    Workers may be started before or after; what is there already is left as it is.
    """

    async def work() -> None:
        settings = settings_from_environment()
        await migrate(settings.database_url.get_secret_value())
        await register_search_attributes(await connect_temporal())
        async with reach() as access:
            await start_standing_work(access, known_oems(), TZ, GridCaps())

    run(work())
    typer.echo("the ledger is migrated, search attributes are registered, and Schedules, guards and sweeps are started")
