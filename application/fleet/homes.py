"""Use cases on a home: its pumps, what everybody asks of them, and the room temperatures its household accepts.

Protects: all pumps of a home are asked before the first is changed, so that a home is not left half changed.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from application.access import Access
from application.audit_log import COMFORT, WAS, Actor, audited
from application.errors import ErrorCode, Failed, Refused, UseCaseError, invalid
from application.pump_workflows import act, status
from domain.homes.comfort import ComfortBand, ComfortWeek
from domain.homes.enrolment import PumpProfile
from domain.homes.panels import Panels
from domain.steering.pump_state import ComfortChanged
from workflows.contracts import PumpStatus, first_problem


@dataclass(frozen=True)
class Comfort:
    """What a pump's household accepts, and the room last read."""

    pump: str
    room_min_c: float
    room_max_c: float
    floor_c: float
    """As of now."""
    week: ComfortWeek | None
    room_c: float | None
    as_of: datetime | None


@dataclass(frozen=True)
class Home:
    """A home's pumps, each with its state, or with the error where its workflow does not answer."""

    home_id: str
    pumps: list[tuple[PumpProfile, PumpStatus | UseCaseError]]


def home_of(profile: PumpProfile) -> str:
    """The home's id; a pump that shares no home is its own."""
    e = profile.enrolment
    return e.home.home_id if e.home is not None else e.pump_id


async def pumps_of(access: Access, name: str, *, whole_home: bool) -> list[PumpProfile]:
    """The steered pumps that a pump's or a home's id means; raises Refused where it means none."""
    profiles = await access.ledger.pumps.active()
    of_home = [p for p in profiles if home_of(p) == name]
    if of_home:
        return of_home
    own = [p for p in profiles if p.enrolment.pump_id == name]
    if own and whole_home:
        return [p for p in profiles if home_of(p) == home_of(own[0])]
    if own:
        return own
    raise Refused(ErrorCode.UNKNOWN_HOME, f"{name} is neither a steered pump nor a home", name=name)


def band_of(low_c: float, high_c: float) -> ComfortBand:
    """The band; raises Refused for one that no home has."""
    values = {"room_min_c": low_c, "room_max_c": high_c}
    for field, value in values.items():
        if not math.isfinite(value):
            raise invalid(field, "give a temperature in degrees C", value)
    try:
        return ComfortBand(room_min_c=low_c, room_max_c=high_c)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        if field not in values:
            sentence = f"{low_c:g} to {high_c:g} C: {first_problem(error)}"
            raise Refused(ErrorCode.INVALID_REQUEST, sentence) from error
        limits = first.get("ctx", {})
        limit = f"at most {limits['le']:g}" if "le" in limits else f"at least {limits.get('ge', 0):g}"
        raise invalid(field, f"a household here accepts {limit} C", f"{values[field]:g}") from error


async def set_comfort(
    access: Access,
    name: str,
    band: ComfortBand,
    by: Actor,
    week_in: Callable[[str], ComfortWeek | None] | None = None,
) -> list[str]:
    """Let a pump, or all pumps of a home, keep to another band; returns the pumps changed.

    `week_in` gives the week that a household of a price area keeps, if any.
    """
    profiles = await pumps_of(access, name, whole_home=False)
    for profile in profiles:
        await status(access, profile.enrolment.pump_id)
    done: list[str] = []
    for profile in profiles:
        pump_id = profile.enrolment.pump_id
        try:
            band = band.model_copy(update={"week": week_in and week_in(profile.enrolment.price_area)})
            detail = band.model_dump(mode="json") | {WAS: profile.enrolment.band.model_dump(mode="json")}
            await act(access, pump_id, COMFORT, by, ComfortChanged(band=band), detail)
        except UseCaseError as error:
            already = f" after {', '.join(done)} had been changed" if done else ""
            facts = {"done": tuple(done), "problem": str(error)}
            raise Failed(ErrorCode.PARTLY_DONE, f"{error}{already}", **facts) from error
        done.append(pump_id)
    return done


async def set_panels(access: Access, name: str, panels: Panels | None, by: Actor) -> list[str]:
    """Write down a home's solar panels, or that it has none, for all its pumps; the next plan counts with them."""
    pump_ids = [profile.enrolment.pump_id for profile in await pumps_of(access, name, whole_home=True)]

    async def do() -> list[str]:
        await access.ledger.pumps.set_panels(pump_ids, panels)
        return pump_ids

    detail = {"pumps": pump_ids, "panels": None if panels is None else panels.model_dump(mode="json")}
    return await audited(access, "panels", name, by, detail, do)


async def comfort_of(access: Access, name: str) -> list[Comfort]:
    """The bands of a pump or a home, with the room last read."""
    profiles = await pumps_of(access, name, whole_home=False)
    newest = await access.ledger.observations.newest([p.enrolment.pump_id for p in profiles])
    found = []
    for profile in profiles:
        enrolment, reading = profile.enrolment, newest.get(profile.enrolment.pump_id)
        found.append(
            Comfort(
                pump=enrolment.pump_id,
                room_min_c=enrolment.band.room_min_c,
                room_max_c=enrolment.band.room_max_c,
                week=enrolment.band.week,
                floor_c=profile.site.floor_c(access.now()),
                room_c=reading.room_c if reading else None,
                as_of=reading.as_of if reading else None,
            )
        )
    return found


async def home(access: Access, name: str) -> Home:
    """The home that a pump's or a home's id means, with the state of all its pumps."""
    profiles = await pumps_of(access, name, whole_home=True)
    found: list[tuple[PumpProfile, PumpStatus | UseCaseError]] = []
    for profile in profiles:
        try:
            found.append((profile, await status(access, profile.enrolment.pump_id)))
        except UseCaseError as error:
            found.append((profile, error))
    return Home(home_of(profiles[0]), found)
