"""`heatsteer weather fetch|show`: the forecasts that homes are planned with."""

from datetime import datetime
from typing import Annotated, Any

import httpx
import typer

from application.access import Access
from application.planning import weather
from application.planning.weather import WeatherShown
from console.cli.options import Change, Plot, Reading, changes, reads
from console.cli.plotting import Panel, draw
from console.cli.terminal import table_of, terminal
from console.cli.words import TZ, local
from domain.planning.series import WeatherSeries
from domain.slots import SLOT, market_day_bounds
from market.areas import Area, area_of, place_of
from market.errors import BadDocument
from market.fetching import DEFAULT_AREA
from worker_environment import settings_from_environment, weather_sources_of

app = typer.Typer(help="Forecasts the planner works with.", no_args_is_help=True, rich_markup_mode=None)

Cell = Annotated[str, typer.Argument(metavar="LAT,LON", help='A weather cell, for instance "52.5,13.4".')]
Day = Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="A local day; default: today.")]


@app.command("fetch")
@changes
def fetch(
    call: Change,
    cell: Cell,
    price_area: Annotated[str, typer.Option("--price-area", help="The price area it lies in.")] = DEFAULT_AREA,
    day: Day = None,
) -> None:
    """Ask the configured sources for a day's forecast of a cell, and store what they answer as a version."""
    area = _known(cell, price_area)

    async def work(access: Access) -> int:
        start, end = _bounds(access, day)

        async def ask() -> WeatherSeries:
            async with httpx.AsyncClient() as http:
                chain = weather_sources_of(settings_from_environment(), http, access.ledger.series, access.now)
                return await chain.weather(area.price_area, cell, start, (end - start) // SLOT)

        return await weather.fetch(access, cell, ask, call.by)

    version = call.on_stack(work)
    call.show({"version": version}, lambda: typer.echo(f"version {version}"))


@app.command("show")
@reads
def show(call: Reading, cell: Cell, day: Day = None, plot: Plot = None) -> None:
    """The newest forecast of a cell for a day: outdoor temperature and radiation."""
    found = call.on_stack(lambda access: weather.show(access, cell, *_bounds(access, day)))
    if plot is not None:
        series = found.series
        draw(
            plot,
            series.start,
            [
                Panel(f"{cell}, {series.source} (version {found.version})", "°C", line=series.outdoor_c),
                Panel("radiation on the horizontal", "W/m²", line=series.radiation_w_per_m2),
            ],
        )
    call.show(_document(found), lambda: _print(found))


def _bounds(access: Access, day: datetime | None) -> tuple[datetime, datetime]:
    return market_day_bounds(day.date() if day else access.now().astimezone(TZ).date(), TZ)


def _known(cell: str, price_area: str) -> Area:
    try:
        area = area_of(price_area)
        place_of(cell, area)
    except LookupError as error:
        raise typer.BadParameter(str(error.args[0]), param_hint="--price-area") from error
    except BadDocument as error:
        raise typer.BadParameter(str(error), param_hint="LAT,LON") from error
    return area


def _document(found: WeatherShown) -> dict[str, Any]:
    series = found.series
    rows = zip(series.outdoor_c, series.radiation_w_per_m2, strict=True)
    return {
        "version": found.version,
        "cell": series.cell,
        "source": series.source,
        "stored_at": found.stored_at,
        "slots": [
            {"start": (series.start + n * SLOT).isoformat(), "outdoor_c": celsius, "radiation_w_per_m2": watt}
            for n, (celsius, watt) in enumerate(rows)
        ],
    }


def _print(found: WeatherShown) -> None:
    console, series = terminal(), found.series
    console.print(
        f"{series.cell}: version {found.version}, {series.source}, stored {local(found.stored_at)}", markup=False
    )
    table = table_of("hour", "°C", "W/m²")
    for first in range(0, len(series.outdoor_c), 4):
        celsius, watt = series.outdoor_c[first : first + 4], series.radiation_w_per_m2[first : first + 4]
        means = (sum(celsius) / len(celsius), sum(watt) / len(watt))
        table.add_row(local(series.start + first * SLOT), f"{means[0]:.1f}", f"{means[1]:.0f}")
    console.print(table)
