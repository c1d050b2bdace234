"""Whom an order is for: a scope is a word in the order itself, and says of any pump whether it is meant.

Protects: a pump enrolled after an order was given is meant by the same rule as those before it.
"""

from bisect import bisect_left
from collections.abc import Sequence

from application.errors import WrongInput
from domain.homes.enrolment import PumpProfile
from domain.steering.orders import Order
from optimizer.segments import AREA_BANDS_M2

ALL = "all"


def segment_of(profile: PumpProfile) -> str:
    """The segment a pump is planned in, in words: `renovated/radiator/heating_offset/100-140m2/sensed`."""
    e = profile.enrolment
    band = bisect_left(AREA_BANDS_M2, e.heated_area_m2)
    above = f"{AREA_BANDS_M2[band]:.0f}m2" if band < len(AREA_BANDS_M2) else "up"
    size = f"{AREA_BANDS_M2[band - 1]:.0f}-{above}" if band else f"below-{above}"
    sensed = "sensed" if profile.has_room_sensor else "unsensed"
    return f"{e.building_class.value}/{e.emitter.value}/{profile.heating.name}/{size}/{sensed}"


def covers(order: Order, profile: PumpProfile) -> bool:
    """Whether an order is for this pump. A stop of one plan is for all: each pump compares the revision itself."""
    return is_meant(order.scope, profile)


def is_meant(scope: str, profile: PumpProfile) -> bool:
    """Whether a scope names this pump; a segment may be named by its beginning."""
    kind, _, name = scope.partition(":")
    match kind:
        case "all" | "plan":
            return True
        case "oem":
            return profile.enrolment.oem == name
        case "area":
            return profile.enrolment.grid_area == name
        case "segment":
            segment = segment_of(profile)
            return segment == name or segment.startswith(f"{name}/")
        case "pump":
            return profile.enrolment.pump_id == name
        case _:
            return False


def scope_of(
    oem: str | None = None,
    segment: str | None = None,
    area: str | None = None,
    plan: int | None = None,
    pump: str | None = None,
) -> str:
    """The scope that options name; `all` where they name none, WrongInput where they name several."""
    named = {"oem": oem, "segment": segment, "area": area, "plan": plan, "pump": pump}
    given = [(name, value) for name, value in named.items() if value is not None]
    if len(given) > 1:
        raise WrongInput(f"--{given[0][0]} and --{given[1][0]}: name one of them, or give two orders")
    if not given:
        return ALL
    name, value = given[0]
    scope = f"{name}:{value}"
    if not str(value).strip() or len(scope) > 80 or not scope.isprintable():
        raise WrongInput(f"--{name} {value!r} names nothing")
    return scope


def meant(scope: str, profiles: Sequence[PumpProfile]) -> list[PumpProfile]:
    """The pumps that a scope names; WrongInput with those there are where it names none."""
    found = [profile for profile in profiles if is_meant(scope, profile)]
    if found or scope == ALL:
        return found
    kind, _, name = scope.partition(":")
    match kind:
        case "oem":
            known = {p.enrolment.oem for p in profiles}
        case "area":
            known = {p.enrolment.grid_area for p in profiles}
        case "pump":
            raise WrongInput(f"no pump {name} is steered: `heatsteer pumps list` shows those that are")
        case _:
            known = {segment_of(p) for p in profiles}
    raise WrongInput(f"no steered pump is of {kind} {name}: there are {', '.join(sorted(known)) or 'none'}")
