"""What `heatsteer top` shows, in eighty columns.

Protects: nothing is wider than the window, whatever it is called; a figure nobody knows is a dash.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from application.steering.dead_letters import DeadLetter
from console.cli.words import TZ, counted, local
from domain.commands.command import CommandState
from domain.fleet_figures import AreaFigures, FleetFigures, VendorFigures
from domain.modes import Mode

WIDTH = 80
MODES = (*(mode.value for mode in Mode), "unknown")
ENOUGH = 0.95
"""A smaller share of commands seen obeyed is shown in red, as it fires an alert."""


def picture(figures: FleetFigures, letters: Sequence[DeadLetter]) -> RenderableType:
    """The whole window."""
    return Group(
        _head(figures),
        Text(),
        _line("modes", _modes(figures)),
        _line("who steers", _nonzero(figures.authorities)),
        _line("alerts", _alerts(figures)),
        _line("commands", _commands(figures)),
        _line("waiting", _queues(figures)),
        Text(),
        _vendors(figures.vendors),
        Text(),
        _areas(figures.areas),
        Text(),
        _letters(letters),
    )


def _head(figures: FleetFigures) -> Text:
    steered = sum(vendor.pumps for vendor in figures.vendors)
    head = Text("heatsteer", style="bold", no_wrap=True, overflow="ellipsis")
    head.append(f"   {figures.at.astimezone(TZ):%a %d %b %H:%M}   {counted(steered, 'pump')}", style="not bold")
    dead = sum(vendor.dead_letters for vendor in figures.vendors)
    if dead:
        head.append(f"   {counted(dead, 'dead letter')}", style="red")
    return head


def _line(name: str, what: Text) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=11, style="dim")
    grid.add_column()
    grid.add_row(name, what)
    return grid


def _modes(figures: FleetFigures) -> Text:
    counts = {mode: sum(vendor.modes.get(mode, 0) for vendor in figures.vendors) for mode in MODES}
    return Text("  ".join(f"{mode} {count}" for mode, count in counts.items()))


def _nonzero(counts: Mapping[str, int]) -> Text:
    return Text(", ".join(f"{count} {name}" for name, count in counts.items() if count) or "-")


def _alerts(figures: FleetFigures) -> Text:
    alerts = _nonzero({name: count for name, count in figures.alerts.items() if name != "none"})
    return alerts if alerts.plain == "-" else Text(alerts.plain, style="yellow")


def _commands(figures: FleetFigures) -> Text:
    counts = {state: sum(v.commands_24h.get(state, 0) for v in figures.vendors) for state in CommandState}
    states = _nonzero({state.value.replace("_", "-"): count for state, count in counts.items()})
    return states if states.plain == "-" else Text(f"{states.plain} (of 24 h)")


def _queues(figures: FleetFigures) -> Text:
    waiting = [q for q in figures.queues if q.backlog]
    queues = [f"{counted(q.backlog, 'task')} in {q.queue} for up to {_span(q.age_s)}" for q in waiting]
    return Text(", ".join(queues) or "nothing")


def _vendors(vendors: Sequence[VendorFigures]) -> Table:
    table = _table("vendor", "pumps", "offline", "obeyed", "breaker", "quota", "rooms C", "cold", "letters")
    for one in vendors:
        share = one.verified_share
        rooms = "-" if one.room_lowest_c is None else f"{one.room_lowest_c:.1f}-{one.room_mean_c or 0:.1f}"
        table.add_row(
            one.oem,
            str(one.pumps),
            _alarming(one.offline),
            Text(_share(share), style="red" if share is not None and share < ENOUGH else ""),
            Text(one.breaker or "-", style="" if one.breaker in (None, "closed") else "red"),
            _share(one.quota_used),
            rooms,
            _alarming(one.rooms_below_floor),
            _alarming(one.dead_letters),
        )
    return table


def _areas(areas: Sequence[AreaFigures]) -> Table:
    table = _table("area", "EUR/MWh", "homes pay", "prices reach", "plan", "reaches", "delivered", "gap", "of gain")
    for one in areas:
        plan = one.plan
        cells = ("none", "-", "-", "-", "-")
        if plan is not None:
            delivered = f"{plan.delivered}/{plan.wanted}"
            cells = (
                str(plan.revision),
                _span(plan.remaining_s),
                delivered,
                f"{plan.gap:.1%}",
                f"{plan.gap_of_gain:.1%}",
            )
        price = "-" if one.price_eur_per_mwh is None else f"{one.price_eur_per_mwh:.2f}"
        reach = "-" if one.prices_remaining_s is None else _span(one.prices_remaining_s)
        paid = "-" if plan is None or plan.paid_eur_per_mwh is None else _range(*plan.paid_eur_per_mwh)
        table.add_row(one.price_area, price, paid, reach, *cells)
    return table


def _range(least: float, most: float) -> str:
    return f"{least:.0f}" if round(least) == round(most) else f"{least:.0f} to {most:.0f}"


def _letters(letters: Sequence[DeadLetter]) -> RenderableType:
    if not letters:
        return Text("no dead letters", style="dim")
    rows: list[Text] = [Text("newest dead letters", style="bold")]
    for one in letters:
        what = f"{one.pump} {one.circuit} {one.target} since {local(one.since)}, {one.owner}: {one.reason}"
        rows.append(Text(what, no_wrap=True, overflow="ellipsis"))
    return Group(*rows)


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True, overflow="ellipsis")
    for name in others:
        table.add_column(name, no_wrap=True, overflow="ellipsis", justify="right")
    return table


def _alarming(count: int) -> Text:
    return Text(str(count), style="red" if count else "")


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _span(seconds: float) -> str:
    """ "17h15m", "45s"; "over" for what has run out."""
    if seconds < 0:
        return "over"
    minutes = int(seconds // 60)
    if minutes == 0:
        return f"{seconds:.0f}s"
    hours, minutes = divmod(minutes, 60)
    days = timedelta(hours=hours).days
    return f"{days}d{hours % 24}h" if days else f"{hours}h{minutes:02d}m" if hours else f"{minutes}m"
