"""`heatsteer tariff explain`: what a home pays in a slot, part by part."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from application.access import Access
from application.planning.tariffs import SlotPrice, explain_day, explain_tariff
from console.cli.options import Plot, Reading, reads
from console.cli.plotting import Panel, draw
from console.cli.terminal import table_of, terminal
from console.cli.time_parsing import parse_moment
from console.cli.words import TZ, local
from market.areas import area_of
from worker_environment import settings_from_environment, tariffs_of

app = typer.Typer(help="What homes pay, and where each part comes from.", no_args_is_help=True, rich_markup_mode=None)


@app.command("explain")
@reads
def explain(
    call: Reading,
    home: Annotated[str, typer.Argument(metavar="PUMP|HOME")],
    at: Annotated[
        str | None, typer.Option("--at", help="18:30 (the nearest) or 2026-01-15T18:30, local; default: now.")
    ] = None,
    plot: Plot = None,
) -> None:
    """Each part of a slot's price for a home, with its source, and what planning counts of it; `--plot`: of its day."""
    if at is not None:
        parse_moment(at, datetime.now(UTC), TZ)  # a malformed time is refused without a stack

    async def work(access: Access) -> tuple[list[SlotPrice], list[list[SlotPrice]]]:
        now = access.now()
        moment = now if at is None else parse_moment(at, now, TZ)
        asked = (access, home, moment, tariffs_of(settings_from_environment()), lambda area: area_of(area).tz)
        return await explain_tariff(*asked), [] if plot is None else await explain_day(*asked)

    found, days = call.on_stack(work)
    if plot is not None:
        _draw(plot, home, days)
    call.show([_document(one) for one in found], lambda: _print(found))


def _draw(file: Path, home: str, days: list[list[SlotPrice]]) -> None:
    """A panel for each group of pumps that is billed alike, the parts stacked."""
    panels = []
    for slots in days:
        names = list(dict.fromkeys(part.name for slot in slots for part in slot.parts))
        parts = {
            name: [sum(part.eur_per_mwh for part in slot.parts if part.name == name) for slot in slots]
            for name in names
        }
        title = f"{home}: {slots[0].title}, {', '.join(slots[0].pumps)}"
        panels.append(Panel(title, "EUR/MWh", parts, [slot.eur_per_mwh for slot in slots]))
    draw(file, days[0][0].start, panels)


def _document(one: SlotPrice) -> dict[str, Any]:
    return vars(one) | {
        "parts": [part.model_dump(mode="json") for part in one.parts],
        "eur_per_mwh": round(one.eur_per_mwh, 4),
        "surplus": None if one.surplus is None else asdict(one.surplus),
    }


def _print(found: list[SlotPrice]) -> None:
    console = terminal()
    for one in found:
        whose = "the household's price" if one.benefit == "household" else "the supplier's cost"
        moved = "" if one.is_moved else "; not moved: nobody would earn by it"
        console.print(
            f"{', '.join(one.pumps)}: {one.title}; settled by {one.settlement.value}, planned for {whose}{moved}",
            markup=False,
        )
        table = table_of(f"from {local(one.start)}", "EUR/MWh", "source")
        for part in one.parts:
            table.add_row(part.name, f"{part.eur_per_mwh:.2f}", part.source)
        table.add_row("sum", f"{one.eur_per_mwh:.2f}", f"price version {one.price_version}", style="bold")
        if one.surplus is not None:
            first = f"own surplus, first {one.surplus.kw:.2f} kW"
            table.add_row(first, f"{one.surplus.eur_per_mwh:.2f}", one.surplus.source)
        console.print(table)
