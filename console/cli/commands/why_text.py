"""A pump's story as a support agent reads it: one sentence to read out, then what it rests on, line by line."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from application.explain import AROUND, OBEYED, Explanation, Market
from console.cli.words import clock_of, local
from domain.commands.command import Authority, EventKind
from domain.commands.evidence import shows_no_effect
from domain.modes import Circuit, Level, Mode, neutral_of
from domain.oem.readings import Condition, Reading
from domain.slots import SLOT
from domain.steering.overrides import OverrideKind, strongest
from domain.steering.target import BoundKind, Target

MOST_LINES = 30
_DOES = {
    Mode.MIN: "set back",
    Mode.LOW: "on its own control",
    Mode.MID: "raised",
    Mode.MAX: "forced to heat",
}
_WISH = {
    OverrideKind.MODE: "an override to {mode}",
    OverrideKind.PAUSE: "a pause",
    OverrideKind.VACATION: "a vacation",
    OverrideKind.EMERGENCY: "an emergency",
}

_WAITS = {
    BoundKind.DWELL: "the plan's last step had to run or pause long enough",
    BoundKind.DAILY_CHANGES: "the plan had made as many changes as a day may hold",
    BoundKind.BACK_OFF: "the last attempt had failed or not held",
}
"""What keeps a pump from acting on its target yet."""


def sentence_of(story: Explanation) -> str:
    """What the heating did at the moment, by whom, why, and how that is known."""
    target = story.targets[Circuit.HEATING]
    does = _DOES[_mode(target.mode)]
    if target.is_held:
        parts = [
            f"At {clock_of(story.at)} nothing could be written to the pump ({target.reason}); else it would be {does}"
        ]
    else:
        was = "was" if _is_seen(story, target) else "was meant to be"
        parts = [f"At {clock_of(story.at)} the home {was} {does} {_by(story, target)}"]
        if wait := next((b for b in story.bounds(Circuit.HEATING) if b.kind in _WAITS), None):
            until = f" until {clock_of(wait.until)}" if wait.until else ""
            parts.append(f"the change had to wait{until} because {_WAITS[wait.kind]}")
    evidence = _evidence(story, target)
    if evidence:
        parts.append(evidence)
    if room := _room(story):
        parts.append(room)
    if story.breaker is not None and story.breaker["state"] in ("open", "held"):
        word = "failing" if story.breaker["state"] == "open" else "held"
        parts.append(f"the {story.profile.enrolment.oem} cloud was {word} since {clock_of(story.breaker['at'])}")
    return "; ".join(parts) + "."


def _mode(level: Level) -> Mode:
    assert isinstance(level, Mode)
    return level


def _by(story: Explanation, target: Target) -> str:
    """Whose doing it was, and why."""
    until = f" until {clock_of(target.until)}" if target.until else ""
    override = strongest(tuple(story.overrides), story.at)
    match target.authority:
        case Authority.OPTED_OUT:
            return f"because it is not steered ({target.reason})"
        case Authority.SERVICE | Authority.COMPETING:
            return f"because {target.reason}"
        case Authority.LIMITED:
            order = next((o for o in story.orders if o.kind.value in target.reason or o.scope in target.reason), None)
            return f"by {target.reason}" + (f", given by {order.who}: {order.why}" if order else "") + until
        case Authority.OUTSIDE if override is None or override.kind is not OverrideKind.THERMOSTAT:
            return f"because {target.reason}"
        case Authority.OVERRIDE | Authority.VACATION | Authority.OUTSIDE if override is not None:
            if override.kind is OverrideKind.THERMOSTAT:
                return f"because somebody set the pump by hand at {clock_of(override.requested_at)}{until}"
            what = _WISH[override.kind].format(mode=override.mode.value)
            # The kind's own words say why, unless something stronger bounded the override.
            bent = "" if target.reason == f"{override.kind.value} of {override.who}" else f" ({target.reason})"
            return (
                f"by {what} that {override.who} made at {clock_of(override.requested_at)} "
                f"({override.source.value}: {override.why}){until}{bent}"
            )
        case Authority.PLAN:
            if story.planned_by is not None and story.plan is not None and story.plan.revision == target.revision:
                return f"by the plan that {story.planned_by} submitted (revision {target.revision})"
            return f"by the price plan (revision {target.revision}){_because(story, target)}"
        case _:
            stop = next((o for o in story.orders if target.reason.startswith("stopped")), None)
            if stop is not None:
                return f"because {stop.who} stopped the plan ({stop.scope}): {stop.why}"
            reason = target.reason.replace("no plan", "no plan was in force")
            return f"because {reason or 'nobody asked for anything else'}"


def _because(story: Explanation, target: Target) -> str:
    market, until = story.market, f" until {clock_of(target.until)}" if target.until else ""
    if target.reason:
        return f", not lower because of: {target.reason}{until}"
    if market is None:
        return until
    costs = f"electricity cost {market.until_eur_per_mwh:.0f} EUR/MWh{until}"
    mean = f"{market.day_mean_eur_per_mwh:.0f} on the day's average"
    match _mode(target.mode):
        case Mode.MIN if market.until_eur_per_mwh > market.day_mean_eur_per_mwh:
            return f" because {costs}, against {mean}"
        case Mode.MID | Mode.MAX if market.until_eur_per_mwh < market.day_mean_eur_per_mwh:
            return f" because {costs}, against {mean}"
        case Mode.MID | Mode.MAX if market.dearest_ahead_eur_per_mwh > market.until_eur_per_mwh * 1.05:
            return f" ahead of dearer hours (up to {market.dearest_ahead_eur_per_mwh:.0f} EUR/MWh), while {costs}"
        case Mode.LOW:
            return f", which left it alone while {costs} ({mean})"
        case _:
            return f", while {costs} ({mean})"


def _evidence(story: Explanation, target: Target) -> str:
    """Whether the pump was seen to do it."""
    command = next((c for c in story.commands if c["mode"] in set(Mode)), None)
    if command is None:
        return "it had never been given a command" if target.mode is Mode.LOW else "no command had been decided yet"
    ends = [line for line in command["lines"] if line["kind"] != EventKind.PLANNED.value]
    last = ends[-1] if ends else command["lines"][-1] if command["lines"] else None
    if command["mode"] != target.mode.value:
        return f"its newest command then was {command['mode']} of {clock_of(command['decided_at'])}" + _state(last)
    obeyed = [line["at"] for line in ends if line["kind"] in OBEYED]
    if last is not None and last["kind"] == EventKind.DRIFTED.value:
        return f"the pump had confirmed it and fell out of it at {clock_of(last['at'])}"
    if obeyed and target.authority is not Authority.PLAN and command["authority"] == Authority.PLAN.value:
        return f"the pump had been so since {clock_of(obeyed[-1])}, by the plan"
    if obeyed:
        blind = "; its maker shows nothing by which an effect could be seen" if shows_no_effect(story.readings) else ""
        return f"the pump confirmed it at {clock_of(obeyed[-1])}{blind}"
    return "the pump had not been seen to obey by then" + _state(last)


def _is_seen(story: Explanation, target: Target) -> bool:
    """Whether the pump was seen in its target, or is in neutral because it was never given a command."""
    command = next((c for c in story.commands if c["mode"] in set(Mode)), None)
    if command is None:
        return target.mode is Mode.LOW
    states = [line["kind"] for line in command["lines"] if line["kind"] in (*OBEYED, EventKind.DRIFTED.value)]
    return command["mode"] == target.mode.value and bool(states) and states[-1] in OBEYED


def _state(line: Mapping[str, Any] | None) -> str:
    if line is None:
        return ""
    return f" ({line['kind'].replace('_', ' ')} at {clock_of(line['at'])}" + (
        f": {line['reason']})" if line["reason"] else ")"
    )


def _room(story: Explanation) -> str:
    reading, band = story.reading, story.profile.enrolment.band.at(story.at)
    if reading is None:
        before = [one.as_of for one in story.readings if one.as_of <= story.at]
        if before:
            return f"it had not reported since {clock_of(before[-1])}"
        return f"it had not reported within {AROUND.total_seconds() / 3600:.0f} hours"
    words = []
    if reading.room_c is not None:
        words.append(
            f"the room was {reading.room_c:.1f} C (the household accepts {band.room_min_c:g} to {band.room_max_c:g})"
        )
    if reading.condition is not Condition.NORMAL:
        words.append(f"the unit said: {reading.condition.value}")
    return ", ".join(words)


def lines_of(story: Explanation) -> Iterator[str]:
    """What the sentence rests on."""
    for circuit, target in story.targets.items():
        held = ", nothing could be written" if target.is_held else ""
        why = f" ({target.reason})" if target.reason else ""
        until = f" until {local(target.until)}" if target.until else ""
        yield f"  {circuit.value:<10} {target.mode.value} by {target.authority.value}{why}{until}{held}"
        for bound in story.bounds(circuit):
            what = f" {bound.what}" if bound.what else ""
            until = f" until {local(bound.until)}" if bound.until else ""
            yield f"  bound      {circuit.value} {bound.kind.value}{what}{until}"
    if story.market is not None:
        yield f"  market     {_market(story.market)}"
    if story.plan is not None:
        whose = "" if story.planned_by is None else f", submitted by {story.planned_by}"
        yield f"  plan       revision {story.plan.revision}{whose}, valid until {local(story.plan.valid_until)}"
    for step in story.steps:
        if step["mode"] != neutral_of(Circuit(step["circuit"])).value:
            yield f"             {local(step['start'])} to {clock_of(step['end'])} {step['circuit']} {step['mode']}"
    for o in story.overrides:
        yield (
            f"  override   {o.kind.value} {o.mode.value} until {local(o.until)}, "
            f"{o.source.value} {o.who} at {clock_of(o.requested_at)}: {o.why}"
        )
    for order in story.orders:
        until = f" until {local(order.until)}" if order.until else ""
        since = local(order.since)
        yield f"  order      {order.what} ({order.scope}) since {since}{until}, {order.who}: {order.why}"
    if story.breaker is not None:
        since = local(story.breaker["at"])
        yield f"  vendor     breaker {story.breaker['state']} since {since}: {story.breaker['reason']}"
    if story.calls:
        fates = ", ".join(f"{n} {fate}" for fate, n in sorted(story.calls.items()))
        yield f"  calls      {fates} in the half hour before"
    yield from (f"  person     {local(a['at'])} {a['act']} by {a['who']}: {a['why']}" for a in story.acts)
    yield from _events(story.events, story.at)
    yield from _readings(story.readings)


def _market(market: Market) -> str:
    outdoor = "" if market.outdoor_c is None else f", {market.outdoor_c:.1f} C outside"
    home = "" if market.home_eur_per_mwh is None else f"; the home pays {market.home_eur_per_mwh:.1f} ({market.tariff})"
    return (
        f"{market.price_eur_per_mwh:.1f} EUR/MWh then, {market.day_mean_eur_per_mwh:.1f} on the day's average, "
        f"up to {market.dearest_ahead_eur_per_mwh:.1f} in the next 6 h{home}{outdoor}"
    )


def _events(events: Sequence[Mapping[str, Any]], at: datetime) -> Iterator[str]:
    """The nearest lines, should there be many."""
    nearest = sorted(events, key=lambda line: abs(line["at"] - at))[:MOST_LINES]
    for line in (line for line in events if line in nearest):
        words = f"{line['mode'] or '?'} by {line['authority'] or '?'}"
        setting = "" if line["setting"] is None else f" {line['setting']:g}"
        reason = f"  {line['reason']}" if line["reason"] else ""
        yield f"  {_second(line['at'])}   {line['command']} {words}: {line['kind']}{setting}{reason}"


def _second(moment: datetime) -> str:
    return f"{clock_of(moment)}:{moment:%S}"


def _readings(readings: Sequence[Reading]) -> Iterator[str]:
    """One reading a slot is enough to follow a room."""
    shown: datetime | None = None
    for one in readings:
        if shown is not None and one.as_of - shown < SLOT:
            continue
        shown = one.as_of
        values = (
            ("room", one.room_c, "C"),
            ("supply", one.supply_c, "C"),
            ("outdoor", one.outdoor_c, "C"),
            ("tank", one.hot_water_c, "C"),
            ("power", one.power_w, "W"),
        )
        words = [f"{name} {value:.1f} {unit}" for name, value, unit in values if value is not None]
        words += [f"{one.lever} {one.setting:g}"] if one.setting is not None else []
        words += [one.condition.value] if one.condition is not Condition.NORMAL else []
        yield f"  {_second(one.as_of)}   read {', '.join(words)}"


def document_of(story: Explanation) -> dict[str, Any]:
    """The story as one JSON document."""
    market = story.market
    return {
        "pump": story.pump,
        "at": story.at,
        "sentence": sentence_of(story),
        "target": {circuit.value: asdict(target) for circuit, target in story.targets.items()},
        "bounds": {
            circuit.value: [bound.model_dump(mode="json") for bound in story.bounds(circuit)]
            for circuit in story.decided
        },
        "plan": None
        if story.plan is None
        else {"revision": story.plan.revision, "planned_by": story.planned_by, "steps": list(story.steps)},
        "market": None if market is None else vars(market),
        "commands": list(story.commands),
        "events": list(story.events),
        "readings": [one.model_dump(mode="json") for one in story.readings],
        "overrides": [one.model_dump(mode="json") for one in story.overrides],
        "orders": [one.model_dump(mode="json") for one in story.orders],
        "acts": list(story.acts),
        "vendor": {"oem": story.profile.enrolment.oem, "breaker": story.breaker, "calls": dict(story.calls)},
        "enrolled_at": story.enrolled_at,
        "retired_at": story.retired_at,
    }
