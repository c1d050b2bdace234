"""How long one HTTP exchange may last on the wall.

Protects: no call outlives `whole_s`, not even one whose answer drips in byte by byte; a worker's patience rests on it.
"""

from dataclasses import dataclass

import httpx


@dataclass(frozen=True)
class WallTimeouts:
    """Seconds on the wall: sockets know nothing of steered time."""

    connect_s: float = 5.0
    answer_s: float = 20.0
    """Silence after which an answer is given up: clouds in trouble were seen to answer after 15 s."""
    whole_s: float = 30.0

    def as_httpx(self) -> httpx.Timeout:
        return httpx.Timeout(self.answer_s, connect=self.connect_s, pool=self.connect_s)
