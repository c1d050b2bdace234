"""`heatsteer load-curve AREA`: what an area's heat pumps will draw tomorrow, before its prices are known."""

import csv
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from application.access import Access
from application.planning.load_curve import StoredCurve, load_errors, make_load_curve
from console.cli.options import Plot, Reading, reads
from console.cli.plotting import Panel, draw
from console.cli.terminal import table_of, terminal
from console.cli.words import TZ, counted, local
from domain.planning.load_curve import LoadError
from domain.slots import SLOT, SLOT_HOURS
from market.areas import area_of

Day = Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Market day; default: tomorrow.")]
Levels = Annotated[
    str | None,
    typer.Option("--price-levels", metavar="EUR/MWh,...", help="Plan the day's prices at these means as well."),
]
Csv = Annotated[Path | None, typer.Option("--csv", metavar="FILE.csv", help="Write the nomination into a file.")]
Errors = Annotated[bool, typer.Option("--errors", help="Instead: how far the curves of the last 28 days were off.")]
LOOK_BACK = timedelta(days=28)


@reads
def load_curve(
    call: Reading,
    area: Annotated[str, typer.Argument(metavar="AREA", help="A grid area or a price area.")],
    day: Day = None,
    price_levels: Levels = None,
    csv_file: Csv = None,
    plot: Plot = None,
    errors: Errors = False,
) -> None:
    """Steered and neutral load of a market day by quarter-hours, with an interval; stored, and given to no pump."""
    if errors:
        found = call.on_stack(lambda access: _errors(access, area))
        call.show({"errors": found}, lambda: _print_errors(found))
        return
    levels, date_ = _levels(price_levels), None if day is None else day.date()
    stored = call.on_stack(lambda access: make_load_curve(access, area, date_, levels, tz_of))
    if csv_file is not None:
        _write(csv_file, stored)
    if plot is not None:
        draw(plot, stored.curve.slots[0].start, _panels(stored))
    call.show({"version": stored.version, **stored.curve.model_dump(mode="json")}, lambda: _print(stored))


async def _errors(access: Access, area: str) -> list[LoadError]:
    today: date = access.now().astimezone(TZ).date()
    return list(await load_errors(access, area, today - LOOK_BACK, today + timedelta(days=1), tz_of))


def tz_of(price_area: str) -> str:
    return area_of(price_area).tz.key


def _levels(given: str | None) -> list[float]:
    try:
        return [float(one) for one in (given or "").split(",") if one.strip()]
    except ValueError as error:
        raise typer.BadParameter(f"{given} is no list of numbers", param_hint="--price-levels") from error


def _write(path: Path, stored: StoredCurve) -> None:
    """A nomination: energy of each quarter-hour, its interval, and the version that it comes from."""
    curve = stored.curve
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["version", "area", "start_utc", "end_utc", "kwh", "low_kwh", "high_kwh", "neutral_kwh"]
            + [f"kwh_at_{scenario.name.replace(' ', '_')}" for scenario in curve.levels]
        )
        for n, slot in enumerate(curve.slots):
            powers = [slot.steered_kw, slot.low_kw, slot.high_kw, slot.neutral_kw]
            powers += [scenario.load_kw[n] for scenario in curve.levels]
            times = [f"{moment:%Y-%m-%dT%H:%MZ}" for moment in (slot.start, slot.start + SLOT)]
            rows.writerow([stored.version, curve.area, *times, *(round(kw * SLOT_HOURS, 4) for kw in powers)])


def _panels(stored: StoredCurve) -> list[Panel]:
    slots, name = stored.curve.slots, f"load curve {stored.version} of {stored.curve.area}"
    lines = {
        "steered": [slot.steered_kw for slot in slots],
        "from": [slot.low_kw for slot in slots],
        "to": [slot.high_kw for slot in slots],
        "under own control": [slot.neutral_kw for slot in slots],
    }
    panels = [Panel(f"{name}: expected power of the heating", "kW", lines=lines)]
    if levels := {f"{one.mean_price_eur_per_mwh:g} EUR/MWh": one.load_kw for one in stored.curve.levels}:
        panels.append(Panel("with the day's prices at other means", "kW", lines=levels))
    return panels


def _print(stored: StoredCurve) -> None:
    console, curve = terminal(), stored.curve
    like = f", interval from {counted(len(curve.days_like_it), 'day')} like it and the weather"
    console.print(
        f"load curve {stored.version} of {curve.area}, {curve.day}: {counted(curve.pumps, 'pump')}, heating only; "
        f"prices {curve.basis.value}{like if curve.days_like_it else ', interval from the weather'}",
        markup=False,
    )
    levels = [f"at {scenario.mean_price_eur_per_mwh:g} EUR/MWh" for scenario in curve.levels]
    table = table_of("hour", "steered kW", "from", "to", "neutral kW", *levels)
    for first in range(0, len(curve.slots), 4):
        slots = curve.slots[first : first + 4]
        columns: list[list[float]] = [
            [slot.steered_kw for slot in slots],
            [slot.low_kw for slot in slots],
            [slot.high_kw for slot in slots],
            [slot.neutral_kw for slot in slots],
            *([*scenario.load_kw[first : first + 4]] for scenario in curve.levels),
        ]
        table.add_row(local(slots[0].start), *(f"{sum(kw) / len(kw):.1f}" for kw in columns))
    console.print(table)
    console.print(f"{curve.steered_kwh:.0f} kWh in all; quarter-hours in --json and --csv", markup=False)


def _print_errors(found: list[LoadError]) -> None:
    table = table_of("day", "version", "load kW", "bias", "mean error", "within interval")
    for one in found:
        row: list[Any] = [one.day, one.version, f"{one.mean_kw:.1f}", f"{one.bias_kw:+.2f}", f"{one.mean_abs_kw:.2f}"]
        table.add_row(*(str(value) for value in row), f"{one.within_interval_pct:.0f} %")
    terminal().print(table)
