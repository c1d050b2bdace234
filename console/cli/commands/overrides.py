"""`heatsteer pumps override|pause|vacation|emergency|boost|opt-out|retire ...`: what people ask of one pump."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated

import typer

from application.access import Access
from application.audit_log import Actor
from application.fleet import pumps
from application.pump_workflows import known
from application.steering import overrides
from application.steering.overrides import OverrideRequest
from console.cli.commands.pumps import app as app  # with these commands added to it
from console.cli.errors import CommandFailed, UsageError
from console.cli.options import Change, PumpId, changes
from console.cli.time_parsing import End, For, Until, end_of, parse_duration
from console.cli.words import local
from domain.modes import HotWaterMode, Mode
from domain.steering.overrides import LONGEST_OVERRIDE, LONGEST_VACATION, OverrideKind, OverrideSource
from workflows.contracts import OverrideAnswer, PumpStatus

EMERGENCY_FOR = timedelta(hours=12)
EMERGENCY_BY_DEFAULT = "the unit is asked for as much heat as its compressor gives"
"""For a unit whose vendor says nothing of what an emergency does."""

Source = Annotated[OverrideSource, typer.Option("--source", help="Who wants it.")]


@app.command("override")
@changes
def override(
    call: Change,
    pump: PumpId,
    mode: Annotated[Mode, typer.Argument(case_sensitive=False)],
    until: Until = None,
    duration: For = None,
    source: Source = OverrideSource.SUPPORT,
) -> None:
    """Put a pump into another mode until an end; answered at once, verified afterwards."""
    request = OverrideRequest(source=source, kind=OverrideKind.MODE, mode=mode)
    _ask(call, pump, request, _end(until, duration))


@app.command("pause")
@changes
def pause(
    call: Change,
    pump: PumpId,
    until: Until = None,
    duration: For = None,
    source: Source = OverrideSource.HOUSEHOLD,
) -> None:
    """Leave a pump to its own control until an end."""
    _ask(call, pump, OverrideRequest(source=source, kind=OverrideKind.PAUSE), _end(until, duration))


@app.command("resume")
@changes
def resume(call: Change, pump: PumpId) -> None:
    """End a pump's pauses, and what somebody set at its thermostat."""
    _act(call, pump, overrides.resume)


@app.command("vacation")
@changes
def vacation(
    call: Change,
    pump: PumpId,
    until: Until = None,
    duration: For = None,
    source: Source = OverrideSource.HOUSEHOLD,
) -> None:
    """Nobody home until an end, at most 120 days: set back, frost-safe, and warm again on return."""
    end = _end(until, duration, longest=LONGEST_VACATION)
    _ask(call, pump, OverrideRequest(source=source, kind=OverrideKind.VACATION), end)


@app.command("boost")
@changes
def boost(call: Change, pump: PumpId, until: Until = None, duration: For = None) -> None:
    """All the heat and hot water there is for the household, until an end."""
    request = OverrideRequest(
        source=OverrideSource.HOUSEHOLD, kind=OverrideKind.MODE, mode=Mode.MAX, hot_water=HotWaterMode.BOOST
    )
    _ask(call, pump, request, _end(until, duration))


@app.command("emergency")
@changes
def emergency(
    call: Change,
    pump: PumpId,
    until: Until = None,
    duration: For = None,
    source: Source = OverrideSource.HOUSEHOLD,
) -> None:
    """As much heat as the unit can give, by default for 12 h; says what that is, or that the pump cannot."""
    end = _end(until, duration, default=EMERGENCY_FOR)
    request = OverrideRequest(source=source, kind=OverrideKind.EMERGENCY)

    async def work(access: Access) -> tuple[OverrideAnswer, str | None, str]:
        profile = await known(access, pump)
        answer = await overrides.override(access, pump, call.by, request, end)
        return answer, await overrides.hindrance(access, profile, answer), profile.emergency or EMERGENCY_BY_DEFAULT

    answer, hindrance, does = call.on_stack(work)
    document = answer.model_dump(mode="json") | {"can": hindrance is None, "hindrance": hindrance, "does": does}
    call.show(document, lambda: None if hindrance else typer.echo(f"{_answer_words(pump, answer)}: {does}"))
    if hindrance:
        raise CommandFailed(
            f"{pump} cannot heat more now ({hindrance}); the request is kept as {answer.override_id} "
            "and written as soon as possible: send somebody, or other heat"
        )


@app.command("end-override")
@changes
def end_override(
    call: Change,
    pump: PumpId,
    override_id: Annotated[str | None, typer.Option("--id", help="Only this one; default: all of the pump.")] = None,
) -> None:
    """End an override of any kind; the plan takes over again."""
    _act(call, pump, lambda access, name, by: overrides.end_override(access, name, override_id, by))


@app.command("opt-out")
@changes
def opt_out(call: Change, pump: PumpId) -> None:
    """The household leaves: everything we set is reverted, and nothing more is written."""
    _act(call, pump, lambda access, name, by: pumps.consent(access, name, by, opted_out=True))


@app.command("opt-in")
@changes
def opt_in(call: Change, pump: PumpId) -> None:
    """The household comes back: the plan takes over again."""
    _act(call, pump, lambda access, name, by: pumps.consent(access, name, by, opted_out=False))


@app.command("retire")
@changes
def retire(call: Change, pump: PumpId) -> None:
    """Bring a pump back to its own control and steer it no more."""
    _act(call, pump, pumps.retire, "going back to its own control, then steered no more")


@app.command("start")
@changes
def start(call: Change, pump: PumpId) -> None:
    """Steer a pump again whose workflow was terminated; overrides and an opt-out still in force are kept."""
    _act(call, pump, pumps.start_again, "steered again")


def _end(
    until: str | None, duration: str | None, default: timedelta | None = None, longest: timedelta = LONGEST_OVERRIDE
) -> End:
    """The end given; one that is certainly too far off is refused before anything is connected."""
    end = end_of(until, duration, default)
    if duration is not None and parse_duration(duration) > longest:
        raise UsageError(f"--for {duration}: an override lasts at most {longest.days} days")
    return end


def _ask(call: Change, pump: str, request: OverrideRequest, end: End) -> None:
    async def work(access: Access) -> tuple[OverrideAnswer, datetime]:
        until = end(access.now())
        return await overrides.override(access, pump, call.by, request, lambda _: until), until

    answer, until = call.on_stack(work)
    call.show(answer, lambda: typer.echo(f"{_answer_words(pump, answer)}, until {local(until)}"))


def _answer_words(pump: str, answer: OverrideAnswer) -> str:
    taken = f"{pump}: taken as {answer.override_id}"
    if not answer.in_force:
        return f"{taken}; something stronger is in force"
    if answer.bounded_by:
        return f"{taken}; bounded by: {answer.bounded_by}"
    if answer.already:
        return f"{taken}; the heating was last seen in that mode already"
    if answer.command_id is None:
        return f"{taken}; it is written once the attempt in flight has ended"
    return f"{taken}; written by {answer.command_id}"


def _act(call: Change, pump: str, do: Callable[[Access, str, Actor], Awaitable[PumpStatus]], outcome: str = "") -> None:
    status = call.on_stack(lambda access: do(access, pump, call.by))
    call.show(status, lambda: typer.echo(f"{pump}: {outcome or f'{status.target} by {status.authority}'}"))
