"""Draws docs/demo.svg from the printed lines of a demo: `python tools/demo_picture.py demo.log docs/demo.svg`."""

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 160
NAME = re.compile(r"^[A-Za-z]+ {2,}\S")


def main(log: Path, svg: Path) -> None:
    """Write the picture of a terminal that shows the log."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for line in log.read_text().splitlines():
        text = Text(line.rstrip())
        if line[:1] == " " and " s  " in line[:12]:
            text.stylize("dim", 0, 10)
        for mode, colour in (("MIN", "blue"), ("MID", "yellow"), ("MAX", "red")):
            text.highlight_words([mode], colour)
        if NAME.match(line):
            text.stylize("cyan", 0, len(line.split("  ")[0]))
        console.print(text, soft_wrap=True)
    drawn = console.export_svg(title="make demo")
    svg.write_text(re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL))  # the viewer's own monospace will do


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
