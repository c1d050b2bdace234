"""What people and operators do, on a running stack: stops that are seen, dead letters that are retried, and why."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from application.audit_log import Actor, acts_done
from application.errors import ErrorCode, Failed, Refused
from application.explain import story_of
from application.fleet import pumps
from application.fleet.starting import start_pump
from application.steering import dead_letters, orders, overrides
from application.steering.neutrality import wait_for_neutral
from application.steering.overrides import OverrideRequest
from console.cli.commands.why_text import document_of, sentence_of
from domain.modes import Mode
from domain.planning.price_plan import ModeSegment, PricePlan
from domain.steering.orders import OrderKind
from domain.steering.overrides import OverrideKind, OverrideSource
from tests.world import TestWorld, a_world
from workflows.contracts import Patience

pytestmark = pytest.mark.servers
BY = Actor("operator-1", "a storm")


def a_plan_from(world: TestWorld, mode: Mode, revision: int = 1, hours: float = 8) -> PricePlan:
    """One mode from a quarter of an hour ago on, so that it is due at once."""
    start = world.now() - timedelta(minutes=15)
    end = start + timedelta(hours=hours)
    return PricePlan(
        revision=revision,
        segments=(ModeSegment(start=start, end=end, mode=mode),),
        first_slot=start,
        valid_until=end,
    )


async def is_in(world: TestWorld, pump: str, mode: Mode) -> bool:
    heating = (await world.status(pump)).state.heating
    return heating.settled is mode and heating.open is None


async def test_a_stop_is_seen_in_truth_leaves_people_alone_and_meets_who_comes_later(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=3, speed=240) as world:
        access, ids = world.access, [world.pump(n) for n in (1, 2, 3)]
        for pump in ids:
            await world.send(pump, a_plan_from(world, Mode.MAX))
        for pump in ids:
            await world.until(partial(is_in, world, pump, Mode.MAX))
        request = OverrideRequest(source=OverrideSource.HOUSEHOLD, kind=OverrideKind.MODE, mode=Mode.MAX)
        await overrides.override(access, ids[2], BY, request, lambda now: now + timedelta(hours=6))

        stop = await orders.give(access, OrderKind.STOP, "all", BY)
        assert (stop.is_new, stop.delivery.done) == (True, tuple(ids))
        found = await wait_for_neutral(access, stop, timedelta(minutes=40), lambda _: None)
        assert (found.verified, dict(found.stragglers)) == (tuple(ids[:2]), {})
        assert list(found.by_others) == [ids[2]]
        for pump in ids[:2]:
            profile = await access.ledger.pumps.profile(pump)
            assert world.setting(pump) == profile.heating.baseline

        again = await orders.give(access, OrderKind.STOP, "all", BY)
        assert (again.is_new, again.order) == (False, stop.order)
        late = await access.ledger.pumps.profile(ids[0])
        late = late.model_copy(update={"enrolment": late.enrolment.model_copy(update={"pump_id": "p-0099"})})
        await access.ledger.pumps.enrol(late, access.now())
        await start_pump(access, late, Patience())
        assert [o.order_id for o in (await world.status("p-0099")).state.orders] == [stop.order.order_id]

        outcome = await orders.lift(access, [stop.order], BY, lambda _done, _all: None)
        assert outcome[stop.order.order_id].done == (*ids, "p-0099")
        assert await access.ledger.orders.standing(access.now()) == []
        await world.until(partial(is_in, world, ids[0], Mode.MAX))


async def test_a_stop_counts_no_pump_as_seen_in_neutral_that_reports_no_more(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=1, speed=240) as world:
        access, pump = world.access, world.pump(1)
        await world.warm()
        async with world.striking(offline=1.0):
            await world.until(partial(is_silent, world, pump), timedelta(hours=2))
            stop = await orders.give(access, OrderKind.STOP, "all", BY)
            found = await wait_for_neutral(access, stop, timedelta(minutes=1), lambda _: None)
            assert found.verified == ()
            assert found.stragglers[pump].startswith("not seen since ")
        found = await wait_for_neutral(access, stop, timedelta(hours=3), lambda _: None)
        assert (found.verified, dict(found.stragglers)) == ((pump,), {}), "it came back and was looked at"


async def is_silent(world: TestWorld, pump: str) -> bool:
    return (await world.state(pump)).watch.silent_since is not None


async def test_a_refused_act_is_in_the_trail_as_refused_and_counts_as_nothing_done(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=1, speed=240) as world:
        access, pump = world.access, world.pump(1)
        assert (await pumps.consent(access, pump, BY, opted_out=True)).authority == "opted-out"
        with pytest.raises(Refused, match=f"^{pump}: this pump is opted out already$"):
            await pumps.consent(access, pump, BY, opted_out=True)
        await pumps.consent(access, pump, BY, opted_out=False)
        request = OverrideRequest(source=OverrideSource.HOUSEHOLD, kind=OverrideKind.PAUSE)
        await overrides.override(access, pump, BY, request, lambda now: now + timedelta(hours=1))
        await overrides.resume(access, pump, BY)
        with pytest.raises(Refused, match="not paused"):
            await overrides.resume(access, pump, BY)
        await pumps.retire(access, pump, BY)
        await world.handle(pump).result()
        with pytest.raises(Failed, match="not steered"):
            await pumps.retire(access, pump, BY)
        trail = await access.ledger.reports.audit_trail()
        names = ["opt-out", "opt-out", "opt-out:refused", "opt-in", "override", "end-override"]
        assert [row["act"] for row in trail] == [*names, "retire", "retire", "retire:refused"]
        done = [row["act"] for row in acts_done(trail)]
        assert done == ["opt-out", "opt-in", "override", "end-override", "retire"]


async def test_a_pump_that_was_ended_by_hand_is_steered_again_as_people_had_asked(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=2, speed=240) as world:
        access, wished_for, left = world.access, world.pump(1), world.pump(2)
        request = OverrideRequest(source=OverrideSource.HOUSEHOLD, kind=OverrideKind.MODE, mode=Mode.MAX)
        await overrides.override(access, wished_for, BY, request, lambda now: now + timedelta(hours=20))
        await pumps.consent(access, left, BY, opted_out=True)
        await world.until(partial(is_in, world, wished_for, Mode.MAX))
        with pytest.raises(Refused, match="steered already"):
            await pumps.start_again(access, wished_for, BY)
        for pump in (wished_for, left):
            await world.handle(pump).terminate("by somebody who thought it would help")
            profile = await access.ledger.pumps.profile(pump)
            with pytest.raises(Failed) as refused:
                await start_pump(access, profile, Patience())
            assert refused.value.code is ErrorCode.WORKFLOW_ENDED, "not by itself"
            await pumps.start_again(access, pump, BY)
        assert (await world.status(left)).authority == "opted-out"
        assert (await world.status(wished_for)).authority == "override"
        await world.until(partial(is_in, world, wished_for, Mode.MAX))
        commands = [event["command"] for event in await world.events(wished_for) if event["event"] == "planned"]
        assert commands == sorted(set(commands)), "its commands go on being counted"
        await pumps.retire(access, left, BY)
        await world.handle(left).result()
        with pytest.raises(Failed, match="was retired"):
            await pumps.start_again(access, left, BY)


async def test_a_hand_at_the_unit_holds_beyond_a_new_start_and_why_knows_of_it_until_it_is_ended(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path, pumps=1, speed=240) as world:
        access, pump = world.access, world.pump(1)
        await world.warm()
        await world.send(pump, a_plan_from(world, Mode.MAX, hours=20))
        await world.until(partial(is_in, world, pump, Mode.MAX))
        setup = (await world.profile(pump)).heating
        theirs = setup.baseline + 2
        assert setup.level_of(theirs) is None, "no setting of ours explains it"
        await world.bring_about("household", pump=pump, lever=setup.name, value=theirs)
        await world.until(partial(is_kept, world, pump, theirs), timedelta(hours=2))
        (hold,) = (await world.state(pump)).overrides
        await world.handle(pump).terminate("by somebody who thought it would help")
        assert (await pumps.start_again(access, pump, BY)).authority == "outside"
        await world.send(pump, a_plan_from(world, Mode.MAX, revision=2, hours=20))
        state = await world.state(pump)
        assert (state.overrides, state.touches) == ((hold,), (hold.requested_at,))
        await world.until(partial(is_in, world, pump, Mode.LOW))
        assert world.setting(pump) == theirs
        story = await story_of(access, pump, world.now())
        assert story.overrides == [hold]
        assert "somebody set the pump by hand" in sentence_of(story)
        assert (await overrides.resume(access, pump, BY)).authority == "plan"
        assert "by hand" not in sentence_of(await story_of(access, pump, world.now()))


async def is_kept(world: TestWorld, pump: str, baseline: float) -> bool:
    return (await world.profile(pump)).heating.baseline == baseline


async def test_why_says_in_one_sentence_what_the_pump_did_by_whom_and_how_that_is_known(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=1, speed=240) as world:
        access, pump = world.access, world.pump(1)
        await world.until(partial(is_alerting, world, pump, "none"))
        before = world.now()
        request = OverrideRequest(source=OverrideSource.HOUSEHOLD, kind=OverrideKind.MODE, mode=Mode.MAX)
        await overrides.override(access, pump, BY, request, lambda now: now + timedelta(hours=6))
        await world.until(partial(is_in, world, pump, Mode.MAX))
        story = await story_of(access, pump, world.now())
        sentence = sentence_of(story)
        assert "forced to heat by an override to MAX that operator-1 made at" in sentence
        assert "(household: a storm)" in sentence
        assert "the pump confirmed it at" in sentence
        document = document_of(story)
        assert document["target"]["heating"]["mode"] == "MAX"
        assert [line["kind"] for line in document["commands"][0]["lines"]][-1] == "applied"
        assert "on its own control" in sentence_of(await story_of(access, pump, before))
        with pytest.raises(Refused, match="was enrolled at"):
            await story_of(access, pump, before - timedelta(days=1))


async def test_a_dead_letter_has_an_owner_and_a_retry_brings_about_what_the_target_is_now(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=3, speed=600) as world:
        access, ids = world.access, [world.pump(n) for n in (1, 2, 3)]
        await world.faults(rate_limit=1.0)
        for pump in ids:
            await world.send(pump, a_plan_from(world, Mode.MAX, hours=24))

        async def of_all() -> list[dead_letters.DeadLetter]:
            found = await dead_letters.dead_letters(access)
            return found if {one.pump for one in found} == set(ids) else []

        found = await world.until(of_all, within=timedelta(hours=5))
        for one in found:
            assert (one.target, one.circuit, one.owner, bool(one.reason)) == ("MAX", "heating", "operator", True)
            await world.until(partial(is_alerting, world, one.pump, "dead-letter"))
        given_up, *retried = found
        await dead_letters.discard(access, given_up, BY)
        kw = await dead_letters.raised_by(access, retried)
        schedule = dead_letters.spread(retried, kw, timedelta(), at_most_kw=max(kw.values()))
        told, targets = await dead_letters.retry_all(access, schedule, BY, lambda _done, _all: None)
        assert told.problems == {}
        assert set(targets.values()) == {"MAX"}
        trail = [row for row in await access.ledger.reports.audit_trail() if row["act"] == "retry-letter"]
        assert [row["subject"] for row in trail] == [one.pump for one in retried], "the newest letter first"
        first, second = (row["at"] for row in trail)
        assert second - first >= dead_letters.RAISED_WINDOW - timedelta(seconds=1), (
            "never two homes' power in five minutes"
        )

        await world.faults(rate_limit=0.0)
        for one in retried:
            await world.until(partial(is_in, world, one.pump, Mode.MAX))
        assert await dead_letters.dead_letters(access) == []
        await world.until(partial(is_in, world, given_up.pump, Mode.LOW))
        assert await is_in(world, given_up.pump, Mode.LOW), "what was discarded is not tried again"
        with pytest.raises(Refused, match="is no dead letter"):
            await dead_letters.dead_letter_of(access, retried[0].command)


async def is_alerting(world: TestWorld, pump: str, alert: str) -> bool:
    return (await world.status(pump)).alert == alert
