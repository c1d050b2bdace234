"""`heatsteer nominate AREA`: the load curve that was nominated, which the plans of its day then keep to at a price."""

from datetime import date
from typing import Annotated, Any

import typer

from application.planning.nominations import Nominated, Withdrawn, nominate, withdraw_nomination
from console.cli.commands.planning.load_curve import Day, tz_of
from console.cli.errors import UsageError
from console.cli.options import Change, changes
from console.cli.terminal import terminal
from domain.planning.load_curve import DeviationPrices

USUAL_EUR_PER_MWH = 50.0
"""Estimate of what imbalance prices differ from the day-ahead price by, either way."""
Version = Annotated[
    int | None, typer.Option("--version", min=1, metavar="N", help="Of the load curve; default: the newest of the day.")
]
Up = Annotated[
    float,
    typer.Option(
        "--price-up",
        min=0.0,
        metavar="EUR/MWh",
        envvar="HEATSTEER_DEVIATION_PRICE_UP",
        help="What a MWh beyond it costs above the day-ahead price.",
    ),
]
Down = Annotated[
    float,
    typer.Option(
        "--price-down",
        min=0.0,
        metavar="EUR/MWh",
        envvar="HEATSTEER_DEVIATION_PRICE_DOWN",
        help="What a MWh missing of it loses below the day-ahead price.",
    ),
]
Clear = Annotated[bool, typer.Option("--clear", help="Withdraw what was nominated: plans keep to nothing any more.")]


@changes
def nominate_curve(
    call: Change,
    area: Annotated[str, typer.Argument(metavar="AREA", help="A grid area or a price area.")],
    day: Day = None,
    version: Version = None,
    price_up: Up = USUAL_EUR_PER_MWH,
    price_down: Down = USUAL_EUR_PER_MWH,
    clear: Clear = False,
) -> None:
    """Say which load curve was nominated for a market day: its plans then keep to it, at the price of deviating."""
    chosen = None if day is None else day.date()
    if clear:
        if version is not None:
            raise UsageError("--clear withdraws whatever stands for the day: leave --version out")
        gone = call.on_stack(lambda access: withdraw_nomination(access, area, chosen, call.by, tz_of))
        call.show(_document(gone), lambda: _print_withdrawn(gone))
        return
    prices = DeviationPrices(up_eur_per_mwh=price_up, down_eur_per_mwh=price_down)
    made = call.on_stack(lambda access: nominate(access, area, chosen, version, prices, call.by, tz_of))
    call.show(_document(made), lambda: _print(made))


def _document(what: Nominated | Withdrawn) -> dict[str, Any]:
    return {
        "withdrawn": isinstance(what, Withdrawn),
        "planned_before": what.planned_before,
        **what.nomination.model_dump(mode="json", exclude={"revision"}),
    }


def _print(made: Nominated) -> None:
    one, prices, curve = made.nomination, made.nomination.power.prices, made.curve
    terminal().print(
        f"nomination {one.number}: load curve {one.power.curve} of {one.area}, {curve.day}, {one.energy_kwh:.0f} kWh, "
        f"heating only; a MWh beyond it costs {prices.up_eur_per_mwh:g} EUR more than the day's price, one missing of "
        f"it loses {prices.down_eur_per_mwh:g} EUR",
        markup=False,
    )
    if prices.up_eur_per_mwh == prices.down_eur_per_mwh == 0:
        terminal().print("  at no price it binds no plan", markup=False)
    if made.planned_before:
        _print_renewal(one.price_area, curve.day, "does not know of it")


def _print_withdrawn(gone: Withdrawn) -> None:
    one = gone.nomination
    terminal().print(f"nomination {one.number} of {one.area} is withdrawn", markup=False)
    if gone.planned_before:
        _print_renewal(one.price_area, gone.day, "still keeps to it")


def _print_renewal(price_area: str, day: date, problem: str) -> None:
    terminal().print(
        f"  the plan of that day that was made before {problem}: "
        f"`heatsteer plan run --area {price_area} --date {day}` makes another",
        markup=False,
    )
