"""Which modes may follow which: dwell as discrete states of the programme, so that it is exact and never rounded.

Symbols: a dwell state s = (mode, slots it has still to be held, or slots it has been held); every mode's first state is
that of a pump changed within the slot before the horizon, which has held nothing yet. Running a slot in s leads to
`stay[s]` in the next slot (-1: it may not stay) and, where `may_leave[s]`, to `entry[m]` of another mode m.

Invariant: a schedule is admissible exactly when it is a walk of this automaton, for plan, enumeration and bound alike.

The minimum run of a raised mode and the minimum pause are the Rajan-Takriti conditions of unit commitment; as states
they need no inequality. A home without a room sensor has no MAX, and MIN for at most `UNSENSED_MIN_SLOTS` on end.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from domain.planning.fleet_plan import MOST_CHANGES_A_DAY
from optimizer.house import LOW, MAX, MID, MIN, MODES

HOLD_SLOTS = {MIN: 2, LOW: 2, MID: 4, MAX: 4}
UNSENSED_MIN_SLOTS = 12
MAX_CHANGES_PER_DAY = MOST_CHANGES_A_DAY
DAY_SLOTS = 96
LONGEST_DAY_SLOTS = 100


@dataclass(frozen=True)
class Dwell:
    """The automaton of one kind of home; arrays over states (S,) and modes (M,)."""

    mode: npt.NDArray[np.intp]
    stay: npt.NDArray[np.intp]
    may_leave: npt.NDArray[np.bool_]
    just_changed: npt.NDArray[np.intp]
    """State of a mode that has not been held for a whole slot when the horizon begins, (M,)."""
    entry: npt.NDArray[np.intp]
    """State in which a mode begins; -1 where the plan may not begin it."""

    @property
    def states(self) -> int:
        """S."""
        return len(self.mode)

    def start(self, mode: int, held_slots: int) -> int:
        """State of a pump that has been in `mode` for `held_slots` when the horizon begins."""
        state = self.just_changed[mode]
        for _ in range(held_slots):
            if self.stay[state] < 0:
                break
            state = self.stay[state]
        return int(state)

    def followers(self, state: int) -> Iterator[int]:
        """States the next slot may be run in."""
        if self.stay[state] >= 0:
            yield int(self.stay[state])
        if self.may_leave[state]:
            yield from (int(e) for m, e in enumerate(self.entry) if e >= 0 and m != self.mode[state])

    def first_break(self, modes: npt.NDArray[np.intp], start: int) -> int | None:
        """The first slot whose mode does not follow, walking from `start`; None for an admissible sequence."""
        state = start
        for slot, mode in enumerate(modes):
            step = [s for s in self.followers(state) if self.mode[s] == mode]
            if not step:
                return slot
            state = step[0]
        return None

    def admits(self, modes: npt.NDArray[np.intp], start: int) -> bool:
        """Is this sequence of modes a walk from `start`?"""
        return self.first_break(modes, start) is None


@cache
def dwell_of(sensed: bool) -> Dwell:
    """The automaton of a home with a room sensor, or of one without."""
    mode: list[int] = []
    stay: list[int] = []
    leave: list[bool] = []
    just_changed: list[int] = []
    entry: list[int] = []
    for m in range(len(MODES)):
        first = len(mode)
        hold, most = HOLD_SLOTS[m], HOLD_SLOTS[m]
        just_changed.append(first)
        entry.append(first + 1)
        if sensed or m in (LOW, MID):
            # counts what is left to hold; the last state repeats itself
            last = first + hold
        elif m == MIN:
            # counts what has been held, since a set-back nobody can see must end
            most, last = UNSENSED_MIN_SLOTS, -1
        else:
            # only ever met at the start of a horizon, and left as soon as it has been held
            entry[m], last = -1, -1
        mode += [m] * (1 + most)
        stay += [*range(first + 1, first + 1 + most), last]
        leave += [False] * hold + [True] * (most - hold + 1)
    return Dwell(*(np.array(column) for column in (mode, stay, leave, just_changed, entry)))


def change_blocks(slots: int) -> npt.NDArray[np.intp]:
    """Block (plan day) of each slot; a market day of up to 100 slots is one block, a longer horizon has one per 96."""
    if slots <= LONGEST_DAY_SLOTS:
        return np.zeros(slots, dtype=np.intp)
    return np.arange(slots) // DAY_SLOTS


def count_changes(modes: npt.NDArray[np.intp], mode_before: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Where a schedule (B, N) changes mode, the first slot against the mode in force before it."""
    before = np.concatenate([mode_before[:, None], modes[:, :-1]], axis=1)
    return np.asarray(modes != before)
