"""What the ledger's book says of a pump's commands, for scenarios."""

from datetime import datetime
from typing import Any

from domain.modes import Mode
from tests.world import TestWorld


def moment(line: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(line["at"])


async def lives(world: TestWorld, pump: str) -> dict[str, list[dict[str, Any]]]:
    """Each command of the heating and its lines, in order, but for its effect, which may come at any time."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in await world.events(pump):
        if line["mode"] in tuple(Mode) and line["event"] != "effective":
            found.setdefault(line["command"], []).append(line)
    return found


async def never_two_at_once(world: TestWorld, pump: str) -> None:
    """Between a command's first write and its end no other command of the pump's heating writes."""
    writing = None
    for line in await world.events(pump):
        if line["mode"] not in tuple(Mode):
            continue
        if line["event"] == "sent":
            assert writing in (None, line["command"]), f"{line['command']} wrote while {writing} was open"
            writing = line["command"]
        elif line["command"] == writing and line["event"] in ("applied", "ignored", "superseded", "unverified"):
            writing = None
