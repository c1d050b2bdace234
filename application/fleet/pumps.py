"""Use cases on pumps: the fleet at a glance, one pump in full, leaving and coming back, retiring, starting again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from application.access import Access
from application.audit_log import Actor, audited
from application.errors import ErrorCode, Failed, Refused
from application.fleet.starting import start_pump
from application.pump_workflows import act, is_running, known, status
from domain.modes import Circuit, HotWaterMode, Mode
from domain.oem.readings import Reading
from domain.steering.pump_state import RetireRequested, SteeringConsent
from workflows.contracts import PUMP_ALERT, PUMP_AUTHORITY, PumpStatus, patience_at

NEWEST_LINES = 12


@dataclass(frozen=True)
class PumpInList:
    """A pump as a list of the fleet shows it."""

    pump: str
    oem: str
    model: str
    target: str
    authority: str
    seen_in: str
    """The mode it was last seen in; "unknown" where its newest command was not seen to be obeyed."""
    hot_water: str | None
    """None without a hot-water lever."""
    hot_water_seen_in: str | None
    room_c: float | None
    as_of: datetime | None
    """Of the newest reading."""
    alert: str
    enrolled_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True)
class PumpInFull:
    """One pump: its workflow's state, its newest reading and the newest lines of its commands."""

    status: PumpStatus
    reading: Reading | None
    command_lines: Sequence[Mapping[str, Any]]


async def list_pumps(access: Access) -> list[PumpInList]:
    """Every pump ever enrolled, by id."""
    pumps = await access.ledger.reports.pumps()
    seen = await access.ledger.reports.modes_seen()
    water_seen = await access.ledger.reports.modes_seen(Circuit.HOT_WATER)
    newest = await access.ledger.observations.newest([p["pump_id"] for p in pumps])
    shown = await _shown_by_workflows(access)
    found = []
    for pump in pumps:
        pump_id = pump["pump_id"]
        reading = newest.get(pump_id)
        authority, alert = shown.get(pump_id, (pump["authority"] or "neutral", "none"))
        has_water = pump["profile"].get("hot_water") is not None
        found.append(
            PumpInList(
                pump=pump_id,
                oem=pump["oem"],
                model=pump["profile"]["model"],
                target=pump["mode"] or Mode.LOW.value,
                authority=authority,
                seen_in=seen.get(pump_id, Mode.LOW.value),
                hot_water=(pump["hot_water"] or HotWaterMode.NORMAL.value) if has_water else None,
                hot_water_seen_in=water_seen.get(pump_id, HotWaterMode.NORMAL.value) if has_water else None,
                room_c=reading.room_c if reading else None,
                as_of=reading.as_of if reading else None,
                alert=alert,
                enrolled_at=pump["enrolled_at"],
                retired_at=pump["retired_at"],
            )
        )
    return found


async def _shown_by_workflows(access: Access) -> dict[str, tuple[str, str]]:
    """Authority and alert of every running pump, as its workflow last wrote them into its search attributes."""
    running = access.client.list_workflows("WorkflowType = 'HeatPumpWorkflow' AND ExecutionStatus = 'Running'")
    return {
        one.id.removeprefix("pump-"): (
            one.typed_search_attributes.get(PUMP_AUTHORITY, "neutral"),
            one.typed_search_attributes.get(PUMP_ALERT, "none"),
        )
        async for one in running
    }


async def pump_in_full(access: Access, pump_id: str) -> PumpInFull:
    """One pump; raises Refused where it is not enrolled, Failed where its workflow does not answer."""
    now = await status(access, pump_id)
    reading = (await access.ledger.observations.newest([pump_id])).get(pump_id)
    return PumpInFull(now, reading, await access.ledger.reports.trail(pump_id, NEWEST_LINES))


async def consent(access: Access, pump_id: str, by: Actor, *, opted_out: bool) -> PumpStatus:
    """The household leaves (everything of ours is reverted, nothing more is written), or comes back."""
    await known(access, pump_id)
    name = "opt-out" if opted_out else "opt-in"
    return await act(access, pump_id, name, by, SteeringConsent(opted_out=opted_out), {})


async def retire(access: Access, pump_id: str, by: Actor) -> PumpStatus:
    """Bring the pump back to neutral and steer it no more."""
    await known(access, pump_id)
    return await act(access, pump_id, "retire", by, RetireRequested(), {})


async def start_again(access: Access, pump_id: str, by: Actor) -> PumpStatus:
    """Steer a pump again whose workflow was terminated; raises Refused where it runs, Failed where it was retired."""
    profile = await known(access, pump_id)

    async def do() -> PumpStatus:
        if await is_running(access, pump_id):
            raise Refused(ErrorCode.ALREADY_STEERED, f"{pump_id} is steered already", pump=pump_id)
        if all(one.enrolment.pump_id != pump_id for one in await access.ledger.pumps.active()):
            raise Failed(ErrorCode.RETIRED, f"{pump_id} is not steered: it was retired", pump=pump_id)
        await start_pump(access, profile, patience_at(access.clock.speed), again=True)
        return await status(access, pump_id)

    return await audited(access, "start", pump_id, by, {}, do)
