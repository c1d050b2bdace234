"""`heatsteer homes panels set|remove|show`: the solar panels on a home's own roof."""

from typing import Annotated

import typer

from application.access import Access
from application.fleet import homes
from console.cli.errors import UsageError
from console.cli.options import Change, Reading, changes, reads
from console.cli.terminal import table_of, terminal
from domain.homes.enrolment import PumpProfile
from domain.homes.panels import ORIENTATIONS, Panels

app = typer.Typer(help="Solar panels on a home's own roof.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="PUMP|HOME")]


@app.command("set")
@changes
def set_panels(
    call: Change,
    name: Name,
    kwp: Annotated[float, typer.Option("--kwp", min=0.1, max=100, help="Peak power.")],
    feed_in: Annotated[float, typer.Option("--feed-in", min=-1000, max=1000, help="What feeding in earns, EUR/MWh.")],
    tilt_deg: Annotated[float, typer.Option("--tilt", min=0, max=90, help="Degrees; 0 lies flat.")] = 35.0,
    facing: Annotated[
        str, typer.Option("--facing", help="n, ne, e, se, s, sw, w, nw, or degrees from north, 180 for south.")
    ] = "s",
    house_kw: Annotated[
        float, typer.Option("--house-kw", min=0, max=50, help="What the house takes beside its heat pump, on average.")
    ] = 0.35,
) -> None:
    """Say what is on a home's roof: from the next plan on its pumps heat where it gives more than the house takes."""
    panels = Panels(
        kwp=kwp, tilt_deg=tilt_deg, azimuth_deg=_azimuth(facing), feed_in_eur_per_mwh=feed_in, house_kw=house_kw
    )
    done = call.on_stack(lambda access: homes.set_panels(access, name, panels, call.by))
    sentence = f"{', '.join(done)}: {kwp:g} kWp, surplus at {feed_in:g} EUR/MWh from the next plan on"
    call.show({"pumps": done, "panels": panels.model_dump(mode="json")}, lambda: typer.echo(sentence))


@app.command("remove")
@changes
def remove_panels(call: Change, name: Name) -> None:
    """Plan a home as one without panels."""
    done = call.on_stack(lambda access: homes.set_panels(access, name, None, call.by))
    call.show(
        {"pumps": done, "panels": None}, lambda: typer.echo(f"{', '.join(done)}: no panels from the next plan on")
    )


@app.command("show")
@reads
def show_panels(call: Reading, name: Name) -> None:
    """What is on a home's roof."""

    async def work(access: Access) -> list[PumpProfile]:
        return await homes.pumps_of(access, name, whole_home=True)

    known = [(one.enrolment.pump_id, one.enrolment.panels) for one in call.on_stack(work)]

    def readable() -> None:
        table = table_of("pump", "kWp", "tilt", "facing", "feed-in EUR/MWh", "house kW")
        for pump, of in known:
            shown = () if of is None else (of.kwp, of.tilt_deg, of.azimuth_deg, of.feed_in_eur_per_mwh, of.house_kw)
            table.add_row(pump, *(f"{value:g}" for value in shown or ()), *("-" for _ in range(5 - len(shown))))
        terminal().print(table)

    call.show([{"pump": pump, "panels": panels} for pump, panels in known], readable)


def _azimuth(text: str) -> float:
    known = ORIENTATIONS.get(text.strip().lower())
    if known is not None:
        return known
    try:
        degrees = float(text)
    except ValueError:
        degrees = -1.0
    if not 0 <= degrees <= 360:
        raise UsageError(f"--facing {text}: give one of {', '.join(ORIENTATIONS)}, or degrees from north up to 360")
    return degrees
