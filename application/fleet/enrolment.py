"""Enrols pumps: asks the vendor what each unit can do, records it, and starts the pump's workflow.

Protects: no pump is steered before its vendor said what it can do; enrolling again changes nothing.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from application.access import Access
from application.errors import ErrorCode, Failed, UseCaseError
from application.fleet.starting import start_pump
from domain.homes.enrolment import Enrolment, PumpProfile
from domain.oem.errors import AuthExpired, OemError, RateLimited, Rejected
from domain.oem.ports import OemAdapter
from workflows.contracts import Patience

ENROL_AT_A_TIME = 8
ENROL_TRIES = 6
CALLS_LEAVE_TOGETHER = timedelta(seconds=10)
"""Calls that were spent in a row leave a vendor's window in a row: who waits for the first waits for the others too."""


@dataclass(frozen=True)
class Enrolled:
    """What became of an enrolment."""

    pumps: tuple[str, ...]
    """Enrolled and steered, in the order of the sheet."""
    problems: Mapping[str, UseCaseError]
    """By pump."""


async def enrol(access: Access, sheet: Sequence[Enrolment], adapter: OemAdapter, patience: Patience) -> Enrolled:
    """Enrol every pump of a sheet. One that is enrolled already stays as it was; a retired one is passed over."""
    gate, in_turn = asyncio.Semaphore(ENROL_AT_A_TIME), asyncio.Lock()
    known_pumps = {row["pump_id"]: row for row in await access.ledger.reports.pumps()}
    done: list[str] = []
    problems: dict[str, UseCaseError] = {}

    async def one(enrolment: Enrolment) -> None:
        row = known_pumps.get(enrolment.pump_id)
        if row is not None and row["retired_at"]:
            return
        try:
            async with gate:
                profile = PumpProfile.model_validate(row["profile"]) if row else None
                profile = profile or await _ask_vendor(access, enrolment, adapter, in_turn)
                await start_pump(access, profile, patience)
            done.append(enrolment.pump_id)
        except UseCaseError as error:
            problems[enrolment.pump_id] = error

    await asyncio.gather(*(one(e) for e in sheet))
    return Enrolled(tuple(e.pump_id for e in sheet if e.pump_id in set(done)), problems)


async def _ask_vendor(access: Access, enrolment: Enrolment, adapter: OemAdapter, in_turn: asyncio.Lock) -> PumpProfile:
    """The pump's profile by what its vendor says of it, recorded; raises Failed where the vendor says nothing.

    A unit takes several calls. Where the budget is used up, one unit is asked after the other (`in_turn`): together
    each would get a part of what becomes free, and none enough.
    """
    problem = "the vendor's call budget is used up"
    async with contextlib.AsyncExitStack() as turn:
        has_turn = False
        for attempt in range(ENROL_TRIES):
            try:
                capability = await adapter.capability(enrolment.address, access.now())
                break
            except RateLimited as error:
                if not has_turn:
                    await turn.enter_async_context(in_turn)
                    has_turn = True
                free_at = error.retry_at + CALLS_LEAVE_TOGETHER
                await asyncio.sleep(max(0.1, access.clock.wall_duration(free_at - access.now()).total_seconds()))
            except (AuthExpired, Rejected) as error:
                raise _not_enrolled(enrolment.pump_id, str(error)) from error  # no repetition changes that
            except OemError as error:
                problem = str(error)
                await asyncio.sleep(0.2 * 2**attempt)
        else:
            raise _not_enrolled(enrolment.pump_id, problem)
    profile = PumpProfile.of(enrolment, capability)
    await access.ledger.pumps.enrol(profile, access.now())
    return profile


def _not_enrolled(pump_id: str, problem: str) -> Failed:
    sentence = f"{pump_id} could not be enrolled: {problem}"
    return Failed(ErrorCode.NOT_ENROLLED, sentence, pump=pump_id, problem=problem)
