"""Tries a unit's heating lever before it is enrolled: one step warmer, seen there, and back to the household's own.

Protects: the household's own setting is written back whatever happened in between; nothing but a raised setting is
tried, so that a home is never left colder by a trial that was cut off.
"""

import asyncio
from datetime import datetime

from application.access import Access
from domain.modes import Mode
from domain.oem.errors import AuthExpired, OemError, RateLimited, Rejected
from domain.oem.lever import Lever
from domain.oem.ports import LeverReverter, OemAdapter
from domain.oem.units import PumpAddress

WRITES = 4
"""Attempts at a write that the cloud does not answer."""


class TrialFailed(Exception):
    """A unit that did not obey; the message is half a sentence that says how."""


async def try_lever(access: Access, adapter: OemAdapter, pump: PumpAddress, lever: Lever) -> None:
    """Move a lever, see it moved, and give it back; raises TrialFailed with the reason.

    Takes as long as the vendor takes to show a write, twice: some minutes, steered.
    """
    raised = next((s for m in (Mode.MID, Mode.MAX) if (s := lever.setting_for(m)) != lever.baseline), None)
    if raised is None:
        raise TrialFailed("its setting is at the end of its range, and cannot be raised for a trial")
    if not lever.can_be_given_back:
        raise TrialFailed(f"its own setting of {lever.baseline:g} could not be written back after a trial")
    try:
        written_at = await _write(access, adapter, pump, lever, raised)
        problem = await _seen(access, adapter, pump, lever, raised, written_at)
    except BaseException:
        await asyncio.shield(_give_back(access, adapter, pump, lever))
        raise
    back_at = await _give_back(access, adapter, pump, lever)
    if problem:
        raise TrialFailed(f"the cloud accepted a setting of {raised:g} {problem}")
    if problem := await _seen(access, adapter, pump, lever, lever.baseline, back_at):
        raise TrialFailed(f"its own setting of {lever.baseline:g} was written back {problem}: look at the unit")


async def _give_back(access: Access, adapter: OemAdapter, pump: PumpAddress, lever: Lever) -> datetime:
    return await _write(access, adapter, pump, lever, lever.baseline, is_revert=True)


async def _write(
    access: Access, adapter: OemAdapter, pump: PumpAddress, lever: Lever, setting: float, *, is_revert: bool = False
) -> datetime:
    """Write until the cloud has accepted it; when that was."""
    problem: OemError | None = None
    for attempt in range(WRITES):
        now = access.now()
        try:
            if is_revert and isinstance(adapter, LeverReverter):
                await adapter.revert(pump, lever.name, setting, now, urgent=True)
            else:
                await adapter.write(pump, lever.name, setting, now, urgent=is_revert)
        except (AuthExpired, Rejected) as error:
            raise TrialFailed(f"a setting of {setting:g} was refused: {error}") from error
        except OemError as error:
            problem = error
            wait = error.retry_at - now if isinstance(error, RateLimited) else adapter.timing.look_again
            await asyncio.sleep(access.clock.wall_duration(wait).total_seconds() + 0.1 * attempt)
        else:
            return now
    raise TrialFailed(f"a setting of {setting:g} could not be written: {problem}")


async def _seen(
    access: Access, adapter: OemAdapter, pump: PumpAddress, lever: Lever, setting: float, written_at: datetime
) -> str:
    """Look until the setting is seen, or a write can no longer land; empty where it was seen."""
    timing = adapter.timing
    await asyncio.sleep(access.clock.wall_duration(timing.usual_delay).total_seconds())
    last = "and said nothing of it since"
    while True:
        now = access.now()
        try:
            reading = await adapter.read(pump, lever.name, now)
        except OemError as error:
            last = f"and could not be read since ({error})"
        else:
            found = reading.setting_of(lever.name)
            if found == setting:
                return ""
            last = "and did not apply it"
        if now >= written_at + timing.longest_in_flight:
            return f"{last} within {(now - written_at).total_seconds() / 60:.0f} min"
        await asyncio.sleep(access.clock.wall_duration(timing.look_again).total_seconds())
