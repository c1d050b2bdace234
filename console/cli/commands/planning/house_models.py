"""`heatsteer pumps model`: what is known of a pump's house, since when and how well."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from application.fleet.house_models import HouseModelView, house_model
from console.cli.errors import UsageError
from console.cli.options import Plot, PumpId, Reading, reads
from console.cli.plotting import Panel, draw
from console.cli.terminal import table_of, terminal
from console.cli.words import local
from domain.homes.learned import AheadErrors, Fitted, LearnedHouse, Source

PER_HOUR = 4


@reads
def show_model(call: Reading, pump: PumpId, plot: Plot = None) -> None:
    """What is known of a pump's house: figures with intervals, where they come from, errors a day ahead."""
    found = call.on_stack(lambda access: house_model(access, pump))
    newest = next(iter(found.versions), None)
    if plot is not None:
        if newest is None or newest.foretold is None:
            raise UsageError(f"no day of {pump} was foretold yet: there is nothing to draw")
        draw(plot, newest.foretold.start, _panels(pump, newest))
    call.show(_document(found), lambda: _print(terminal(), found))


def _document(found: HouseModelView) -> dict[str, Any]:
    e = found.enrolment
    return {
        "pump": e.pump_id,
        "building_class": e.building_class.value,
        "heated_area_m2": e.heated_area_m2,
        "emitter": e.emitter.value,
        "rated_heat_kw": e.rated_heat_kw,
        "has_room_sensor": found.has_room_sensor,
        "versions": [one.model_dump(mode="json") for one in found.versions],
    }


def _print(console: Console, found: HouseModelView) -> None:
    e = found.enrolment
    sheet = f"{e.building_class.value}, {e.heated_area_m2:g} m2, {e.emitter.value}, {e.rated_heat_kw:g} kW"
    console.print(f"[bold]{e.pump_id}[/bold]  {sheet}")
    if not found.has_room_sensor:
        console.print("  no room sensor: its comfort is unknown, and it is moved by one mode for three hours at most")
    if not found.versions:
        console.print("  known by its class alone: fewer than seven days were observed and settled so far")
        return
    newest = found.versions[0]
    console.print(
        f"  learned {local(newest.learned_at)} from {newest.room_days} days of rooms and {newest.power_days} of power, "
        f"the oldest of {local(newest.since)}",
        markup=False,
    )
    table = table_of("figure", "value", "95 %", "planned with")
    rooms = _source(newest.rooms)
    for name, figure, unit, source in (
        ("room that neutral holds", newest.held_c, " C", rooms),
        ("heat capacity", newest.capacity, " x class", rooms),
        ("effect of a mode", newest.authority, " x class", rooms),
        ("heat from the sun", newest.aperture, " x class", rooms),
        ("electricity for heating", newest.power_scale, " x class", _source(newest.power)),
    ):
        table.add_row(name, *_figure(figure, unit), source)
    console.print(table)
    _print_errors(console, "room a day ahead", newest.room_errors_k, "K")
    _print_errors(console, "energy of a day", newest.power_errors_pct, "%")
    if newest.authority is not None and newest.rooms is Source.LEARNED and newest.authority.low <= 0:
        console.print("  the effect of a mode cannot be told from zero: its heating is left alone")
    if newest.reason:
        console.print(f"  {newest.reason}", markup=False)
    if len(found.versions) > 1:
        console.print(f"  before: {', '.join(local(one.learned_at) for one in found.versions[1:])}", markup=False)


def _source(source: Source) -> str:
    return {Source.CLASS: "the class", Source.FLEET: "the fleet's mean", Source.LEARNED: "this"}[source]


def _figure(figure: Fitted | None, unit: str) -> tuple[str, str]:
    if figure is None:
        return "-", "-"
    return f"{figure.value:.2f}{unit}", f"{figure.low:.2f} to {figure.high:.2f}"


def _print_errors(console: Console, what: str, errors: AheadErrors | None, unit: str) -> None:
    if errors is None:
        console.print(f"  {what}: not enough days to be judged")
        return
    console.print(
        f"  {what}, {errors.days} newest days not learned from: off by {errors.learned:.2f} {unit} "
        f"(class {errors.prior:.2f}, persistence {errors.persistence:.2f})",
        markup=False,
    )


def _panels(pump: str, newest: LearnedHouse) -> Sequence[Panel]:
    foretold = newest.foretold
    assert foretold is not None
    seen = [float("nan") if room is None else room for room in foretold.seen_c]
    lines = {"seen": seen, "as learned": foretold.learned_c, "as the class": foretold.prior_c}
    by_slot = {name: [room for room in rooms for _ in range(PER_HOUR)] for name, rooms in lines.items()}
    return [Panel(title=f"{pump}: a day not learned from", unit="degrees C", lines=by_slot, from_zero=False)]
