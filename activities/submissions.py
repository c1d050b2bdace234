"""A submitted plan by shards and parts: which of its pumps no shard can take, and how one part of it is judged.

Protects: a pump that a submission speaks of is either judged in exactly one part or refused with a reason.
"""

from collections.abc import Collection, Sequence

from domain.homes.enrolment import Enrolment
from domain.planning.fleet_plan import Judged, PlanningRequest, PlanOutline, Refusal
from domain.planning.shards import Part, Shard
from domain.ports import Judge, PlanStore, PumpDirectory
from domain.submission import modes_over

LEAVE_OUT = "leave it out"


def speaking_of(shards: Sequence[Shard], wanted: Collection[str]) -> tuple[Shard, ...]:
    """The shards, numbered anew, with those parts that hold a wanted pump; these whole, for a part shares a limit."""
    known = frozenset(wanted)
    parts = [tuple(part for part in shard.parts if known.intersection(part.pump_ids)) for shard in shards]
    return tuple(Shard(number=number, parts=of_shard) for number, of_shard in enumerate(filter(None, parts)))


async def not_to_be_judged(
    pumps: PumpDirectory,
    price_area: str,
    wanted: Sequence[str],
    enrolments: Sequence[Enrolment],
    shards: Sequence[Shard],
) -> tuple[Refusal, ...]:
    """Why each wanted pump that is in none of the shards of its price area is not there."""
    cells = {enrolment.pump_id: enrolment.weather_cell for enrolment in enrolments}
    held = {pump_id for shard in shards for part in shard.parts for pump_id in part.pump_ids}
    missing = [pump_id for pump_id in wanted if pump_id not in held]
    steered = {profile.enrolment.pump_id: profile.enrolment for profile in await pumps.profiles(missing)}
    refused = []
    for pump_id in missing:
        if pump_id in cells:
            problem, way_out = f"there is no forecast for its weather cell {cells[pump_id]}", "submit it again later"
        elif pump_id in steered and steered[pump_id].price_area != price_area:
            area = steered[pump_id].price_area
            problem, way_out = f"is in price area {area}, not in {price_area}", f"submit it in a plan for {area}"
        elif pump_id in steered:
            problem, way_out = "is moved by another system, which is only observed", f"cut it over, or {LEAVE_OUT}"
        elif await _is_enrolled(pumps, pump_id):
            refused.append(_retired(pump_id))
            continue
        else:
            problem, way_out = "is not enrolled", f"enrol it, or {LEAVE_OUT}"
        refused.append(Refusal(subject=pump_id, problem=problem, way_out=way_out))
    return tuple(refused)


async def judged(plans: PlanStore, judge: Judge, outline: PlanOutline, part: Part, request: PlanningRequest) -> Judged:
    """What is taken of a part of a submitted plan; pumps that it does not speak of keep to the plans they have."""
    assert outline.submission is not None
    first_slot, slots = outline.first_slot, outline.slots
    wanted = await plans.submitted_schedules(outline.submission, part.pump_ids)
    standing = await plans.standing_plans(part.pump_ids, first_slot, outline.end)
    found = await judge(
        request,
        {pump_id: modes_over(segments, first_slot, slots) for pump_id, segments in wanted.items()},
        {pump_id: plan.modes_from(first_slot, slots) for pump_id, plan in standing.items()},
    )
    gone = wanted.keys() - {pump.profile.enrolment.pump_id for pump in request.pumps}
    return found.model_copy(update={"refused": (*found.refused, *map(_retired, sorted(gone)))})


def _retired(pump_id: str) -> Refusal:
    return Refusal(subject=pump_id, problem="is retired", way_out=LEAVE_OUT)


async def _is_enrolled(pumps: PumpDirectory, pump_id: str) -> bool:
    try:
        await pumps.profile(pump_id)
    except LookupError:
        return False
    return True
