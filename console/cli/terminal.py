"""The console that everything readable is printed on; a file or pipe gets lines of a readable length."""

from rich.console import Console

FILE_WIDTH = 118


def paper(*, stderr: bool = False) -> Console:
    """Standard output, or standard error for progress."""
    console = Console(highlight=False, stderr=stderr)
    if not console.is_terminal:
        console.width = FILE_WIDTH
    return console
