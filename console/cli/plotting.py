"""Series of slots as pictures: steps over local time, and stacked parts with their sum.

Protects: a slot is drawn as a step over the whole quarter-hour that it is, also on a day of clock change.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from console.cli.errors import UsageError
from console.cli.words import TZ
from domain.slots import SLOT

WIDTH_IN, PANEL_IN = 11.0, 3.4
DPI = 110


@dataclass(frozen=True)
class Panel:
    """One pair of axes."""

    title: str
    unit: str
    parts: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Stacked by slot; what is above zero upward, what is below downward."""
    line: Sequence[float] = ()
    """One value per slot."""
    lines: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Several of them, by name."""
    line_name: str = "sum"
    """What the line is beside parts."""
    colours: Mapping[str, str] = field(default_factory=dict)
    """Of parts that have one of their own."""
    from_zero: bool = True
    """Whether the axis begins at zero."""


def draw(file: Path, start: datetime, panels: Sequence[Panel]) -> None:
    """Draw panels of slots from `start` on; raises UsageError for a file that cannot be written."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells everybody when it first looks for fonts
    # Loaded only here: it takes longer to load than most commands take.
    from matplotlib.dates import DateFormatter, HourLocator
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_IN, PANEL_IN * len(panels)), dpi=DPI, layout="constrained")
    for axes, panel in zip(figure.subplots(len(panels), squeeze=False)[:, 0], panels, strict=True):
        drawn = (panel.line, *panel.parts.values(), *panel.lines.values())
        slots = max(len(part) for part in drawn)
        edges = [(start + n * SLOT).astimezone(TZ) for n in range(slots + 1)]
        _stack(axes, panel, edges)
        if panel.line:
            name = panel.line_name if panel.parts else None
            axes.stairs(panel.line, edges, baseline=None, color="black", linewidth=1.4, label=name)
        for name, line in panel.lines.items():
            axes.stairs(line, edges, baseline=None, linewidth=1.4, label=name)
        if panel.parts or panel.lines:
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, fontsize="small", frameon=False)
        if panel.from_zero:
            axes.axhline(0.0, color="grey", linewidth=0.6)
        axes.set_title(panel.title, fontsize="medium", loc="left")
        axes.set_ylabel(panel.unit)
        axes.set_xlim(edges[0], edges[-1])
        axes.xaxis.set_major_locator(HourLocator(interval=max(1, slots // 32), tz=TZ))
        axes.xaxis.set_major_formatter(DateFormatter("%H:%M", tz=TZ))
        axes.grid(alpha=0.3)
        axes.set_xlabel(f"local time from {edges[0]:%a %d %b %Y}")
    try:
        figure.savefig(file)
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be drawn: {error}") from error


def _stack(axes: Any, panel: Panel, edges: Sequence[datetime]) -> None:
    """The parts of a panel upon each other."""
    above, below = [0.0] * (len(edges) - 1), [0.0] * (len(edges) - 1)
    for place, (name, part) in enumerate(panel.parts.items()):
        bottom = [up if value >= 0 else down for value, up, down in zip(part, above, below, strict=True)]
        top = [one + value for one, value in zip(bottom, part, strict=True)]
        colour = panel.colours.get(name, f"C{place}")
        axes.stairs(top, edges, baseline=bottom, fill=True, alpha=0.75, label=name, color=colour)
        above = [max(one, other) for one, other in zip(above, top, strict=True)]
        below = [min(one, other) for one, other in zip(below, top, strict=True)]
