"""Progress of a command on many pumps: a few plain lines on standard error."""

import sys

LINES = 10


class Counted:
    """Prints how many of how many, about ten times in all."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._printed = -1

    def __call__(self, done: int, whole: int) -> None:
        """Print where a tenth more is done, and always at the end."""
        step = done * LINES // max(whole, 1)
        if step != self._printed or done == whole:
            self._printed = step
            self._print(f"{self._what} {done} of {whole}")

    def _print(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 -- progress goes beside the document on stdout
