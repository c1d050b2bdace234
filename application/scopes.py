"""Which pumps an order is for: its scope is part of the order, and says of any pump whether it is meant.

Protects: a pump enrolled after an order was given is meant by the same rule as those before it.
"""

from collections.abc import Sequence

from application.errors import ErrorCode, Refused, invalid
from domain.homes.enrolment import PumpProfile
from domain.homes.segments import segment_of
from domain.steering.orders import Order

ALL = "all"


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
    """The scope named by at most one of these; `all` where none is given. Raises Refused where several are."""
    named = {"oem": oem, "segment": segment, "area": area, "plan": plan, "pump": pump}
    given = [(name, value) for name, value in named.items() if value is not None]
    if len(given) > 1:
        fields = [name for name, _ in given]
        sentence = f"{' and '.join(fields)} cannot be combined"
        raise Refused(ErrorCode.CONFLICTING_VALUES, sentence, fields=fields)
    if not given:
        return ALL
    name, value = given[0]
    scope = f"{name}:{value}"
    if not str(value).strip() or len(scope) > 80 or not scope.isprintable():
        raise invalid(name, "names nothing", repr(value))
    return scope


def meant(scope: str, profiles: Sequence[PumpProfile]) -> list[PumpProfile]:
    """The pumps that a scope names; raises Refused, with the scopes there are, where it names none."""
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
            raise Refused(ErrorCode.UNKNOWN_PUMP, f"no pump {name} is steered", pump=name)
        case _:
            known = {segment_of(p) for p in profiles}
    there_are = sorted(known)
    sentence = f"no steered pump is of {kind} {name}: there are {', '.join(there_are) or 'none'}"
    raise Refused(ErrorCode.UNKNOWN_SCOPE, sentence, kind=kind, name=name, known=there_are)
