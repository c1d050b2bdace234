"""What every page is made of: the page itself, tiles, tables and keys.

Protects: a page needs nothing from any network.
"""

from collections.abc import Sequence
from html import escape

from console.cli.reports.style import STYLE


def whole_page(title: str, sheets: Sequence[str]) -> str:
    """A page of sheets, which are HTML already."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body>{''.join(sheets)}</body></html>\n"
    )


def tiles(*shown: tuple[str, str]) -> str:
    """Figures in a row: (name, value as HTML)."""
    drawn = "".join(f'<div class="tile"><span>{escape(name)}</span><b>{value}</b></div>' for name, value in shown)
    return f'<div class="tiles">{drawn}</div>'


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of texts; the first column names the row."""
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(
        f"<tr><th>{escape(row[0])}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in row[1:])}</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def keys(*shown: tuple[str, str]) -> str:
    """What marks mean: (class, words); a class that begins with "line " is a line, any other an area."""
    drawn = [
        f'<span class="{name if name.startswith("line ") else f"key {name}"}"></span>{words}' for name, words in shown
    ]
    return f'<p class="note">{" &nbsp; ".join(drawn)}</p>'
