"""`heatsteer top`: the fleet as it is now, in one window; `--once --json` for scripts."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.live import Live

from application.access import Access
from application.fleet.figures import fleet_figures
from application.steering.dead_letters import DeadLetter, dead_letters
from console.access import reach
from console.cli.errors import UsageError
from console.cli.options import Folder, Json, show
from console.cli.running import run
from console.cli.terminal import terminal
from console.cli.watching.picture import WIDTH, picture
from domain.fleet_figures import FleetFigures

LETTERS = 5
"""The newest dead letters that are shown."""


def top(
    once: Annotated[bool, typer.Option("--once", help="Print it once instead of going on.")] = False,
    every: Annotated[float, typer.Option("--every", min=0.5, help="Wall seconds between two readings.")] = 2.0,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Pumps by state, vendors, prices, plans and the newest dead letters, until Ctrl-C."""
    console = terminal()
    if as_json and not once:
        raise UsageError("--json prints one document: say --once too")
    if once or not console.is_terminal:
        figures, letters = run(_once(folder))
        console.width = min(console.width, WIDTH)
        show(_document(figures, letters), as_json, lambda: console.print(picture(figures, letters)))
    else:
        run(_go_on(folder, every))


async def _read(access: Access) -> tuple[FleetFigures, list[DeadLetter]]:
    return await fleet_figures(access), (await dead_letters(access))[:LETTERS]


async def _once(folder: Path | None) -> tuple[FleetFigures, list[DeadLetter]]:
    async with reach(folder) as access:
        return await _read(access)


async def _go_on(folder: Path | None, every_s: float) -> None:
    async with reach(folder) as access:
        console = terminal()
        console.width = min(console.width, WIDTH)
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                live.update(picture(*await _read(access)), refresh=True)
                await asyncio.sleep(every_s)


def _document(figures: FleetFigures, letters: list[DeadLetter]) -> dict[str, Any]:
    vendors = [
        vendor.model_dump(mode="json") | {"pumps": vendor.pumps, "verified_share": vendor.verified_share}
        for vendor in figures.vendors
    ]
    return figures.model_dump(mode="json") | {
        "vendors": vendors,
        "newest_dead_letters": [asdict(one) for one in letters],
    }
