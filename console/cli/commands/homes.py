"""`heatsteer homes show` and `homes comfort`: what a home's people ask for and accept."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from application.access import Access
from application.errors import UseCaseError
from application.fleet import homes
from application.fleet.holiday_dates import holiday_dates
from console.cli.commands import panels
from console.cli.commands.pumps import print_state
from console.cli.errors import UsageError, sentence_of
from console.cli.options import Change, Reading, changes, reads
from console.cli.terminal import table_of, terminal
from console.cli.words import counted, local
from domain.homes.comfort import ComfortRule, ComfortWeek, week_rules
from domain.homes.enrolment import PumpProfile
from market.areas import area_of
from workflows.contracts import PumpStatus

app = typer.Typer(
    help="Homes: all their pumps, everybody's requests, comfort.", no_args_is_help=True, rich_markup_mode=None
)
comfort = typer.Typer(help="Room temperatures a household accepts.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(comfort, name="comfort")
app.add_typer(panels.app, name="panels")

Name = Annotated[str, typer.Argument(metavar="PUMP|HOME")]


@app.command("show")
@reads
def show_home(call: Reading, home: Annotated[str, typer.Argument(metavar="HOME")]) -> None:
    """All pumps of a home, and everybody's requests for them with who, when and why."""
    found = call.on_stack(lambda access: homes.home(access, home))
    document = {"home": found.home_id, "pumps": [_document(profile, status) for profile, status in found.pumps]}

    def readable() -> None:
        console = terminal()
        share = found.pumps[0][0].enrolment.home
        limit = f"; {share.raised_at_once} of {share.pumps} raised at a time" if share else ""
        console.print(f"[bold]{found.home_id}[/bold]{limit}")
        for profile, status in found.pumps:
            band = profile.enrolment.band
            pump = f"{profile.enrolment.pump_id}  {profile.model}, accepts {band.room_min_c:g} to {band.room_max_c:g} C"
            if isinstance(status, UseCaseError):
                console.print(f"{pump}: {sentence_of(status)}", markup=False)
                continue
            console.print(f"{pump}: target {status.target} by {status.authority}")
            print_state(console, status)

    call.show(document, readable)


def _document(profile: PumpProfile, status: PumpStatus | UseCaseError) -> dict[str, Any]:
    enrolment = profile.enrolment
    known = {
        "pump": enrolment.pump_id,
        "model": profile.model,
        "band": enrolment.band.model_dump(mode="json"),
        "share": enrolment.home.model_dump(mode="json") if enrolment.home else None,
    }
    if isinstance(status, UseCaseError):
        return known | {"problem": str(status)}
    return known | {
        "target": status.target,
        "authority": status.authority,
        "opted_out": status.state.opted_out,
        "overrides": [one.model_dump(mode="json") for one in status.state.overrides],
        "orders": [one.model_dump(mode="json") for one in status.state.orders],
    }


@comfort.command("set")
@changes
def set_comfort(
    call: Change,
    name: Name,
    low_c: Annotated[float, typer.Option("--min", help="Lowest accepted room temperature, degrees C.")],
    high_c: Annotated[float, typer.Option("--max", help="Highest, degrees C.")],
    week: Annotated[
        str | None,
        typer.Option(
            "--week", help='Other bands by day and time: "mon-fri 6:30-22:00 21-23; sat,sun 8:00-23:00 21-23".'
        ),
    ] = None,
    week_file: Annotated[
        Path | None, typer.Option("--week-file", help="The same from a file, a rule a line, # for remarks.")
    ] = None,
    country: Annotated[
        str | None, typer.Option("--holidays", help="Whose holidays count as holiday, or Sunday: DE, DE-BY, SE.")
    ] = None,
) -> None:
    """Change the room temperatures that a household accepts; takes effect at once, and in the next plan."""
    band, rules = homes.band_of(low_c, high_c), _rules(week, week_file)
    if country is not None and not rules:
        raise UsageError("--holidays says which days are holidays of a week: give --week or --week-file too")

    async def work(access: Access) -> list[str]:
        dates = () if country is None else holiday_dates(country, access.now().date())

        def week_in(price_area: str) -> ComfortWeek | None:
            tz = area_of(price_area).tz.key
            return ComfortWeek(tz=tz, rules=rules, holidays=dates, holidays_of=country or "") if rules else None

        return await homes.set_comfort(access, name, band, call.by, week_in)

    done = call.on_stack(work)
    document = {
        "pumps": done,
        "band": band.model_dump(mode="json", exclude={"week"}),
        "week": [rule.model_dump(mode="json") for rule in rules],
    }
    otherwise = f", but by {counted(len(rules), 'rule')} of its week" if rules else ""
    call.show(document, lambda: typer.echo(f"{', '.join(done)}: {low_c:g} to {high_c:g} C from now on{otherwise}"))


def _rules(text: str | None, file: Path | None) -> tuple[ComfortRule, ...]:
    if text is not None and file is not None:
        raise UsageError("give a week by --week or by --week-file, not by both")
    try:
        if file is not None:
            text = file.read_text(encoding="utf-8")
        rules = week_rules(text or "")
    except (OSError, ValueError) as error:
        raise UsageError(str(error)) from error
    if text is not None and not rules:
        raise UsageError("a week without a rule says nothing: leave it out for one band at all times")
    return rules


@comfort.command("show")
@reads
def show_comfort(call: Reading, name: Name) -> None:
    """The room temperatures a household accepts, the floor that follows, and the room last read."""
    found = call.on_stack(lambda access: homes.comfort_of(access, name))

    def readable() -> None:
        table = table_of("pump", "from", "to", "floor", "room", "as of")
        for one in found:
            room = "-" if one.room_c is None else f"{one.room_c:.1f} C"
            limits = (one.room_min_c, one.room_max_c, one.floor_c)
            table.add_row(one.pump, *(f"{limit:g} C" for limit in limits), room, local(one.as_of))
        terminal().print(table)
        for one in found:
            if one.week is not None:
                of = f", holidays of {one.week.holidays_of}" if one.week.holidays_of else ""
                terminal().print(f"{one.pump}, week in {one.week.tz}{of}:", markup=False)
                for rule in one.week.rules:
                    days = ",".join(day.value for day in rule.days)
                    hours = f"{rule.start:%H:%M}-{rule.end:%H:%M}"
                    accepts = f"{rule.accepts.room_min_c:g} to {rule.accepts.room_max_c:g} C"
                    terminal().print(f"  {days} {hours}: {accepts}", markup=False)

    call.show([asdict(one) for one in found], readable)
