"""`heatsteer pumps override|pause|vacation|emergency|boost|opt-out|retire ...`: what people wish of one pump."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from application import overrides as acts
from application import pumps as fleet
from application.errors import Failed, WrongInput
from application.overrides import Actor, Wished, signed
from console.access import Access
from console.cli.options import End, Folder, For, Json, PumpId, Until, Who, Why, end_of, local, show, with_access
from console.cli.pumps import app as app  # with these acts added to it
from console.cli.time_parsing import parse_duration
from domain.modes import HotWaterMode, Mode
from domain.steering.overrides import LONGEST_OVERRIDE, LONGEST_VACATION, OverrideKind, OverrideSource
from workflows.contracts import OverrideAnswer, PumpStatus

EMERGENCY_FOR = timedelta(hours=12)
NO_WORDS = "the unit is asked for as much heat as its compressor gives"

Source = Annotated[OverrideSource, typer.Option("--source", help="Whose wish it is.")]


@app.command("override")
def override(
    pump: PumpId,
    mode: Annotated[Mode, typer.Argument(case_sensitive=False)],
    who: Who,
    why: Why,
    until: Until = None,
    duration: For = None,
    source: Source = OverrideSource.SUPPORT,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Target another mode for a pump until an end; answered at once, verified afterwards."""
    wished = Wished(source=source, kind=OverrideKind.MODE, mode=mode)
    _ask(pump, wished, signed(who, why), _end(until, duration), folder, as_json)


@app.command("pause")
def pause(
    pump: PumpId,
    who: Who,
    why: Why,
    until: Until = None,
    duration: For = None,
    source: Source = OverrideSource.HOUSEHOLD,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Leave a pump to its own control until an end."""
    _ask(pump, Wished(source=source, kind=OverrideKind.PAUSE), signed(who, why), _end(until, duration), folder, as_json)


@app.command("resume")
def resume(pump: PumpId, who: Who, why: Why, folder: Folder = None, as_json: Json = False) -> None:
    """End a pump's pauses, and what somebody set at its thermostat."""
    _act(pump, who, why, folder, as_json, acts.resume)


@app.command("vacation")
def vacation(
    pump: PumpId,
    who: Who,
    why: Why,
    until: Until = None,
    duration: For = None,
    source: Source = OverrideSource.HOUSEHOLD,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Nobody home until an end, at most 120 days: set back, frost-safe, and warm again on return."""
    end = _end(until, duration, longest=LONGEST_VACATION)
    _ask(pump, Wished(source=source, kind=OverrideKind.VACATION), signed(who, why), end, folder, as_json)


@app.command("boost")
def boost(
    pump: PumpId,
    who: Who,
    why: Why,
    until: Until = None,
    duration: For = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """The household wants all the heat and hot water there is, until an end."""
    wished = Wished(
        source=OverrideSource.HOUSEHOLD, kind=OverrideKind.MODE, mode=Mode.MAX, hot_water=HotWaterMode.BOOST
    )
    _ask(pump, wished, signed(who, why), _end(until, duration), folder, as_json)


@app.command("emergency")
def emergency(
    pump: PumpId,
    who: Who,
    why: Why,
    until: Until = None,
    duration: For = None,
    source: Source = OverrideSource.HOUSEHOLD,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """As much heat as the unit can give, by default for 12 h; says what that is, or that the pump cannot."""
    by, end = signed(who, why), _end(until, duration, default=EMERGENCY_FOR)
    wished = Wished(source=source, kind=OverrideKind.EMERGENCY)

    async def work(access: Access) -> tuple[OverrideAnswer, str | None, str]:
        profile = await fleet.known(access, pump)
        answer = await acts.override(access, pump, by, wished, end)
        return answer, await acts.hindrance(access, profile, answer), profile.emergency

    answer, problem, words = with_access(folder, work)
    document = answer.model_dump(mode="json") | {
        "can": problem is None,
        "hindrance": problem,
        "does": words or NO_WORDS,
    }
    show(document, as_json, lambda: None if problem else typer.echo(f"{_said(pump, answer)}: {words or NO_WORDS}"))
    if problem:
        raise Failed(
            f"{pump} cannot heat more now ({problem}); the wish stands as {answer.override_id} "
            "and is written once it can be: send somebody, or other heat"
        )


@app.command("end-override")
def end_override(
    pump: PumpId,
    who: Who,
    why: Why,
    override_id: Annotated[str | None, typer.Option("--id", help="Only this one; default: all of the pump.")] = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """End an override of any kind; the plan takes over again."""
    _act(pump, who, why, folder, as_json, lambda access, name, by: acts.end_override(access, name, override_id, by))


@app.command("opt-out")
def opt_out(pump: PumpId, who: Who, why: Why, folder: Folder = None, as_json: Json = False) -> None:
    """The household leaves: all we ever set is reverted, and nothing more is written."""

    def leave(access: Access, name: str, by: Actor) -> Awaitable[PumpStatus]:
        return acts.consent(access, name, by, opted_out=True)

    _act(pump, who, why, folder, as_json, leave)


@app.command("opt-in")
def opt_in(pump: PumpId, who: Who, why: Why, folder: Folder = None, as_json: Json = False) -> None:
    """The household comes back: the plan takes over again."""

    def come_back(access: Access, name: str, by: Actor) -> Awaitable[PumpStatus]:
        return acts.consent(access, name, by, opted_out=False)

    _act(pump, who, why, folder, as_json, come_back)


@app.command("retire")
def retire(pump: PumpId, who: Who, why: Why, folder: Folder = None, as_json: Json = False) -> None:
    """Bring a pump back to its own control and steer it no more."""
    by = signed(who, why)
    status = with_access(folder, lambda access: acts.retire(access, pump, by))
    show(status, as_json, lambda: typer.echo(f"{pump}: going back to its own control, then steered no more"))


@app.command("start")
def start(pump: PumpId, who: Who, why: Why, folder: Folder = None, as_json: Json = False) -> None:
    """Steer a pump again whose workflow was ended by hand; wishes and an opt-out that still stand are kept."""
    by = signed(who, why)
    status = with_access(folder, lambda access: acts.start(access, pump, by))
    show(status, as_json, lambda: typer.echo(f"{pump}: steered again"))


def _end(
    until: str | None, duration: str | None, default: timedelta | None = None, longest: timedelta = LONGEST_OVERRIDE
) -> End:
    """The end given; one that is too far for sure is refused before anything is connected."""
    end = end_of(until, duration, default)
    if duration is not None and parse_duration(duration) > longest:
        raise WrongInput(f"--for {duration}: at most {longest.days} days can be wished for")
    return end


def _ask(pump: str, wished: Wished, by: Actor, end: End, folder: Path | None, as_json: bool) -> None:
    answer, until = with_access(folder, lambda access: _asked(access, pump, wished, by, end))
    show(answer, as_json, lambda: typer.echo(f"{_said(pump, answer)}, until {local(until)}"))


async def _asked(access: Access, pump: str, wished: Wished, by: Actor, end: End) -> tuple[OverrideAnswer, datetime]:
    meant = end(access.now())
    return await acts.override(access, pump, by, wished, lambda _: meant), meant


def _said(pump: str, answer: OverrideAnswer) -> str:
    taken = f"{pump}: taken as {answer.override_id}"
    if not answer.in_force:
        return f"{taken}; a stronger wish is in force"
    if answer.bounded_by:
        return f"{taken}; it is bounded by: {answer.bounded_by}"
    if answer.already:
        return f"{taken}; the heating was last seen so already"
    if answer.command_id is None:
        return f"{taken}; it is written once the attempt in flight has ended"
    return f"{taken}; {answer.command_id} brings it about"


def _act(
    pump: str,
    who: str,
    why: str,
    folder: Path | None,
    as_json: bool,
    do: Callable[[Access, str, Actor], Awaitable[PumpStatus]],
) -> None:
    by = signed(who, why)
    status = with_access(folder, lambda access: do(access, pump, by))
    show(status, as_json, lambda: typer.echo(f"{pump}: {status.target} by {status.authority}"))
