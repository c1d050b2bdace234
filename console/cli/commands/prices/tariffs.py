"""`heatsteer tariff explain`: what a home pays in a slot, part by part."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from application.access import Access
from application.planning.tariffs import SlotPrice, explain_tariff
from console.cli.options import Reading, reads
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
) -> None:
    """Each part of a slot's price for a home, with its source, and what planning counts of it."""
    if at is not None:
        parse_moment(at, datetime.now(UTC), TZ)  # a malformed time is refused without a stack

    async def work(access: Access) -> list[SlotPrice]:
        now = access.now()
        moment = now if at is None else parse_moment(at, now, TZ)
        tariffs = tariffs_of(settings_from_environment())
        return await explain_tariff(access, home, moment, tariffs, lambda price_area: area_of(price_area).tz)

    found = call.on_stack(work)
    call.show([_document(one) for one in found], lambda: _print(found))


def _document(one: SlotPrice) -> dict[str, Any]:
    return vars(one) | {
        "parts": [part.model_dump(mode="json") for part in one.parts],
        "eur_per_mwh": round(one.eur_per_mwh, 4),
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
        console.print(table)
