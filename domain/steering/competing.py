"""Another controller at a lever, told from a person by its pattern: changes that go on all day.

Protects: nobody fights with another system over a lever, and what it writes never becomes the household's own setting;
a person who tries things out for an hour stays a person.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.steering.overrides import OverrideKind
from domain.steering.pump_state import PumpState

CHANGES = 6
"""Within `WITHIN`: households change a heating setting a few times a month, price optimisers several times a day."""
SPREAD = timedelta(hours=4)
"""From the first to the last of them: a person who tries out what a setting does is done sooner."""
WITHIN = timedelta(hours=24)
LEFT_FOR = timedelta(hours=24)
"""For so long the lever is left to it, while a person is asked; then it is seen whether it still goes on."""
MANUAL_CHANGE = "touch-"
"""How the ids begin of holds that a change at the unit made."""


def is_another_controller(changes: Sequence[datetime]) -> bool:
    """Whether so many changes at the unit, oldest first, are no person's."""
    return len(changes) >= CHANGES and changes[-1] - changes[0] >= SPREAD


def left_to_it(state: PumpState, as_of: datetime) -> PumpState:
    """The state once another controller was recognised: its settings are nobody's, and the household's are back."""
    for circuit, had in state.circuits:
        before = had.baseline_before
        if before is None:
            continue
        lever = had.lever.model_copy(update={"baseline": before})
        update = {"lever": lever, "baseline_before": None, "settled": None, "settled_at": as_of, "temporary": None}
        state = state.with_circuit(circuit, had.model_copy(update=update))
    people = tuple(
        o
        for o in state.overrides
        if o.kind is not OverrideKind.THERMOSTAT or not o.override_id.startswith(MANUAL_CHANGE)
    )
    watch = state.watch.model_copy(update={"competing_until": as_of + LEFT_FOR})
    return state.model_copy(update={"overrides": people, "touches": (), "watch": watch})


def is_left_to_another(state: PumpState, now: datetime) -> bool:
    """Whether another controller is taken to be at the lever."""
    until = state.watch.competing_until
    return until is not None and now < until
