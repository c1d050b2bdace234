"""Charts of reports as SVG: bars, steps, lines and intervals on axes with round numbers.

Protects: every chart says its unit, and nothing is drawn that was not in the figures.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 720.0, 52.0, 10.0, 16.0, 20.0


@dataclass(frozen=True)
class Axis:
    """A vertical axis over a range of values."""

    low: float
    high: float
    height: float

    def y(self, value: float) -> float:
        """Where a value lies, from the top of the picture."""
        share = (value - self.low) / (self.high - self.low)
        return TOP + self.height * (1 - share)

    @property
    def ticks(self) -> list[float]:
        """Round values on it."""
        step = _round_step(self.high - self.low)
        first = math.ceil(self.low / step - 1e-9)
        return [n * step for n in range(first, math.floor(self.high / step + 1e-9) + 1)]


def axis_over(values: Sequence[float], height: float, *, from_zero: bool = False) -> Axis:
    """An axis that holds all of these with a little room."""
    low, high = min(values), max(values)
    if from_zero:
        low, high = min(0.0, low), max(0.0, high)
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    room = 0.06 * (high - low)
    return Axis(low if from_zero and low == 0 else low - room, high + room, height)


def x_of(share: float) -> float:
    """Where a share of the width lies."""
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def picture(title: str, unit: str, axis: Axis, marks: Sequence[str], labels: Sequence[tuple[float, str]]) -> str:
    """An SVG with an axis, marks, and labels along the bottom at shares of the width."""
    height = TOP + axis.height + BOTTOM
    grid = []
    for tick in axis.ticks:
        y = axis.y(tick)
        grid.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        grid.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 3:.1f}" text-anchor="end">{_number(tick)}</text>')
    bottom = "".join(
        f'<text class="tick" x="{x_of(share):.1f}" y="{height - 5:.1f}" text-anchor="middle">{escape(text)}</text>'
        for share, text in labels
    )
    return (
        f'<figure><figcaption>{escape(title)} <span class="unit">{escape(unit)}</span></figcaption>'
        f'<svg viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"{''.join(grid)}{''.join(marks)}{bottom}</svg></figure>"
    )


def bars(axis: Axis, values: Sequence[float], classes: Sequence[str], gap: float = 0.15) -> list[str]:
    """Bars side by side over the whole width."""
    zero, width = axis.y(max(0.0, axis.low)), (WIDTH - LEFT - RIGHT) / max(1, len(values))
    drawn = []
    for n, (value, name) in enumerate(zip(values, classes, strict=True)):
        y = axis.y(value)
        drawn.append(
            f'<rect class="{name}" x="{LEFT + (n + gap / 2) * width:.1f}" y="{min(y, zero):.1f}" '
            f'width="{width * (1 - gap):.1f}" height="{abs(zero - y):.1f}"/>'
        )
    return drawn


def stacked(axis: Axis, layers: Sequence[tuple[str, Sequence[float]]]) -> list[str]:
    """Layers (class, values) upon each other, from zero; each equal part of the width has one value of each layer."""
    drawn: list[str] = []
    below = [0.0] * (len(layers[0][1]) if layers else 0)
    for name, values in layers:
        top = [low + value for low, value in zip(below, values, strict=True)]
        spans = _runs(list(zip(below, top, strict=True)))
        drawn += [
            _rect(name, axis, first / len(values), last / len(values), low, high)
            for first, last, (low, high) in spans
            if high > low
        ]
        below = top
    return drawn


def steps(axis: Axis, values: Sequence[float], name: str) -> list[str]:
    """A line of steps, one value for each equal part of the width."""
    points = []
    for n, value in enumerate(values):
        points += [f"{x_of(n / len(values)):.1f},{axis.y(value):.1f}"]
        points += [f"{x_of((n + 1) / len(values)):.1f},{axis.y(value):.1f}"]
    return [f'<polyline class="{name}" points="{" ".join(points)}"/>']


def line(axis: Axis, points: Sequence[tuple[float, float]], name: str) -> list[str]:
    """A line through (share of the width, value)."""
    drawn = " ".join(f"{x_of(share):.1f},{axis.y(value):.1f}" for share, value in points)
    return [f'<polyline class="{name}" points="{drawn}"/>'] if points else []


def bands(axis: Axis, ranges: Sequence[tuple[float, float]], name: str = "band") -> list[str]:
    """Ranges of values (low, high), one for each equal part of the width, as far as they lie on the axis."""
    drawn = []
    for first, last, (low, high) in _runs(ranges):
        bottom, top = max(low, axis.low), min(high, axis.high)
        if top > bottom:
            drawn.append(_rect(name, axis, first / len(ranges), last / len(ranges), bottom, top))
    return drawn


def _runs(ranges: Sequence[tuple[float, float]]) -> list[tuple[int, int, tuple[float, float]]]:
    """Stretches of equal ranges: first, one after the last, range."""
    found, first = [], 0
    for n in range(1, len(ranges) + 1):
        if n == len(ranges) or ranges[n] != ranges[first]:
            found.append((first, n, ranges[first]))
            first = n
    return found


def _rect(name: str, axis: Axis, start: float, end: float, low: float, high: float) -> str:
    left, right, top, bottom = x_of(start), x_of(end), axis.y(high), axis.y(low)
    return f'<rect class="{name}" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}"/>'


def strip(spans: Sequence[tuple[float, float, str]], y: float, height: float) -> list[str]:
    """Coloured spans (from share, to share, class) along a line."""
    return [
        f'<rect class="{name}" x="{x_of(start):.1f}" y="{y:.1f}" '
        f'width="{max(0.0, x_of(end) - x_of(start)):.1f}" height="{height:.1f}"/>'
        for start, end, name in spans
    ]


def intervals(rows: Sequence[tuple[str, float, float, float]], unit: str, title: str) -> str:
    """Estimates with their intervals, one below the other, on one axis that holds zero: (name, mean, low, high)."""
    row_height, label_width = 26.0, 190.0
    low = min(0.0, *(row[2] for row in rows))
    high = max(0.0, *(row[3] for row in rows))
    span = (high - low) or 1.0
    height = TOP + row_height * len(rows) + BOTTOM

    def x(value: float) -> float:
        return label_width + (value - low + 0.05 * span) / (1.1 * span) * (WIDTH - label_width - RIGHT)

    drawn = []
    step = _round_step(span)
    for n in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1):
        name = "zero" if n == 0 else "grid"
        at = x(n * step)
        drawn.append(f'<line class="{name}" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{height - BOTTOM:.1f}"/>')
        drawn.append(
            f'<text class="tick" x="{at:.1f}" y="{height - 5:.1f}" text-anchor="middle">{_number(n * step)}</text>'
        )
    for n, (name, mean, least, most) in enumerate(rows):
        y = TOP + row_height * (n + 0.5)
        drawn.append(f'<text class="row" x="0" y="{y + 4:.1f}">{escape(name)}</text>')
        drawn.append(f'<line class="interval" x1="{x(least):.1f}" x2="{x(most):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        drawn.append(f'<circle class="mean" cx="{x(mean):.1f}" cy="{y:.1f}" r="4.5"/>')
    return (
        f'<figure><figcaption>{escape(title)} <span class="unit">{escape(unit)}</span></figcaption>'
        f'<svg viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-label="{escape(title)}">{"".join(drawn)}</svg>'
        "</figure>"
    )


def _round_step(span: float) -> float:
    """A step of 1, 2 or 5 times a power of ten, about four to the span."""
    rough = span / 4
    power = math.pow(10, math.floor(math.log10(rough)))
    return next((power * n for n in (1, 2, 5) if power * n >= rough), power * 10)


def _number(value: float) -> str:
    return f"{0.0 if abs(value) < 1e-9 else value:.4g}"
