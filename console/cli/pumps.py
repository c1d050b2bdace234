"""`heatsteer pumps list` and `show`: the fleet at a glance, and one pump with all that steers it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import typer
from rich.console import Console

from application import pumps as fleet
from console.access import Access
from console.cli.options import TZ, Folder, Json, PumpId, level_word, local, show, table_of, with_access
from console.cli.terminal import paper
from domain.modes import Circuit, HotWaterMode, Mode
from domain.oem.cloud import Condition, Reading
from domain.steering.arbitration import target_at
from domain.steering.overrides import Override
from domain.steering.pump_state import CircuitState
from workflows.contracts import PUMP_ALERT, PUMP_AUTHORITY, PumpStatus

app = typer.Typer(help="List, show and steer pumps by hand.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_pumps(folder: Folder = None, as_json: Json = False) -> None:
    """Every pump with its newest wishes, what it was seen in, and what a person should look at."""
    rows = with_access(folder, _list)

    def readable() -> None:
        table = table_of(
            "pump", "oem", "model", "wish", "by", "seen in", "hot water", "room", "as of", "alert", "state"
        )
        for row in rows:
            wished, seen = row["hot_water"], row["hot_water_seen_in"]
            water = "-" if wished is None else wished if wished == seen else f"{wished}, seen {seen}"
            table.add_row(
                row["pump"],
                row["oem"],
                row["model"],
                row["wish"],
                row["authority"],
                row["seen_in"],
                water,
                "-" if row["room_c"] is None else f"{row['room_c']:.1f} C",
                local(row["as_of"]),
                "" if row["alert"] == "none" else row["alert"],
                "retired" if row["retired_at"] else "steered",
            )
        paper().print(table)

    show(rows, as_json, readable)


async def _list(access: Access) -> list[dict[str, Any]]:
    pumps = await access.reports.pumps()
    seen = await access.reports.modes_seen()
    water_seen = await access.reports.modes_seen(Circuit.HOT_WATER)
    newest = await access.ledger.observations.newest([p["pump_id"] for p in pumps])
    shown = await _shown(access)
    rows = []
    for pump in pumps:
        pump_id = pump["pump_id"]
        reading = newest.get(pump_id)
        authority, alert = shown.get(pump_id, (pump["authority"] or "neutral", "none"))
        has_water = pump["profile"].get("hot_water") is not None
        rows.append(
            {
                "pump": pump_id,
                "oem": pump["oem"],
                "model": pump["profile"]["model"],
                "wish": pump["mode"] or Mode.LOW.value,
                "authority": authority,
                "seen_in": seen.get(pump_id, Mode.LOW.value),
                "hot_water": (pump["hot_water"] or HotWaterMode.NORMAL.value) if has_water else None,
                "hot_water_seen_in": water_seen.get(pump_id, HotWaterMode.NORMAL.value) if has_water else None,
                "room_c": reading.room_c if reading else None,
                "as_of": reading.as_of if reading else None,
                "alert": alert,
                "enrolled_at": pump["enrolled_at"],
                "retired_at": pump["retired_at"],
            }
        )
    return rows


async def _shown(access: Access) -> dict[str, tuple[str, str]]:
    """Authority and alert of every running pump, as its workflow last wrote them into its search attributes."""
    running = access.client.list_workflows("WorkflowType = 'HeatPumpWorkflow' AND ExecutionStatus = 'Running'")
    return {
        one.id.removeprefix("pump-"): (
            one.typed_search_attributes.get(PUMP_AUTHORITY, "neutral"),
            one.typed_search_attributes.get(PUMP_ALERT, "none"),
        )
        async for one in running
    }


@app.command("show")
def show_pump(pump: PumpId, folder: Folder = None, as_json: Json = False) -> None:
    """One pump: both circuits, who steers and why, plan, overrides, orders, condition, and the newest lines."""

    async def work(access: Access) -> tuple[PumpStatus, Reading | None, Sequence[Mapping[str, Any]]]:
        status = await fleet.status(access, pump)
        reading = (await access.ledger.observations.newest([pump])).get(pump)
        return status, reading, await access.reports.trail(pump, 12)

    status, reading, trail = with_access(folder, work)
    document = status.model_dump(mode="json") | {
        "circuits": {
            circuit.value: asdict(target_at(status.state, status.now, circuit)) for circuit, _ in status.state.circuits
        },
        "reading": reading.model_dump(mode="json") if reading else None,
        "trail": trail,
    }

    def readable() -> None:
        console = paper()
        console.print(f"[bold]{pump}[/bold]  {status.target} wished by {status.authority}; alert: {status.alert}")
        print_state(console, status)
        if reading:
            console.print(f"  read      {_read(reading)}", markup=False)
        for line in trail:
            setting = "" if line["setting"] is None else f" {line['setting']:g}"
            words = f"{line['mode']} by {line['authority']}: " if line["mode"] else ""
            at = f"{line['at'].astimezone(TZ):%d %b %H:%M:%S}"
            what = f"  {at}  {line['command_id']}  {words}{line['kind']}{setting}  {line['reason']}"
            console.print(what.rstrip(), markup=False)

    show(document, as_json, readable)


def print_state(console: Console, status: PumpStatus) -> None:
    """What steers a pump, a line a thing."""
    state = status.state
    for circuit, had in state.circuits:
        console.print(f"  {circuit.value.replace('_', ' '):<10}{_circuit(status, circuit, had)}", markup=False)
    if state.watch.condition is not Condition.NORMAL:
        console.print(f"  unit      {state.watch.condition.value}", markup=False)
    if state.watch.silent_since is not None:
        console.print(f"  silent    since {local(state.watch.silent_since)}")
    if state.plan:
        console.print(f"  plan      revision {state.plan.revision}, valid until {local(state.plan.valid_until)}")
    for one in state.overrides:
        console.print(f"  override  {override_words(one)}", markup=False)
    for order in state.orders:
        cap = f" at most {order.cap.value}" if order.cap else ""
        until = f" until {local(order.until)}" if order.until else ""
        lifted = f", lifted {local(order.lifted_at)}" if order.lifted_at else ""
        console.print(
            f"  order     {order.order_id}: {order.kind.value}{cap} ({order.scope}){until}{lifted}, "
            f"{order.who}: {order.why}",
            markup=False,
        )
    if state.opted_out:
        console.print("  consent   opted out: nothing is written but the way back")
    if state.refusal:
        console.print(f"  refused   {state.refusal}", markup=False)


def override_words(one: Override) -> str:
    """An override in a line: what, whose, until when, who, when and why."""
    what = one.mode.value if one.kind.value == "mode" else f"{one.kind.value} {one.mode.value}"
    water = f" and hot water {one.hot_water.value}" if one.hot_water else ""
    return (
        f"{one.override_id}: {what}{water} until {local(one.until)}, {one.source.value}, "
        f"{one.who} at {local(one.requested_at)}: {one.why}"
    )


def _circuit(status: PumpStatus, circuit: Circuit, had: CircuitState) -> str:
    target = target_at(status.state, status.now, circuit)
    seen = f"seen in {level_word(had.settled)}" + (f" at {local(had.settled_at)}" if had.settled_at else "")
    words = [
        f"{target.mode.value} by {target.authority.value}" + (f" ({target.reason})" if target.reason else ""),
        seen,
    ]
    if target.is_held:
        words.append("nothing may be written now")
    if had.open:
        words.append(f"{had.open.command.command_id} is open")
    if had.baseline is not None:
        words.append(f"by hand {had.baseline:g}")
    if had.failed:
        again = f"again {local(had.failed.retry_at)}" if had.failed.retry_at else "given up until the wish changes"
        words.append(f"{had.failed.mode.value} failed {had.failed.count}x ({had.failed.reason}), {again}")
    if had.drift:
        words.append(f"drifted to {had.drift.level.value} {had.drift.count}x")
    return "; ".join(words)


def _read(reading: Reading) -> str:
    room = "no room sensor" if reading.room_c is None else f"room {reading.room_c:.1f} C"
    tank = "" if reading.hot_water_c is None else f", tank {reading.hot_water_c:.1f} C"
    levers = reading.settings or ({reading.lever: reading.setting} if reading.setting is not None else {})
    settings = ", ".join(f"{lever} {setting:g}" for lever, setting in levers.items())
    return f"{room}{tank}, {settings or 'no setting'}, as of {local(reading.as_of)}"
