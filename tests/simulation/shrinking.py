"""Failing scripts made short: incidents are left out as long as the same rule still breaks.

Protects: what is printed was run, and broke the rule when it was.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from tests.simulation.judging.rules import Violation
from tests.simulation.script import Incident, Script
from tests.simulation.simulation import Simulation

MOST_RUNS = 400
"""Runs spent on shortening one script."""
Mutation = Callable[[], AbstractContextManager[None]]
"""What the runs run under: nothing, or a mutant."""


def broken_by(script: Script, mutation: Mutation = nullcontext) -> Violation | None:
    """The first rule that a script breaks; None for a good run."""
    with mutation():
        try:
            Simulation(script).run()
        except Violation as violation:
            return violation
    return None


def shortened(script: Script, violation: Violation, mutation: Mutation = nullcontext) -> Script:
    """The script with as few incidents as still break the same rule."""
    kept = tuple(i for i in script.incidents if i.at <= violation.at)
    runs = 0
    size = max(1, len(kept) // 2)
    while size >= 1 and runs < MOST_RUNS:
        at, has_shrunk = 0, False
        while at < len(kept) and runs < MOST_RUNS:
            tried = _without(kept, at, size)
            runs += 1
            found = broken_by(script.only(tried), mutation)
            if found is not None and found.rule == violation.rule:
                kept, has_shrunk = tried, True
            else:
                at += size
        size = size if has_shrunk and size == 1 else size // 2
    return script.only(kept)


def _without(incidents: tuple[Incident, ...], at: int, size: int) -> tuple[Incident, ...]:
    return incidents[:at] + incidents[at + size :]


def timeline(script: Script, mutation: Mutation = nullcontext, last: int = 60) -> list[str]:
    """The script as lines, the newest last, with the rule it breaks."""
    simulation = Simulation(script, traced=True)
    ending = "nothing is broken"
    with mutation():
        try:
            simulation.run()
        except Violation as violation:
            ending = f"BROKEN {violation}"
    lines = simulation.pump.lines
    if len(lines) > last:
        lines = [f"... {len(lines) - last} lines before", *lines[-last:]]
    return [
        f"pump {script.pump_id}, seed {script.seed}: levers {script.baseline}, "
        f"vendor's clock {script.vendor_skew_s} s ahead, workers' within {script.worker_skew_s} s, "
        f"{len(script.incidents)} incidents",
        *lines,
        ending,
    ]
