"""A4 sheets of a PDF, filled from the top: headings, paragraphs, tiles, tables and charts.

Protects: what does not fit goes on to the next sheet, and nothing is cut off at its lower edge.
"""

import textwrap
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

A4_IN = (8.27, 11.69)
POINTS_HIGH = 72 * A4_IN[1]
LEFT, RIGHT, TOP, BOTTOM = 0.08, 0.92, 0.95, 0.06
"""Margins, as shares of the sheet."""
INK, SOFT, RULE = "#1d2733", "#55606e", "#dbe2ea"
LINE = 0.0155
"""Height of a line of text."""
CHARACTERS = 106
"""Of a paragraph's line."""


class Sheets:
    """A PDF in the making; a context manager that raises OSError for a file that cannot be written."""

    def __init__(self, file: Any, title: str) -> None:
        # Loaded only here: it takes longer to load than most commands take.
        from matplotlib.backends.backend_pdf import PdfPages

        self._pages = PdfPages(file, metadata={"Title": title})
        self._figure: Any = None
        self._y = TOP

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finish()
        self._pages.close()

    def new(self) -> None:
        """Go on with the next sheet."""
        from matplotlib.figure import Figure

        self._finish()
        self._figure, self._y = Figure(figsize=A4_IN), TOP

    def _finish(self) -> None:
        if self._figure is not None:
            self._pages.savefig(self._figure)
            self._figure = None

    def _room(self, height: float) -> float:
        """The upper edge of so much room; on the next sheet where this one has not so much left."""
        if self._y - height < BOTTOM:
            self.new()
        top, self._y = self._y, self._y - height
        return top

    def title(self, text: str, lead: str) -> None:
        """The head of a sheet."""
        top = self._room(0.055)
        self._write(LEFT, top, text, size=17, weight="bold")
        self._write(LEFT, top - 0.029, lead, size=10, color=SOFT)

    def heading(self, text: str, with_height: float = 0.06) -> None:
        """A heading that stays with so much of what follows it."""
        if self._y - 0.038 - with_height < BOTTOM:
            self.new()
        self._write(LEFT, self._room(0.038) - 0.01, text, size=12, weight="bold")

    def paragraph(self, text: str, *, is_note: bool = False) -> None:
        """Text over the whole width."""
        for line in textwrap.wrap(text, CHARACTERS):
            self._write(LEFT, self._room(LINE), line, size=8.5, color=SOFT if is_note else INK)
        self._y -= 0.4 * LINE

    def tiles(self, tiles: Sequence[tuple[str, str]]) -> None:
        """Names with their figures, side by side."""
        top, width = self._room(0.052), (RIGHT - LEFT) / len(tiles)
        for n, (name, value) in enumerate(tiles):
            self._write(LEFT + n * width, top, name, size=8, color=SOFT)
            self._write(LEFT + n * width, top - 0.015, value, size=12, weight="bold")

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[str]], first: float = 0.3) -> None:
        """Rows whose first cell is text (wrapped) over a share `first` of the width, and whose others are figures."""
        span = RIGHT - LEFT
        ends = [LEFT + span * (first + (1 - first) * (n + 1) / (len(heads) - 1)) for n in range(len(heads) - 1)]
        for place, row in enumerate([heads, *rows]):
            name = textwrap.wrap(row[0], int(CHARACTERS * first)) or [""]
            top = self._room(LINE * len(name) + 0.003)
            for n, line in enumerate(name):
                self._write(LEFT, top - n * LINE, line, size=8.5, color=INK if place else SOFT)
            for end, cell in zip(ends, row[1:], strict=True):
                self._write(end, top, cell, size=8.5, color=INK if place else SOFT, ha="right")
            self._rule(self._y + 0.0015)
        self._y -= 0.008

    def chart(self, caption: str, height: float = 0.13) -> Any:
        """Axes over the whole width under a caption."""
        top = self._room(height + 0.05)
        self._write(LEFT, top, caption, size=9, weight="bold")
        axes = self._figure.add_axes((LEFT + 0.045, top - 0.022 - height, RIGHT - LEFT - 0.045, height))
        axes.tick_params(labelsize=7.5, colors=SOFT, length=2)
        axes.grid(axis="y", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        for side in axes.spines.values():
            side.set_visible(False)
        return axes

    def _write(self, x: float, y: float, text: str, *, size: float, color: str = INK, **how: Any) -> None:
        if self._figure is None:
            self.new()
        # By the baseline, so that words with and without descenders stand on one line.
        baseline = y - 0.85 * size / POINTS_HIGH
        # A dollar sign would begin a formula.
        self._figure.text(x, baseline, text.replace("$", r"\$"), fontsize=size, color=color, va="baseline", **how)

    def _rule(self, y: float) -> None:
        from matplotlib.lines import Line2D

        self._figure.add_artist(Line2D([LEFT, RIGHT], [y, y], color=RULE, linewidth=0.6))
