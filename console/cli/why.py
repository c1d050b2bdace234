"""`heatsteer why PUMP --at TIME`: the one screen that answers "why was it cold at 06:40?"."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from application.explain import Explanation, story_of
from console.access import Access
from console.cli.options import TZ, Folder, Json, PumpId, show, with_access
from console.cli.terminal import paper
from console.cli.time_parsing import parse_at
from console.cli.why_text import document_of, lines_of, sentence_of


def why(
    pump: PumpId,
    at: Annotated[str | None, typer.Option("--at", help="06:40 (the last one) or 2026-01-15T06:40, local.")] = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Why a pump did what it did at a moment: one sentence to read out, and what it rests on."""
    if at is not None:
        parse_at(at, datetime.max.replace(tzinfo=UTC, year=2098), TZ)  # wrong words need no stack to be called wrong

    async def work(access: Access) -> Explanation:
        now = access.now()
        return await story_of(access, pump, now if at is None else parse_at(at, now, TZ))

    story = with_access(folder, work)

    def readable() -> None:
        console = paper()
        console.print(sentence_of(story), markup=False, style="bold")
        console.print()
        for line in lines_of(story):
            console.print(line, markup=False)

    show(document_of(story), as_json, readable)
