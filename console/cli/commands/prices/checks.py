"""`heatsteer prices check`: judges one raw answer of a price source without storing it; needs no running stack."""

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from application.planning.price_checks import PriceCheck, price_check
from market.areas import area_of
from market.checking import check_price_file
from market.registry import price_formats

REFUSED = 2


def check(
    file: Annotated[Path, typer.Argument(help="A price source's answer, as it was sent.")],
    source: Annotated[
        str | None, typer.Option("--source", help="The source's name; default: what the document looks like.")
    ] = None,
    price_area: Annotated[
        str | None, typer.Option("--price-area", help="Default: the document's own, or DE-LU.")
    ] = None,
    day: Annotated[str | None, typer.Option("--date", help="One market day, YYYY-MM-DD; default: all.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Judge a price document as steering would, and store nothing; exit code 2 where it is refused."""
    _judge_names(source, price_area)
    checked = check_price_file(file, source, price_area, _day(day))
    found = price_check(
        checked.source, checked.price_area, checked.currency, checked.days, checked.notes, checked.refusal
    )
    if as_json:
        typer.echo(json.dumps(found.model_dump(mode="json")))
    else:
        _print(found)
    if found.refusal is not None:
        typer.echo(f"heatsteer: {found.refusal}", err=True)
        raise typer.Exit(REFUSED)


def _judge_names(source: str | None, price_area: str | None) -> None:
    if source is not None and source not in price_formats():
        known = ", ".join(sorted(price_formats()))
        raise typer.BadParameter(f"{source!r} is none of {known}", param_hint="--source")
    try:
        if price_area is not None:
            area_of(price_area)
    except LookupError as error:
        raise typer.BadParameter(str(error.args[0]), param_hint="--price-area") from error


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date: write YYYY-MM-DD", param_hint="--date") from None


def _print(found: PriceCheck) -> None:
    for verdict in found.verdicts:
        if verdict.kind == "note":
            typer.echo(verdict.sentence)
    if found.refusal is None:
        prices = [slot.eur_per_mwh for slot in found.slots]
        typer.echo(
            f"{found.source}, {found.price_area}: {len(prices)} slots from {found.slots[0].start:%Y-%m-%d %H:%M} UTC, "
            f"published every {found.resolution_min} min, {min(prices):g} to {max(prices):g} EUR/MWh"
        )
