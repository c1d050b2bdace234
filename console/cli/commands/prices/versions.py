"""`heatsteer prices load|fetch|versions|show|compare|release`: what planning is fed, and what was not believed."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from application.access import Access
from application.planning import price_versions
from application.planning.price_versions import Comparison, VersionInList, VersionShown
from application.planning.prices import load_later, load_prices
from console.cli.errors import UsageError
from console.cli.options import Change, Plot, Reading, changes, reads
from console.cli.plotting import Panel, draw
from console.cli.terminal import table_of, terminal
from console.cli.words import TZ, counted, local
from domain.planning.intraday import Market
from domain.planning.series import WholesalePrices
from domain.ports import DocumentRefused
from domain.slots import SLOT, market_day_bounds
from market.areas import area_of
from market.checking import recognised
from market.fetching import DEFAULT_AREA, DEFAULT_PRICE_SOURCE
from market.files import load_price_file, read_file
from market.later_prices import load_later_file
from market.registry import price_format
from worker_environment import price_sources_of, settings_from_environment

app = typer.Typer(help="Prices the planner works with.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="VERSION", help="A version's number, or q1 for a quarantined document.")]
PriceArea = Annotated[str, typer.Option("--price-area", help="The price area, as the market names it.")]
Day = Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="A market day.")]
DIGEST_SHOWN = 12
"""Characters of a hash that a table shows; `--json` has it whole."""


@app.command("load")
@changes
def load(
    call: Change,
    file: Annotated[Path, typer.Argument(help="A price source's document of one market day.")],
    price_area: PriceArea = DEFAULT_AREA,
    source: Annotated[str | None, typer.Option("--source", help="Whose format it has; default: as it looks.")] = None,
    market: Annotated[
        Market,
        typer.Option("--market", help="intraday and imbalance: some hours are enough."),
    ] = Market.DAY_AHEAD,
) -> None:
    """Load a day's prices into the running stack; a bad file is quarantined, the last good version stays in force."""
    area = _known(price_area)
    if not file.is_file():
        problem = "is no file" if file.exists() else "does not exist"
        raise UsageError(f"{file} {problem}: name a document of a price source")
    name = _format_of(file, source)
    if market is not Market.DAY_AHEAD:
        later = call.on_stack(
            lambda access: load_later(
                access, str(file), lambda: load_later_file(file, price_area, market, name), call.by
            )
        )
        versions = ", ".join(str(version) for version in later.versions)
        sentence = f"version {versions}: {later.slots} slots from {later.start.isoformat()}"
        call.show(asdict(later), lambda: typer.echo(sentence))
        return
    found = call.on_stack(
        lambda access: load_prices(
            access, price_area, str(file), lambda: load_price_file(file, price_area, area.tz, source=name), call.by
        )
    )
    sentence = f"version {found.version}: {found.slots} slots from {found.start.isoformat()}"
    call.show(asdict(found), lambda: typer.echo(sentence))


def _format_of(file: Path, source: str | None) -> str:
    """The format that is named, or the one that the file looks like; what looks like none is read as the default."""
    if source is not None:
        try:
            return price_format(source).name
        except LookupError as error:
            raise typer.BadParameter(str(error.args[0]), param_hint="--source") from error
    try:
        return recognised(read_file(file), str(file)).name
    except DocumentRefused:
        return DEFAULT_PRICE_SOURCE


@app.command("fetch")
@changes
def fetch(call: Change, price_area: PriceArea = DEFAULT_AREA, day: Day = None) -> None:
    """Ask the configured sources for a market day (tomorrow where none is given) and store what they answer."""
    area = _known(price_area)

    async def work(access: Access) -> int:
        async def ask() -> WholesalePrices:
            async with httpx.AsyncClient() as http:
                chosen = day.date() if day else access.now().astimezone(area.tz).date() + timedelta(days=1)
                chain = price_sources_of(settings_from_environment(), http, access.ledger.series, access.now)
                return await chain.prices(price_area, chosen, area.tz)

        return await price_versions.fetch(access, price_area, ask, call.by)

    version = call.on_stack(work)
    call.show({"version": version}, lambda: typer.echo(f"version {version}"))


@app.command("versions")
@reads
def versions(
    call: Reading,
    price_area: Annotated[str | None, typer.Option("--price-area", help="Of one price area; default: all.")] = None,
    day: Day = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, the newest.")] = 30,
) -> None:
    """The newest versions of prices, and the documents that were not believed (q1, q2)."""
    area = None if price_area is None else _known(price_area)
    start, end = (None, None) if day is None else market_day_bounds(day.date(), area.tz if area else TZ)
    found = call.on_stack(lambda access: price_versions.list_versions(access, price_area, start, end, limit))
    call.show([asdict(one) for one in found], lambda: _print_list(found))


@app.command("show")
@reads
def show(call: Reading, name: Name, plot: Plot = None) -> None:
    """A version with its prices, or a quarantined document with what its prices would be."""
    found = call.on_stack(lambda access: price_versions.show_version(access, name))
    if plot is not None:
        series = found.series
        title = f"{series.price_area}, {series.source}, {series.basis.value} (version {found.name})"
        draw(plot, series.start, [Panel(title, "EUR/MWh", line=series.price_eur_per_mwh)])
    call.show(_document(found), lambda: _print_version(found))


@app.command("compare")
@reads
def compare(call: Reading, first: Name, second: Name) -> None:
    """Two versions of one price area, slot by slot, on the slots that both have."""
    found = call.on_stack(lambda access: price_versions.compare_versions(access, first, second))
    call.show(asdict(found), lambda: _print_comparison(found))


@app.command("release")
@changes
def release(call: Change, name: Name) -> None:
    """Believe a quarantined document: it becomes a version, which the next planning run uses."""
    version = call.on_stack(lambda access: price_versions.release(access, name, call.by))
    sentence = f"{name} is version {version} now; `heatsteer plan run` plans with it"
    call.show({"document": name, "version": version}, lambda: typer.echo(sentence))


def _known(price_area: str) -> Any:
    try:
        return area_of(price_area)
    except LookupError as error:
        raise typer.BadParameter(str(error.args[0]), param_hint="--price-area") from error


def _document(found: VersionShown) -> dict[str, Any]:
    series = found.series.model_dump(mode="json")
    prices = series.pop("price_eur_per_mwh")
    slots = [
        {"start": (found.series.start + n * SLOT).isoformat(), "eur_per_mwh": price} for n, price in enumerate(prices)
    ]
    shown = {"name": found.name, "stored_at": found.stored_at, "verdicts": found.verdicts}
    return shown | {"series": series, "slots": slots}


def _print_list(found: list[VersionInList]) -> None:
    console = terminal()
    table = table_of("version", "area", "from", "source", "basis", "min", "published", "stored", "hash")
    for one in found:
        table.add_row(
            one.name,
            one.price_area or "-",
            local(one.start),
            one.source or "-",
            one.basis or "-",
            str(one.resolution_min or "-"),
            local(one.published_at),
            local(one.stored_at),
            (one.raw_sha256 or "-")[:DIGEST_SHOWN],
        )
    console.print(table)
    for one in found:
        for verdict in one.verdicts:
            released = f" (released as version {one.released_as})" if one.released_as else ""
            console.print(f"  {one.name}: {verdict}{released}", markup=False)


def _print_version(found: VersionShown) -> None:
    console, series = terminal(), found.series
    console.print(
        f"{found.name}: {series.price_area}, {series.source}, {series.basis.value}, every {series.resolution_min} min, "
        f"stored {local(found.stored_at)}",
        markup=False,
    )
    for verdict in found.verdicts:
        console.print(f"  {verdict}", markup=False)
    table = table_of("hour", "EUR/MWh by quarter", "", "", "")
    prices = series.price_eur_per_mwh
    for first in range(0, len(prices), 4):
        start = (series.start + first * SLOT).astimezone(UTC)
        table.add_row(local(start), *(f"{price:.2f}" for price in prices[first : first + 4]))
    console.print(table)


def _print_comparison(found: Comparison) -> None:
    console = terminal()
    differ = found.differences
    console.print(
        f"{found.first} and {found.second} differ in {len(differ)} of {counted(found.slots, 'slot')}", markup=False
    )
    if differ:
        table = table_of("from", found.first, found.second, "difference")
        for one in differ:
            difference = one.second_eur_per_mwh - one.first_eur_per_mwh
            prices = (one.first_eur_per_mwh, one.second_eur_per_mwh, difference)
            table.add_row(local(one.start), *(f"{price:.2f}" for price in prices))
        console.print(table)
