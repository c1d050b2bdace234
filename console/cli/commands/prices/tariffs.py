"""`heatsteer tariff explain`: what a home pays in a slot, part by part."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from application.access import Access
from application.planning.power_terms import PowerTerms
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
        "most_extra_kwh": one.most_extra_kwh,
        "power": [_power_document(terms) for terms in one.power],
    }


def _power_document(terms: PowerTerms) -> dict[str, Any]:
    return vars(terms) | {"so_far": [peak.model_dump(mode="json") for peak in terms.so_far]}


def _power_lines(terms: PowerTerms) -> list[str]:
    """A home's charge for peak power, in sentences."""
    span = "hour" if terms.minutes == 60 else "quarter of an hour"
    which = "on different days" if terms.different_days else "of the month"
    counts = f"this {span} counts" if terms.is_charged_slot else f"this {span} does not count"
    basis = "by its meter" if terms.is_metered else "estimated: no meter of the whole house"
    so_far = ", ".join(f"{peak.kw:.2f} kW ({local(peak.at)})" for peak in terms.so_far) or "none known"
    return [
        f"{terms.pump}: {terms.name}: {terms.per_kw:.2f} {terms.currency} a kW and month with VAT on the mean of the "
        f"{terms.peaks} highest {which}; {counts} ({terms.source})",
        f"  peaks of this month so far, {basis}: {so_far}",
        f"  the plan charges {terms.plan_eur_per_kw:.3f} EUR for each kW of the whole house above "
        f"{terms.above_kw:.2f} kW",
    ]


def _print(found: list[SlotPrice]) -> None:
    console = terminal()
    for one in found:
        whose = "the household's price" if one.benefit == "household" else "the supplier's cost"
        extra = "" if one.most_extra_kwh is None else f", at most {one.most_extra_kwh:g} kWh a day beyond own control's"
        moved = extra if one.is_moved else "; not moved: nobody would earn by it"
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
        for terms in one.power:
            for line in _power_lines(terms):
                console.print(line, markup=False)
