"""Use cases on a home: its pumps, everybody's wishes for them, and the room temperatures its household accepts.

Protects: all pumps of a home are asked before the first is changed, so that a home is not left half changed.
"""

import math
from typing import Any

from pydantic import ValidationError

from application.audit_log import COMFORT, WAS
from application.errors import Complaint, Failed, WrongInput
from application.overrides import Actor, act
from application.pumps import status
from console.access import Access
from domain.homes.enrolment import PumpProfile
from domain.homes.site import ComfortBand
from domain.steering.pump_state import ComfortChanged
from workflows.contracts import PumpStatus, first_problem


def home_of(profile: PumpProfile) -> str:
    """The home's id; a pump that shares no home is its own."""
    e = profile.enrolment
    return e.home.home_id if e.home is not None else e.pump_id


async def pumps_of(access: Access, name: str, *, whole_home: bool) -> list[PumpProfile]:
    """The steered pumps that a pump's or a home's id means; WrongInput where it means none."""
    profiles = await access.ledger.pumps.active()
    of_home = [p for p in profiles if home_of(p) == name]
    if of_home:
        return of_home
    own = [p for p in profiles if p.enrolment.pump_id == name]
    if own and whole_home:
        return [p for p in profiles if home_of(p) == home_of(own[0])]
    if own:
        return own
    raise WrongInput(f"{name} is no steered pump and no home: `heatsteer pumps list` shows the pumps there are")


def band_of(low_c: float, high_c: float) -> ComfortBand:
    """The band; WrongInput with a sentence for one that no home has."""
    for option, value in (("--min", low_c), ("--max", high_c)):
        if not math.isfinite(value):
            raise WrongInput(f"{option} {value}: give a temperature in degrees C")
    try:
        return ComfortBand(room_min_c=low_c, room_max_c=high_c)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        options = {"room_min_c": f"--min {low_c:g}", "room_max_c": f"--max {high_c:g}"}
        named = options.get(str(first["loc"][0])) if first["loc"] else None
        if named is None:
            raise WrongInput(f"--min {low_c:g} --max {high_c:g}: {first_problem(error)}") from error
        limits = first.get("ctx", {})
        said = f"at most {limits['le']:g}" if "le" in limits else f"at least {limits.get('ge', 0):g}"
        raise WrongInput(f"{named}: a room temperature that a household accepts is {said} C here") from error


async def set_comfort(access: Access, name: str, band: ComfortBand, by: Actor) -> list[str]:
    """Let a pump, or all pumps of a home, keep to another band; returns the pumps changed."""
    profiles = await pumps_of(access, name, whole_home=False)
    for profile in profiles:
        await status(access, profile.enrolment.pump_id)
    done: list[str] = []
    for profile in profiles:
        pump_id = profile.enrolment.pump_id
        try:
            detail = band.model_dump(mode="json") | {WAS: profile.enrolment.band.model_dump(mode="json")}
            await act(access, pump_id, COMFORT, by, ComfortChanged(band=band), detail)
        except Complaint as complaint:
            already = f" after {', '.join(done)} had been changed" if done else ""
            raise Failed(f"{complaint}{already}: say it again once that is mended") from complaint
        await access.ledger.pumps.set_band(pump_id, band)
        done.append(pump_id)
    return done


async def comfort_of(access: Access, name: str) -> list[dict[str, Any]]:
    """The bands of a pump or a home, with the room last read."""
    profiles = await pumps_of(access, name, whole_home=False)
    newest = await access.ledger.observations.newest([p.enrolment.pump_id for p in profiles])
    rows = []
    for profile in profiles:
        reading = newest.get(profile.enrolment.pump_id)
        rows.append(
            {
                "pump": profile.enrolment.pump_id,
                "room_min_c": profile.enrolment.band.room_min_c,
                "room_max_c": profile.enrolment.band.room_max_c,
                "floor_c": profile.site.floor_c,
                "room_c": reading.room_c if reading else None,
                "as_of": reading.as_of if reading else None,
            }
        )
    return rows


async def home(access: Access, name: str) -> tuple[str, list[tuple[PumpProfile, PumpStatus | str]]]:
    """A home's id and its pumps, each with its state, or with a sentence where its workflow does not answer."""
    profiles = await pumps_of(access, name, whole_home=True)
    found: list[tuple[PumpProfile, PumpStatus | str]] = []
    for profile in profiles:
        try:
            found.append((profile, await status(access, profile.enrolment.pump_id)))
        except Complaint as complaint:
            found.append((profile, str(complaint)))
    return home_of(profiles[0]), found
