"""`heatsteer plan run|preview|submit|show`: planning by hand, another optimiser's plan, and what was planned."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from application.errors import Refused
from application.planning import plans
from application.planning.plans import MadePlans, PlanView, PumpPlanView
from application.planning.segment_reasons import Reason
from application.planning.submissions import Submitted, submit_plan, try_submission
from console.cli import plan_panels
from console.cli.errors import CommandFailed, UsageError
from console.cli.options import Change, Plot, Reading, changes, reads
from console.cli.plotting import draw
from console.cli.terminal import table_of, terminal
from console.cli.words import clock_of, counted, local
from domain.modes import HotWaterMode, Mode
from domain.planning.price_plan import ModeSegment
from domain.planning.series import Basis
from domain.slots import SLOT
from domain.submission import submitted_plan
from market.areas import area_of

app = typer.Typer(help="Plans: made by hand, previewed, shown.", no_args_is_help=True, rich_markup_mode=None)

REASON_WORDS = {
    Reason.DEAR: "dear hours",
    Reason.LIMIT: "the grid area's limit",
    Reason.STORED: "warm enough from before",
    Reason.CHEAP: "cheap hours",
    Reason.AHEAD: "dearer hours follow",
    Reason.MOVED: "better hours were barred",
    Reason.COLD_SNAP: "cold snap: no set-back",
    Reason.OWN: "own control does as well",
    Reason.SUBMITTED: "as submitted",
}
PriceArea = Annotated[str | None, typer.Option("--area", help="Only this price area; default: all with pumps.")]
Day = Annotated[
    datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Market day; default: what is left of today.")
]


@app.command("run")
@changes
def run(call: Change, area: PriceArea = None, day: Day = None) -> None:
    """Plan a market day now, with the limits of the daily run, and give every pump its plan."""
    date = None if day is None else day.date()
    _print_made(call, call.on_stack(lambda access: plans.make_plans(access, area, date, call.by)))


@app.command("preview")
@reads
def preview(call: Reading, area: PriceArea = None, day: Day = None) -> None:
    """Plan a market day from what is known now and show the plan; no pump is read or given anything."""
    date = None if day is None else day.date()
    _print_made(call, call.on_stack(lambda access: plans.preview_plans(access, area, date)))


@app.command("submit")
@changes
def submit(
    call: Change,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON: price_area, day, planned_by, pumps.")],
    accept_valid: Annotated[
        bool, typer.Option("--accept-valid", help="Give the pumps whose schedules keep the rules theirs all the same.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Judge it and show it; no pump is given anything.")
    ] = False,
) -> None:
    """Judge another optimiser's plan by our rules, and give it to its pumps as our own."""
    try:
        plan = submitted_plan(file.read_text(encoding="utf-8"), _tz_of)
    except ValueError as error:  # of the text's encoding too
        raise UsageError(f"{file}: {error}") from None
    tz = _tz_of(plan.price_area)
    try:
        if dry_run:
            found = call.on_stack(lambda access: try_submission(access, plan, tz, call.by))
        else:
            found = call.on_stack(lambda access: submit_plan(access, plan, tz, call.by, accept_valid=accept_valid))
    except Refused as refusal:
        judged = refusal.facts.get("submitted")
        if not isinstance(judged, Submitted):
            raise
        _show_submitted(call, judged)
        is_some_valid = not accept_valid and any(part["pumps"] for part in judged.plan.parts)
        way_out = ", or give the others theirs with --accept-valid" if is_some_valid else ""
        raise UsageError(f"{refusal}: mend the file{way_out}") from None
    _show_submitted(call, found)


def _tz_of(price_area: str) -> str:
    return area_of(price_area).tz.key


def _show_submitted(call: Reading, found: Submitted) -> None:
    def readable() -> None:
        console = terminal()
        _print_plan(console, found.plan)
        if found.is_repeated:
            console.print("  it was submitted before, and pumps were given it then", markup=False)
        if found.reason:
            console.print(f"  {found.reason}", markup=False)
        for one in found.refused:
            at = "" if one.slot is None else f" {local(one.slot)}"
            console.print(f"  {one.subject}{at}: {one.problem}; {one.way_out}", markup=False)

    call.show(asdict(found), readable)


@app.command("show")
@reads
def show(call: Reading, subject: Annotated[str, typer.Argument(metavar="PUMP|AREA")], plot: Plot = None) -> None:
    """The newest plan of a pump, a grid area or a price area."""
    found = call.on_stack(lambda access: plans.show_plan(access, subject))
    if plot is not None:
        draw(plot, *(plan_panels.of_pump(found) if isinstance(found, PumpPlanView) else plan_panels.of_area(found)))
    if isinstance(found, PumpPlanView):
        call.show(asdict(found), lambda: _print_pump(terminal(), found))
    else:
        call.show(asdict(found), lambda: _print_plan(terminal(), found))


def _print_made(call: Reading, made: MadePlans) -> None:
    def readable() -> None:
        console = terminal()
        for view in made.plans:
            _print_plan(console, view)
        if made.result.reason:
            console.print(made.result.reason, markup=False)

    call.show({"areas": made.result.areas, "plans": [asdict(view) for view in made.plans]}, readable)
    if not made.plans:
        raise CommandFailed(f"nothing was planned: {made.result.reason}")


def _print_plan(console: Console, view: PlanView) -> None:
    kind = "preview" if view.is_preview else "plan"
    if view.planned_by is not None:
        console.print(f"submitted by {view.planned_by}:", markup=False)
    console.print(
        f"{kind} {view.revision} of {view.price_area}, {local(view.first_slot)} to {local(view.until)}, "
        f"made {local(view.created_at)} with price version {view.price_version}: {_state(view)}",
        markup=False,
    )
    if view.price_basis != Basis.PUBLISHED:
        console.print(f"  prices are {view.price_basis}: the market was silent", markup=False)
    if (made := view.certificate) is not None:
        console.print(
            f"  {made.cost_eur:.2f} EUR, neutral {made.neutral_cost_eur:.2f} EUR, "
            f"at most {made.gap_pct:.1f} % above the bound",
            markup=False,
        )
    for line in _nominated(view):
        console.print(f"  {line}", markup=False)
    table = table_of("grid area", "weather cell", "tariff", "pumps", "cost", "limit", "slots at limit", "overflow")
    for part in view.parts:
        table.add_row(*_part_row(part))
    console.print(table)
    for shard in view.shards:
        if shard["failure"]:
            console.print(f"  shard {shard['shard']}: {shard['failure']}", markup=False)


def _nominated(view: PlanView) -> list[str]:
    """What was nominated, how far the plan is from it and what that costs; what it does not know of yet."""
    lines = []
    if (off := view.deviation) is not None:
        lines.append(
            f"nominated: load curve {', '.join(map(str, off.curves))}, {off.nominated_kwh:.0f} kWh; planned "
            f"{off.above_kwh:.1f} kWh above it and {off.below_kwh:.1f} kWh below, which costs {off.eur:.2f} EUR "
            f"(under own control {off.neutral_eur:.2f} EUR)"
        )
    return lines + [
        f"load curve {one.power.curve} of {one.area} was nominated {local(one.given_at)}: this plan does not know of it"
        for one in view.nominated_since
    ]


def _state(view: PlanView) -> str:
    planned = sum(part["pumps"] for part in view.parts)
    if view.is_preview:
        return f"{counted(planned, 'pump')}; no pump was given it"
    delivered = sum(shard["delivered"] or 0 for shard in view.shards)
    under_way = "" if view.closed_at else "; under way"
    return f"{delivered} of {counted(planned, 'pump')} took it{under_way}"


def _part_row(part: Mapping[str, Any]) -> tuple[str, ...]:
    made, cap_kw = part["certificate"], part["cap_kw"]
    return (
        part["grid_area"],
        part["weather_cell"],
        part["tariff"],
        str(part["pumps"]),
        f"{made['cost_eur']:.2f} EUR",
        "-" if cap_kw is None else f"{cap_kw:g} kW",
        "-" if cap_kw is None else str(made["cap_binding_slots"]),
        "-" if cap_kw is None else f"{made['overflow_kwh']:.2f} kWh",
    )


def _print_pump(console: Console, view: PumpPlanView) -> None:
    whose = "" if view.planned_by is None else f", submitted by {view.planned_by}"
    cap = "" if view.cap_kw is None else f" (a limit of {view.cap_kw:g} kW for all that were planned with it)"
    console.print(
        f"{view.pump_id}: plan {view.revision}{whose}, made {local(view.created_at)}; {view.price_area}, "
        f"{view.grid_area}{cap}, weather of {view.weather_cell}, tariff {view.tariff}",
        markup=False,
    )
    table = table_of("from", "to", "heating", "mean price", "room at the end", "why")
    for segment, reason in zip(view.plan.segments, view.reasons, strict=True):
        table.add_row(*_segment_row(view, segment), REASON_WORDS[reason])
    console.print(table)
    for water in view.plan.hot_water:
        if water.mode is not HotWaterMode.NORMAL:
            span = f"{local(water.start)} to {clock_of(water.end)}"
            console.print(f"  hot water {water.mode.value} {span}", markup=False)
    if view.plan.floor is not Mode.MIN:
        console.print("  cold snap: no set-back while this plan is in force", markup=False)


def _segment_row(view: PumpPlanView, segment: ModeSegment) -> tuple[str, ...]:
    first = (segment.start - view.plan.first_slot) // SLOT
    last = (segment.end - view.plan.first_slot) // SLOT
    prices, rooms = view.price_eur_per_mwh[first:last], view.plan.expected_room_c
    return (
        local(segment.start),
        clock_of(segment.end),
        segment.mode.value,
        f"{sum(prices) / len(prices):.1f} EUR/MWh" if prices else "-",
        f"{rooms[last - 1]:.1f} C" if last <= len(rooms) else "-",
    )
