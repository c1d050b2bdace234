"""`heatsteer pumps list` and `show`: the fleet at a glance, and one pump with all that steers it."""

from dataclasses import asdict

import typer
from rich.console import Console

from application.fleet.pumps import list_pumps, pump_in_full
from console.cli.commands.order_commands import order_words
from console.cli.commands.planning.house_models import show_model
from console.cli.options import PumpId, Reading, reads
from console.cli.terminal import table_of, terminal
from console.cli.words import TZ, level_word, local
from domain.modes import Circuit
from domain.oem.readings import Condition
from domain.oem.readings import Reading as PumpReading
from domain.steering.arbitration import target_at
from domain.steering.overrides import Override
from domain.steering.pump_state import CircuitState
from workflows.contracts import PumpStatus

app = typer.Typer(help="List, show and steer single pumps.", no_args_is_help=True, rich_markup_mode=None)
app.command("model")(show_model)


@app.command("list")
@reads
def list_all(call: Reading) -> None:
    """Every pump with its newest targets, what it was seen in, and what a person should look at."""
    found = call.on_stack(list_pumps)

    def readable() -> None:
        table = table_of(
            "pump", "oem", "model", "target", "by", "seen in", "hot water", "room", "as of", "alert", "state"
        )
        for one in found:
            target, seen = one.hot_water, one.hot_water_seen_in
            water = "-" if target is None else target if target == seen else f"{target}, seen {seen}"
            table.add_row(
                one.pump,
                one.oem,
                one.model,
                one.target,
                one.authority,
                one.seen_in,
                water,
                "-" if one.room_c is None else f"{one.room_c:.1f} C",
                local(one.as_of),
                "" if one.alert == "none" else one.alert,
                "retired" if one.retired_at else "steered",
            )
        terminal().print(table)

    call.show([asdict(one) for one in found], readable)


@app.command("show")
@reads
def show_pump(call: Reading, pump: PumpId) -> None:
    """One pump: both circuits, who steers and why, plan, overrides, orders, condition, newest command events."""
    found = call.on_stack(lambda access: pump_in_full(access, pump))
    status, reading = found.status, found.reading
    document = status.model_dump(mode="json") | {
        "circuits": {
            circuit.value: asdict(target_at(status.state, status.now, circuit)) for circuit, _ in status.state.circuits
        },
        "reading": reading.model_dump(mode="json") if reading else None,
        "events": found.command_lines,
    }

    def readable() -> None:
        console = terminal()
        console.print(f"[bold]{pump}[/bold]  target {status.target} by {status.authority}; alert: {status.alert}")
        print_state(console, status)
        if reading:
            console.print(f"  read      {_reading_words(reading)}", markup=False)
        for line in found.command_lines:
            setting = "" if line["setting"] is None else f" {line['setting']:g}"
            words = f"{line['mode']} by {line['authority']}: " if line["mode"] else ""
            at = f"{line['at'].astimezone(TZ):%d %b %H:%M:%S}"
            what = f"  {at}  {line['command_id']}  {words}{line['kind']}{setting}  {line['reason']}"
            console.print(what.rstrip(), markup=False)

    call.show(document, readable)


def print_state(console: Console, status: PumpStatus) -> None:
    """What steers a pump, one line each."""
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
        until = f" until {local(order.until)}" if order.until else ""
        lifted = f", lifted {local(order.lifted_at)}" if order.lifted_at else ""
        console.print(
            f"  order     {order.order_id}: {order_words(order)}{until}{lifted}, {order.who}: {order.why}",
            markup=False,
        )
    if state.opted_out:
        console.print("  consent   opted out: nothing is written but the revert")
    if state.refusal:
        console.print(f"  refused   {state.refusal}", markup=False)


def override_words(one: Override) -> str:
    """An override in one line: what, until when, from whom, when and why."""
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
    if had.baseline_at is not None:
        words.append(f"baseline set by a person to {had.lever.baseline:g} at {local(had.baseline_at)}")
    if had.failed:
        again = f"again {local(had.failed.retry_at)}" if had.failed.retry_at else "given up until the target changes"
        words.append(f"{had.failed.mode.value} failed {had.failed.count}x ({had.failed.reason}), {again}")
    if had.drift:
        words.append(f"drifted to {had.drift.level.value} {had.drift.count}x")
    return "; ".join(words)


def _reading_words(reading: PumpReading) -> str:
    room = "no room sensor" if reading.room_c is None else f"room {reading.room_c:.1f} C"
    tank = "" if reading.hot_water_c is None else f", tank {reading.hot_water_c:.1f} C"
    levers = reading.settings or ({reading.lever: reading.setting} if reading.setting is not None else {})
    settings = ", ".join(f"{lever} {setting:g}" for lever, setting in levers.items())
    return f"{room}{tank}, {settings or 'no setting'}, as of {local(reading.as_of)}"
