"""The console that everything readable is printed on; a file or pipe gets lines of a readable length."""

from rich.console import Console
from rich.table import Table

FILE_WIDTH = 118


def terminal(*, stderr: bool = False) -> Console:
    """Standard output, or standard error for progress."""
    console = Console(highlight=False, stderr=stderr)
    if not console.is_terminal:
        console.width = FILE_WIDTH
    return console


def table_of(*columns: str) -> Table:
    """A table without lines."""
    table = Table(box=None, header_style="bold")
    for name in columns:
        table.add_column(name)
    return table
