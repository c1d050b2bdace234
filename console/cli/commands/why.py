"""`heatsteer why PUMP --at TIME`: the one screen that answers "why was it cold at 06:40?"."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from application.access import Access
from application.explain import Explanation, story_of
from console.cli.commands.why_text import document_of, lines_of, sentence_of
from console.cli.options import PumpId, Reading, reads
from console.cli.terminal import terminal
from console.cli.time_parsing import parse_at
from console.cli.words import TZ


@reads
def why(
    call: Reading,
    pump: PumpId,
    at: Annotated[str | None, typer.Option("--at", help="06:40 (the last one) or 2026-01-15T06:40, local.")] = None,
) -> None:
    """Why a pump did what it did at a moment: one sentence to read out, and what it rests on."""
    if at is not None:
        parse_at(at, datetime.max.replace(tzinfo=UTC, year=2098), TZ)  # a malformed time is refused without a stack

    async def work(access: Access) -> Explanation:
        now = access.now()
        return await story_of(access, pump, now if at is None else parse_at(at, now, TZ))

    story = call.on_stack(work)

    def readable() -> None:
        console = terminal()
        console.print(sentence_of(story), markup=False, style="bold")
        console.print()
        for line in lines_of(story):
            console.print(line, markup=False)

    call.show(document_of(story), readable)
