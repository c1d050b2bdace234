"""`heatsteer homes show` and `homes comfort`: what a home's people wish and accept."""

from typing import Annotated, Any

import typer

from application import homes
from application.overrides import signed
from console.cli.options import Folder, Json, Who, Why, local, show, table_of, with_access
from console.cli.pumps import print_state
from console.cli.terminal import paper
from domain.homes.enrolment import PumpProfile
from workflows.contracts import PumpStatus

app = typer.Typer(
    help="Homes: all their pumps, everybody's wishes, comfort.", no_args_is_help=True, rich_markup_mode=None
)
comfort = typer.Typer(help="Room temperatures a household accepts.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(comfort, name="comfort")

Name = Annotated[str, typer.Argument(metavar="PUMP|HOME")]


@app.command("show")
def show_home(
    home: Annotated[str, typer.Argument(metavar="HOME")], folder: Folder = None, as_json: Json = False
) -> None:
    """All pumps of a home, and everybody's wishes for them with who, when and why."""
    home_id, found = with_access(folder, lambda access: homes.home(access, home))
    document = {"home": home_id, "pumps": [_document(profile, status) for profile, status in found]}

    def readable() -> None:
        console = paper()
        share = found[0][0].enrolment.home
        limit = f"; {share.raised_at_once} of {share.pumps} raised at a time" if share else ""
        console.print(f"[bold]{home_id}[/bold]{limit}")
        for profile, status in found:
            band = profile.enrolment.band
            wants = f"accepts {band.room_min_c:g} to {band.room_max_c:g} C"
            if isinstance(status, str):
                console.print(f"{profile.enrolment.pump_id}  {profile.model}, {wants}: {status}", markup=False)
                continue
            console.print(
                f"{profile.enrolment.pump_id}  {profile.model}, {wants}: {status.target} wished by {status.authority}"
            )
            print_state(console, status)

    show(document, as_json, readable)


def _document(profile: PumpProfile, status: PumpStatus | str) -> dict[str, Any]:
    enrolment = profile.enrolment
    known = {
        "pump": enrolment.pump_id,
        "model": profile.model,
        "band": enrolment.band.model_dump(mode="json"),
        "share": enrolment.home.model_dump(mode="json") if enrolment.home else None,
    }
    if isinstance(status, str):
        return known | {"problem": status}
    return known | {
        "wish": status.target,
        "authority": status.authority,
        "opted_out": status.state.opted_out,
        "overrides": [one.model_dump(mode="json") for one in status.state.overrides],
        "orders": [one.model_dump(mode="json") for one in status.state.orders],
    }


@comfort.command("set")
def set_comfort(
    name: Name,
    low_c: Annotated[float, typer.Option("--min", help="Lowest accepted room temperature, degrees C.")],
    high_c: Annotated[float, typer.Option("--max", help="Highest, degrees C.")],
    who: Who,
    why: Why,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """The household accepts other room temperatures; binds at once, and the next plan keeps to them."""
    by, band = signed(who, why), homes.band_of(low_c, high_c)
    done = with_access(folder, lambda access: homes.set_comfort(access, name, band, by))
    document = {"pumps": done, "band": band.model_dump(mode="json")}
    show(document, as_json, lambda: typer.echo(f"{', '.join(done)}: {low_c:g} to {high_c:g} C from now on"))


@comfort.command("show")
def show_comfort(name: Name, folder: Folder = None, as_json: Json = False) -> None:
    """The room temperatures a household accepts, the floor that follows, and the room last read."""
    rows = with_access(folder, lambda access: homes.comfort_of(access, name))

    def readable() -> None:
        table = table_of("pump", "from", "to", "floor", "room", "as of")
        for row in rows:
            room = "-" if row["room_c"] is None else f"{row['room_c']:.1f} C"
            limits = (row["room_min_c"], row["room_max_c"], row["floor_c"])
            table.add_row(row["pump"], *(f"{limit:g} C" for limit in limits), room, local(row["as_of"]))
        paper().print(table)

    show(rows, as_json, readable)
