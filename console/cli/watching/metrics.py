"""`heatsteer metrics serve|list`: the fleet's figures for Prometheus, and the catalogue of all metrics."""

import asyncio
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from application.fleet.figures import fleet_figures
from console.access import reach
from console.cli.errors import CommandFailed, UsageError
from console.cli.options import Folder, Json, show
from console.cli.running import run
from console.cli.terminal import table_of, terminal
from telemetry.catalogue import CATALOGUE
from telemetry.fleet import serving_fleet
from telemetry.serving import host_and_port

app = typer.Typer(
    help="Metrics for Prometheus: serve the fleet's figures, list the catalogue.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("serve")
def serve(
    listen: Annotated[str, typer.Option("--listen", help="host:port to serve on.")] = "127.0.0.1:9466",
    every: Annotated[float, typer.Option("--every", min=1, help="Wall seconds between two reads.")] = 15.0,
    folder: Folder = None,
) -> None:
    """Serve the fleet's figures, read from the ledger and Temporal, until interrupted. One such process is enough."""
    try:
        host_and_port(listen)
    except ValueError as error:
        raise UsageError(str(error)) from error
    run(_serve(listen, every, folder))


async def _serve(listen: str, every_s: float, folder: Path | None) -> None:
    async with reach(folder) as access, serving_fleet(partial(fleet_figures, access), listen, every_s) as bound:
        if bound is None:
            raise CommandFailed(f"{listen} cannot be listened on: choose another with --listen")
        typer.echo(f"serving http://{bound}/metrics", err=True)
        await asyncio.Event().wait()


@app.command("list")
def list_metrics(as_json: Json = False) -> None:
    """Every metric of workers and fleet: name, kind, labels, meaning."""

    def readable() -> None:
        table = table_of("name", "kind", "labels", "meaning")
        for one in CATALOGUE:
            table.add_row(one.name, one.kind, ", ".join(one.labels), one.help)
        terminal().print(table)

    show([asdict(one) for one in CATALOGUE], as_json, readable)
