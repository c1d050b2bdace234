"""Failing stories made short: incidents are left out as long as the same rule still breaks.

Protects: what is printed was lived; nothing is told that did not break the rule when it was run.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from benchmarks.years.life import Life
from benchmarks.years.rules import Violation
from benchmarks.years.story import Incident, Story

MOST_LIVES = 400
"""Lives lived to shorten one story."""
Spell = Callable[[], AbstractContextManager[None]]
"""What the lives are lived under: nothing, or a mutant."""


def broken_by(story: Story, spell: Spell = nullcontext) -> Violation | None:
    """The first rule that a story breaks; None for a good life."""
    with spell():
        try:
            Life(story).live()
        except Violation as violation:
            return violation
    return None


def shortened(story: Story, violation: Violation, spell: Spell = nullcontext) -> Story:
    """The story with as few incidents as still break the same rule."""
    kept = tuple(i for i in story.incidents if i.at <= violation.at)
    lives = 0
    size = max(1, len(kept) // 2)
    while size >= 1 and lives < MOST_LIVES:
        at, has_shrunk = 0, False
        while at < len(kept) and lives < MOST_LIVES:
            tried = _without(kept, at, size)
            lives += 1
            found = broken_by(story.only(tried), spell)
            if found is not None and found.rule == violation.rule:
                kept, has_shrunk = tried, True
            else:
                at += size
        size = size if has_shrunk and size == 1 else size // 2
    return story.only(kept)


def _without(incidents: tuple[Incident, ...], at: int, size: int) -> tuple[Incident, ...]:
    return incidents[:at] + incidents[at + size :]


def timeline(story: Story, spell: Spell = nullcontext, last: int = 60) -> list[str]:
    """The story as lines, the newest last, with the rule it breaks."""
    life = Life(story, traced=True)
    ending = "nothing is broken"
    with spell():
        try:
            life.live()
        except Violation as violation:
            ending = f"BROKEN {violation}"
    skews = f"vendor's clock {story.vendor_skew_s} s ahead, workers' within {story.worker_skew_s} s"
    head = (
        f"pump {story.pump_id}, seed {story.seed}: levers {story.baseline}, {skews}, {len(story.incidents)} incidents"
    )
    lines = (
        life.lines if len(life.lines) <= last else [f"... {len(life.lines) - last} lines before", *life.lines[-last:]]
    )
    return [head, *lines, ending]
