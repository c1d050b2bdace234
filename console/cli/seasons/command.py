"""`heatsteer backtest`: what the planner would have been worth over a season; needs no running stack."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from console.cli.errors import UsageError
from console.cli.progress_lines import Counted
from console.cli.running import run
from console.cli.seasons.words import HEADS, METHOD, controller_rows, headline, sentences
from console.cli.terminal import terminal
from domain.slots import SLOT

if TYPE_CHECKING:
    from backtest.run import Order, Season


def backtest(
    weather: Annotated[
        Path, typer.Option(help="CSV by the hour (spread to four places), or an Open-Meteo answer (one place).")
    ],
    start: Annotated[str, typer.Option("--start", help="First market day, YYYY-MM-DD.")],
    prices: Annotated[
        Path | None, typer.Option(help="CSV start_utc,price_eur_mwh, or a price source's answer.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=400, help="Market days.")] = 30,
    houses: Annotated[int, typer.Option(min=2, max=2000, help="Simulated homes.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Decides houses, people, forecast errors.")] = 1,
    fees: Annotated[float, typer.Option(help="EUR/MWh on top of every price.")] = 0.0,
    constant_price: Annotated[
        float | None, typer.Option(help="EUR/MWh in every slot instead of --prices: nothing may be gained then.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes; default: one for each core.")] = None,
    out_folder: Annotated[Path | None, typer.Option("--out", help="Folder for report.html and report.json.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The figures as one JSON document on stdout.")] = False,
) -> None:
    """Play a season of real prices and weather in simulated homes: own control, simple rules, and the plan."""
    if (prices is None) == (constant_price is None):
        raise UsageError("give --prices FILE or --constant-price EUR/MWh, and not both")
    out = None if out_folder is None else _made(out_folder)
    order = _order(prices, constant_price, weather, _day(start), days, houses, seed, fees, workers)
    # Loaded only here, as the solver and the simulator take longer to load than most commands take.
    from backtest.run import run_backtest
    from optimizer.warm_up import compile_all

    compile_all()
    with _progress() as progress:
        season = run(run_backtest(order, progress))
    if out is not None:
        _leave(out, season)
    if as_json:
        typer.echo(json.dumps(season.figures))
    else:
        _print(season.figures)
        typer.echo(f"Charts: {out / 'report.html'}" if out is not None else "--out DIR leaves a page with charts.")


def _order(
    prices: Path | None, constant_price: float | None, weather: Path, first: date, days: int, houses: int, seed: int,
    fees: float, workers: int | None,
) -> "Order":  # fmt: skip
    from backtest.run import Order
    from backtest.season import SeriesError, days_from, prices_of, weather_of

    bounds = days_from(first, days)
    begin, end = bounds[0][0], bounds[-1][1]
    try:
        market = prices_of(prices, begin, end) if prices is not None else []
        places = weather_of(weather, begin, end)
    except SeriesError as error:
        raise UsageError(str(error)) from error
    constant = constant_price or 0.0
    return Order(
        prices=f"file {prices.name}" if prices is not None else f"{constant:g} EUR/MWh in every slot",
        price_eur_per_mwh=[price + fees for price in market or [constant] * ((end - begin) // SLOT)],
        weather=f"file {weather.name}",
        places=places,
        first=first,
        days=days,
        houses=houses,
        seed=seed,
        workers=workers or os.cpu_count() or 1,
    )


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not 2000 <= day.year < 2100:
        raise UsageError(f"--start {text}: is no date from 2000 to 2099; write YYYY-MM-DD")
    return day


def _made(out: Path) -> Path:
    """The folder, made before anything is played; raises UsageError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "report.html").touch()
    except OSError as error:
        raise UsageError(f"--out {out} cannot be written ({error.strerror}): name another folder") from error
    return out


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, about ten lines elsewhere; on standard error."""
    console = terminal(stderr=True)
    if not console.is_terminal:
        yield Counted("days of all places:")
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("days of all places", total=None)

        def show(done: int, whole: int) -> None:
            bar.update(task, completed=done, total=whole)

        yield show


def _leave(out: Path, season: "Season") -> None:
    from console.cli.seasons.page import page_of

    (out / "report.html").write_text(page_of(season), encoding="utf-8")
    (out / "report.json").write_text(json.dumps(season.figures, indent=2) + "\n", encoding="utf-8")


def _print(found: dict[str, Any]) -> None:
    from rich.table import Table

    console = terminal()
    console.print(f"\n[bold]{headline(found)}[/bold]\n", soft_wrap=True)
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(HEADS[0])
    for head in HEADS[1:]:
        table.add_column(head, justify="right")
    for row in controller_rows(found):
        table.add_row(*row)
    console.print(table)
    for sentence in sentences(found):
        console.print(sentence)
    console.print(f"[dim]{METHOD}[/dim]")
