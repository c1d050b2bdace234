"""Live progress of a run: a board on a terminal, plain lines elsewhere; on stderr, so that --json stays clean."""

import sys
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from console.cli.terminal import terminal
from demo.progress import Snapshot

MODES = ("MIN", "LOW", "MID", "MAX")
COLOURS = {"MIN": "blue", "LOW": "white", "MID": "yellow", "MAX": "red"}
LINE_EVERY = timedelta(hours=2)
"""Steered distance of plain lines."""


class Board:
    """Shows snapshots and sentences."""

    def __init__(self, tz: ZoneInfo) -> None:
        self._tz = tz
        self._console = terminal(stderr=True)
        self._live: Live | None = None
        self._begun = time.monotonic()
        self._next_line: datetime | None = None
        self._trouble = ""

    def say(self, sentence: str) -> None:
        """One sentence on what just happened."""
        elapsed = time.monotonic() - self._begun
        self._console.print(f"[dim]{elapsed:6.1f} s[/dim]  {sentence}", soft_wrap=True)

    def show(self, seen: Snapshot) -> None:
        """The newest picture."""
        if self._console.is_terminal:
            if self._live is None:
                self._live = Live(console=self._console, refresh_per_second=4, transient=True)
                self._live.start()
            self._live.update(picture(seen, self._tz))
        elif self._next_line is None or seen.now >= self._next_line or _trouble(seen) != self._trouble:
            self._next_line = seen.now + LINE_EVERY
            self._trouble = _trouble(seen)
            self.say(_line(seen, self._tz))

    def close(self) -> None:
        """Take the board off the screen."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        sys.stderr.flush()


def picture(seen: Snapshot, tz: ZoneInfo) -> Group:
    """The board as it stands on a terminal."""
    done = (seen.now - seen.start) / (seen.end - seen.start)
    head = Table.grid(padding=(0, 2))
    head.add_row(
        Text(f"{seen.now.astimezone(tz):%a %d %b %H:%M}", style="bold"),
        ProgressBar(total=1.0, completed=min(1.0, max(0.0, done)), width=40),
        Text(_price(seen)),
    )
    modes = Text("modes    ")
    for mode in MODES:
        count = seen.modes.get(mode, 0)
        modes.append(f"{mode} ", style="dim")
        modes.append("■" * min(count, 60) + f" {count}  ", style=COLOURS[mode])
    trouble = _trouble(seen)
    last = [Text(trouble, style="red")] if trouble else []
    return Group(head, modes, Text(_rooms(seen)), Text(_states(seen)), *last)


def _line(seen: Snapshot, tz: ZoneInfo) -> str:
    modes = " ".join(f"{mode} {seen.modes.get(mode, 0)}" for mode in MODES)
    parts = [f"{seen.now.astimezone(tz):%H:%M}", _price(seen), f"modes {modes}", _rooms(seen), _states(seen)]
    return "  ".join([part for part in (*parts, _trouble(seen)) if part])


def _trouble(seen: Snapshot) -> str:
    """What was made to go wrong, and how breakers stand that are not closed; empty on a quiet day."""
    parts = [f"{oem} is cut off" for oem in seen.down]
    parts += [f"breaker of {oem} {state}" for oem, state in sorted(seen.breakers.items()) if state != "closed"]
    if seen.kills:
        parts.append(f"{len(seen.kills)} workers killed (the last: {seen.kills[-1]})")
    return ", ".join(parts)


def _price(seen: Snapshot) -> str:
    return "no price" if seen.price_eur_per_mwh is None else f"{seen.price_eur_per_mwh:.2f} EUR/MWh"


def _rooms(seen: Snapshot) -> str:
    if not seen.rooms:
        return "rooms not read yet"
    mean = sum(seen.rooms) / len(seen.rooms)
    return f"rooms {min(seen.rooms):.1f} / {mean:.1f} / {max(seen.rooms):.1f} C (coldest, mean, warmest read)"


def _states(seen: Snapshot) -> str:
    named = [f"{count} {state}" for state, count in sorted(seen.states.items(), key=lambda item: -item[1])]
    return "commands " + (", ".join(named) or "none yet")
