"""Progress of an act on many pumps: plain lines on standard error, few of them."""

import sys

LINES = 10


class Counted:
    """Says how many of how many, about ten times in all."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._said = -1

    def __call__(self, done: int, whole: int) -> None:
        """Say it where a tenth more is done; the last always."""
        step = done * LINES // max(whole, 1)
        if step != self._said or done == whole:
            self._said = step
            self.say(f"{self._what} {done} of {whole}")

    def say(self, line: str) -> None:
        """One line."""
        print(line, file=sys.stderr, flush=True)  # noqa: T201 -- progress goes beside the document on stdout
