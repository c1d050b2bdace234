"""`heatsteer pumps ...`: list, look at, override and retire pumps."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from console import fleet
from console.access import Access, reach
from console.complaints import WrongInput
from console.paper import paper
from console.running import run
from console.words import parse_duration, parse_until
from domain.modes import Mode
from domain.overrides import OverrideKind
from workflows.contracts import PumpStatus

app = typer.Typer(help="List, show and steer pumps by hand.", no_args_is_help=True, rich_markup_mode=None)
TZ = ZoneInfo("Europe/Berlin")

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Folder = Annotated[Path | None, typer.Option("--dir", help="The stack's folder; default: the one running under ./var.")]
Who = Annotated[str, typer.Option("--who", help="Who asks for it (a role or id, no full name needed).")]
Why = Annotated[str, typer.Option("--why", help="Why; kept in the audit trail.")]
PumpId = Annotated[str, typer.Argument(metavar="PUMP")]


def _with_access[T](folder: Path | None, work: Callable[[Access], Awaitable[T]]) -> T:
    async def opened() -> T:
        async with reach(folder) as access:
            return await work(access)

    return run(opened())


def _print(document: Any, as_json: bool, readable: Callable[[], None]) -> None:
    if as_json:
        typer.echo(json.dumps(document, default=_plain))
    else:
        readable()


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


@app.command("list")
def list_pumps(folder: Folder = None, as_json: Json = False) -> None:
    """Every pump with its newest command and room."""
    rows = _with_access(folder, _list)

    def readable() -> None:
        table = Table(box=None, header_style="bold")
        for name in ("pump", "oem", "model", "wish", "by", "seen in", "room", "as of", "state"):
            table.add_column(name)
        for row in rows:
            table.add_row(
                row["pump"],
                row["oem"],
                row["model"],
                row["wish"],
                row["authority"],
                row["seen_in"],
                "-" if row["room_c"] is None else f"{row['room_c']:.1f} C",
                "-" if row["as_of"] is None else f"{row['as_of'].astimezone(TZ):%d %b %H:%M}",
                "retired" if row["retired_at"] else "steered",
            )
        paper().print(table)

    _print(rows, as_json, readable)


async def _list(access: Access) -> list[dict[str, Any]]:
    pumps = await access.reports.pumps()
    seen = await access.reports.modes_seen()
    newest = await access.ledger.observations.newest([p["pump_id"] for p in pumps])
    rows = []
    for pump in pumps:
        reading = newest.get(pump["pump_id"])
        rows.append(
            {
                "pump": pump["pump_id"],
                "oem": pump["oem"],
                "model": pump["profile"]["model"],
                "wish": pump["mode"] or Mode.LOW.value,
                "authority": pump["authority"] or "neutral",
                "seen_in": seen.get(pump["pump_id"], Mode.LOW.value),
                "room_c": reading.room_c if reading else None,
                "as_of": reading.as_of if reading else None,
                "enrolled_at": pump["enrolled_at"],
                "retired_at": pump["retired_at"],
            }
        )
    return rows


@app.command("show")
def show(pump: PumpId, folder: Folder = None, as_json: Json = False) -> None:
    """One pump: wish, authority, plan, overrides, and the newest lines of its commands."""

    async def work(access: Access) -> tuple[PumpStatus, Any, Any]:
        status = await fleet.status(access, pump)
        reading = (await access.ledger.observations.newest([pump])).get(pump)
        return status, reading, await access.reports.trail(pump, 12)

    status, reading, trail = _with_access(folder, work)
    document = status.model_dump(mode="json") | {
        "reading": reading.model_dump(mode="json") if reading else None,
        "trail": trail,
    }

    def readable() -> None:
        console = paper()
        _print_status(console, pump, status)
        if reading:
            room = "no room sensor" if reading.room_c is None else f"room {reading.room_c:.1f} C"
            setting = f"{reading.lever.value} {reading.setting}"
            console.print(f"  read     {room}, {setting}, as of {reading.as_of.astimezone(TZ):%d %b %H:%M}")
        for line in trail:
            what = f"{line['kind']} {line['setting'] if line['setting'] is not None else ''}"
            console.print(
                f"  {line['at'].astimezone(TZ):%d %b %H:%M:%S}  {line['command_id']}  {what}  {line['reason']}",
                markup=False,
            )

    _print(document, as_json, readable)


def _print_status(console: Console, pump: str, status: PumpStatus) -> None:
    state = status.state
    console.print(f"[bold]{pump}[/bold]  {status.wish} wished by {status.authority}; alert: {status.alert}")
    seen = state.settled.value if state.settled else "unknown"
    console.print(f"  seen in  {seen}" + (", a command is open" if state.open else ""))
    if state.plan:
        until = state.plan.valid_until.astimezone(TZ)
        console.print(f"  plan     revision {state.plan.revision}, valid until {until:%d %b %H:%M}")
    for one in state.overrides:
        until = one.until.astimezone(TZ)
        console.print(
            f"  override {one.override_id}: {one.mode.value} until {until:%d %b %H:%M}, {one.who}: {one.why}",
            markup=False,
        )
    if state.refusal:
        console.print(f"  refused  {state.refusal}", markup=False)


@app.command("override")
def override(
    pump: PumpId,
    mode: Annotated[Mode, typer.Argument(case_sensitive=False)],
    who: Who,
    why: Why,
    until: Annotated[str | None, typer.Option(help="18:30 or 2026-01-15T18:30 (local time).")] = None,
    duration: Annotated[str | None, typer.Option("--for", help="90m, 2h, 1d12h.")] = None,
    kind: Annotated[OverrideKind, typer.Option(help="Whose wish it is.")] = OverrideKind.SUPPORT,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Wish another mode for a pump until an end; answered at once, verified afterwards."""
    if (until is None) == (duration is None):
        raise WrongInput("give an end: either --until 18:30 or --for 2h")
    # Looked at before anything is connected: wrong words need no stack to be called wrong.
    if duration is not None:
        parse_duration(duration)
    else:
        parse_until(until or "", datetime.now(UTC), TZ)
    fleet.signed(who, why)

    async def work(access: Access) -> Any:
        now = access.now()
        end = now + parse_duration(duration) if duration is not None else parse_until(until or "", now, TZ)
        return await fleet.override(access, pump, mode, end, kind, who, why)

    answer = _with_access(folder, work)

    def readable() -> None:
        if not answer.in_force:
            typer.echo(f"{pump}: taken as {answer.override_id}; a stronger wish is in force")
        elif answer.already:
            typer.echo(f"{pump}: taken as {answer.override_id}; the pump was last seen in {mode.value} already")
        elif answer.command_id is None:
            typer.echo(f"{pump}: taken as {answer.override_id}; it is written once the attempt in flight has ended")
        else:
            typer.echo(f"{pump}: taken as {answer.override_id}; {answer.command_id} brings it about")

    _print(answer.model_dump(mode="json"), as_json, readable)


@app.command("end-override")
def end_override(
    pump: PumpId,
    who: Who,
    why: Why,
    override_id: Annotated[str | None, typer.Option("--id", help="Only this one; default: all of the pump.")] = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """End an override; the plan takes over again."""
    status = _with_access(folder, lambda access: fleet.end_override(access, pump, override_id, who, why))
    _print(status.model_dump(mode="json"), as_json, lambda: typer.echo(f"{pump}: {status.wish} by {status.authority}"))


@app.command("retire")
def retire(pump: PumpId, who: Who, why: Why, folder: Folder = None, as_json: Json = False) -> None:
    """Bring a pump back to its own control and steer it no more."""
    status = _with_access(folder, lambda access: fleet.retire(access, pump, who, why))
    _print(
        status.model_dump(mode="json"),
        as_json,
        lambda: typer.echo(f"{pump}: going back to its own control, then steered no more"),
    )
