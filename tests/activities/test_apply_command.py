"""One attempt at a command: what it writes down before and after the write, and when it comes back."""

from datetime import datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.attempt import FIRST_BACKOFF, NOT_NOW_LOOK, OFFLINE_LOOK, SPREAD, close
from activities.pumps import ApplyCommand, PumpActivities
from domain.commands.command import Authority, Command, CommandOutcome, CommandState
from domain.commands.verification import Answer, Progress, WriteRecord
from domain.modes import Mode
from domain.oem.breaker import FIRST_PROBE_AFTER, Breaker, BreakerState
from domain.oem.errors import (
    AuthExpired,
    Malformed,
    NotExecutable,
    OemError,
    Offline,
    RateLimited,
    Rejected,
    Unavailable,
)
from domain.oem.lever import LeverName
from domain.oem.units import PumpAddress
from tests.activities.ports import CLOCK, SPEED, Cloud, Commands, Desk, Directory, Journal, Observations, an_attempt
from tests.builders import TIMING, a_command, a_reading, at

COMMAND = a_command(Mode.MAX, decided=5.9)
WRITTEN = WriteRecord(write_no=1, at=at(5, 55), setting=3.0, answer=Answer.ACCEPTED)


async def attempt(
    commands: Commands, cloud: Cloud, command: Command = COMMAND, desk: Desk | None = None
) -> CommandOutcome | ApplicationError:
    """Run one attempt; gives its outcome, or the error that asks for another attempt."""
    activities = PumpActivities(commands, Journal(), Directory("p-0001"), Observations(), {"nibe": cloud}, vendors=desk)
    try:
        return await an_attempt().run(activities.apply_command, ApplyCommand(clock=CLOCK, command=command))
    except ApplicationError as later:
        return later


def kinds(commands: Commands) -> list[str]:
    return [event.kind.value for event in commands.events]


def steered_delay(later: CommandOutcome | ApplicationError) -> timedelta:
    assert isinstance(later, ApplicationError)
    assert (later.type, later.category) == ("NotYet", ApplicationErrorCategory.BENIGN)
    assert later.next_retry_delay is not None
    return later.next_retry_delay * SPEED


async def test_a_first_attempt_writes_and_comes_back_after_the_vendors_usual_delay() -> None:
    commands, cloud = Commands(), Cloud(a_reading(0.0, at(5, 55)))
    assert steered_delay(await attempt(commands, cloud)) == TIMING.usual_delay
    assert kinds(commands) == ["sent", "accepted"]
    assert (cloud.written, cloud.asked) == ([3.0], [])


@pytest.mark.parametrize(
    ("state", "minutes_ago", "is_called"),
    [
        (BreakerState.OPEN, 0.5, False),
        (BreakerState.OPEN, 10, True),
        (BreakerState.HELD, 600, False),
        (BreakerState.HALF_OPEN, 0.5, True),
    ],
)
@pytest.mark.parametrize("progress", [Progress(), Progress(writes=(WRITTEN,))])
async def test_a_vendor_that_was_just_found_down_or_is_held_is_not_called_by_what_was_handed_out_already(
    state: BreakerState, minutes_ago: float, is_called: bool, progress: Progress
) -> None:
    since = at(6) - timedelta(minutes=minutes_ago)
    commands, cloud = Commands(progress), Cloud(a_reading(0.0, at(5, 55)))
    later = await attempt(commands, cloud, desk=Desk(Breaker(state=state, since=since, reason="down")))
    assert bool(cloud.written or cloud.asked) is is_called
    if not is_called:
        assert timedelta() < steered_delay(later) <= FIRST_PROBE_AFTER
        assert kinds(commands) == []


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (Unavailable("no answer", maybe_taken=True), "write_lost"),
        (Malformed("not JSON"), "write_lost"),
        (Unavailable("refused", maybe_taken=False), "write_refused"),
        (RateLimited("429", retry_at=at(6, 20)), "write_refused"),
        (Offline("not connected"), "write_refused"),
        (NotExecutable("locked"), "write_refused"),
        (AuthExpired("401"), "write_refused"),
    ],
)
async def test_a_write_without_a_yes_is_written_down_as_what_it_may_have_done(failure: OemError, kind: str) -> None:
    commands = Commands()
    later = await attempt(commands, Cloud(a_reading(0.0, at(5, 55)), {"p-0001": failure}))
    assert kinds(commands) == ["sent", kind]
    match failure:
        case RateLimited():
            assert timedelta(minutes=20) <= steered_delay(later) <= timedelta(minutes=20) + FIRST_BACKOFF
        case Offline():
            assert 1 <= steered_delay(later) / OFFLINE_LOOK <= 1 + SPREAD
        case NotExecutable() | AuthExpired():
            assert 1 <= steered_delay(later) / NOT_NOW_LOOK <= 1 + SPREAD
        case _:
            assert 1 <= steered_delay(later) / FIRST_BACKOFF <= 1 + SPREAD


class Reverting(Cloud):
    """A vendor at which ending a setting of ours is a call of its own."""

    def __init__(self) -> None:
        super().__init__(a_reading(3.0, at(5, 55)))
        self.reverted: list[float] = []

    async def revert(
        self, pump: PumpAddress, lever: LeverName, baseline: float, now: datetime, *, urgent: bool = False
    ) -> None:
        self.reverted.append(baseline)


@pytest.mark.parametrize(("mode", "written", "reverted"), [(Mode.MAX, [3.0], []), (Mode.LOW, [], [0.0])])
async def test_a_revert_is_the_vendors_own_call_where_there_is_one(
    mode: Mode, written: list[float], reverted: list[float]
) -> None:
    cloud = Reverting()
    await attempt(Commands(), cloud, a_command(mode, decided=5.9))
    assert (cloud.written, cloud.reverted) == (written, reverted)


async def test_what_failed_together_does_not_come_back_together() -> None:
    delays = set()
    for seq in range(1, 21):
        gone = Cloud(a_reading(0.0, at(5, 55)), {"p-0001": Unavailable("503", maybe_taken=False)})
        command = a_command(Mode.MAX, seq=seq, decided=5.9)
        delays.add(steered_delay(await attempt(Commands(), gone, command)))
    assert len(delays) > 15
    assert max(delays) - min(delays) > FIRST_BACKOFF * SPREAD / 2


@pytest.mark.parametrize(("retry_at", "least"), [(at(6, 21), timedelta(minutes=20)), (at(6), FIRST_BACKOFF)])
async def test_a_cloud_that_asks_to_be_left_alone_is_not_tried_before_nor_sooner_than_another(
    retry_at: datetime, least: timedelta
) -> None:
    resting = Cloud(a_reading(0.0, at(5, 55)), {"p-0001": Unavailable("503", retry_at=retry_at)})
    delay = steered_delay(await attempt(Commands(), resting))
    assert least <= delay <= least + timedelta(minutes=1) + FIRST_BACKOFF, "a steered minute is a wall second here"


async def test_what_the_cloud_refuses_for_good_ends_the_command() -> None:
    commands = Commands()
    ended = await attempt(commands, Cloud(a_reading(0.0, at(5, 55)), {"p-0001": Rejected("value out of range")}))
    assert isinstance(ended, CommandOutcome)
    assert (ended.state, ended.reason) == (CommandState.REJECTED, "value out of range")
    assert kinds(commands) == ["sent", "write_refused", "rejected"]


async def test_behind_the_fence_nothing_is_written() -> None:
    commands, cloud = Commands(newest=False), Cloud(a_reading(0.0, at(5, 55)))
    ended = await attempt(commands, cloud)
    assert isinstance(ended, CommandOutcome)
    assert ended.state is CommandState.SUPERSEDED
    assert kinds(commands) == ["superseded"]
    assert cloud.written == []


async def test_a_later_attempt_reads_and_a_pump_that_obeys_ends_the_command() -> None:
    commands, cloud = Commands(Progress(writes=(WRITTEN,))), Cloud(a_reading(3.0, at(5, 58)))
    ended = await attempt(commands, cloud)
    assert isinstance(ended, CommandOutcome)
    assert (ended.state, ended.seen_setting) == (CommandState.APPLIED, 3.0)
    assert kinds(commands) == ["applied"]
    assert (cloud.written, cloud.asked) == ([], ["p-0001"])


async def test_a_pump_seen_not_to_obey_is_written_down_and_written_again() -> None:
    accepted = WRITTEN.model_copy(update={"at": at(5, 45)})
    commands, cloud = Commands(Progress(writes=(accepted,))), Cloud(a_reading(0.0, at(5, 58)))
    assert steered_delay(await attempt(commands, cloud)) == TIMING.usual_delay
    assert kinds(commands) == ["write_ignored", "sent", "accepted"]
    assert [event.write_no for event in commands.events] == [1, 2, 2]


async def test_a_picture_from_before_the_write_is_no_evidence() -> None:
    commands, cloud = Commands(Progress(writes=(WRITTEN,))), Cloud(a_reading(0.0, at(5, 54)))
    assert steered_delay(await attempt(commands, cloud)) == TIMING.look_again
    assert kinds(commands) == []
    assert cloud.written == []


async def test_a_command_that_has_ended_is_not_touched_again() -> None:
    commands, cloud = Commands(Progress(writes=(WRITTEN,), ended=CommandState.APPLIED)), Cloud(a_reading(0.0, at(6)))
    ended = await attempt(commands, cloud)
    assert isinstance(ended, CommandOutcome)
    assert ended.state is CommandState.APPLIED
    assert (cloud.written, cloud.asked) == ([], [])


PLANNED = a_command(Mode.MAX, decided=5.9, authority=Authority.PLAN)


async def test_a_plan_s_first_look_finds_a_person_s_hand_and_does_not_overrule_it() -> None:
    commands, cloud = Commands(), Cloud(a_reading(4.5, at(5, 58)))
    ended = await attempt(commands, cloud, PLANNED)
    assert isinstance(ended, CommandOutcome)
    assert (ended.state, ended.foreign_setting) == (CommandState.SUPERSEDED, 4.5)
    assert cloud.written == []


async def test_a_hand_that_came_between_write_and_look_is_not_written_over() -> None:
    accepted = WRITTEN.model_copy(update={"at": at(5, 45)})
    commands, cloud = Commands(Progress(writes=(accepted,))), Cloud(a_reading(4.5, at(5, 58)))
    ended = await attempt(commands, cloud)
    assert isinstance(ended, CommandOutcome)
    assert ended.foreign_setting == 4.5
    assert cloud.written == []


async def test_a_plan_s_target_that_holds_already_costs_no_write() -> None:
    commands, cloud = Commands(), Cloud(a_reading(3.0, at(5, 58)))
    ended = await attempt(commands, cloud, PLANNED)
    assert isinstance(ended, CommandOutcome)
    assert ended.state is CommandState.APPLIED
    assert (kinds(commands), cloud.written) == (["applied"], [])


async def test_a_hand_seen_before_the_first_write_is_not_overruled_though_an_older_write_was_lost() -> None:
    lost = WriteRecord(write_no=1, at=at(5, 52.9), setting=1.0, answer=Answer.LOST)
    by_hand, commands = Cloud(a_reading(5.0, at(5, 58))), Commands(Progress(before=lost))
    ended = await attempt(commands, by_hand)
    assert isinstance(ended, CommandOutcome)
    assert (ended.state, ended.foreign_setting) == (CommandState.SUPERSEDED, 5.0)
    assert by_hand.written == []
    older = Cloud(a_reading(5.0, at(5, 53.5)))
    await attempt(Commands(Progress(before=lost)), older)
    assert older.written == [3.0], "a picture from before the target says nothing against it"


@pytest.mark.parametrize("authority", [Authority.PLAN, Authority.OVERRIDE])
async def test_a_set_back_begins_only_in_a_room_warm_enough_to_be_stuck_with_it(authority: Authority) -> None:
    begins = a_command(Mode.MIN, decided=5.9, authority=authority).model_copy(update={"begins_from_c": 20.7})
    cool = Cloud(a_reading(0.0, at(5, 58)).model_copy(update={"room_c": 20.6}))
    commands = Commands()
    ended = await attempt(commands, cool, begins)
    assert isinstance(ended, CommandOutcome)
    assert (ended.state, ended.is_too_cool, ended.seen_setting) == (CommandState.SUPERSEDED, True, 0.0)
    assert (kinds(commands), cool.written) == (["superseded"], [])
    for room_c in (20.7, None):  # where a unit shows no room, the household's band alone decides
        warm = Cloud(a_reading(0.0, at(5, 58)).model_copy(update={"room_c": room_c}))
        await attempt(Commands(), warm, begins)
        assert warm.written == [-2.0]
    still = Cloud(a_reading(0.0, at(5, 58)).model_copy(update={"room_c": 20.6}))
    commands = Commands(Progress(writes=(WRITTEN.model_copy(update={"at": at(5, 45), "setting": -2.0}),)))
    ended = await attempt(commands, still, begins)
    assert isinstance(ended, CommandOutcome)
    assert (ended.is_too_cool, still.written) == (True, []), "what was written and not obeyed has not begun"
    assert kinds(commands) == ["write_ignored", "superseded"]


async def test_nobody_s_hand_is_concluded_while_a_write_of_ours_may_still_land_on_top_of_it() -> None:
    earlier = WriteRecord(write_no=1, at=at(5, 56), setting=1.0, answer=Answer.ACCEPTED)
    commands, by_hand = Commands(Progress(before=earlier)), Cloud(a_reading(4.5, at(5, 59)))
    later = await attempt(commands, by_hand, PLANNED)
    still = earlier.in_flight_until(TIMING) - at(6)
    assert still - timedelta(seconds=1) < steered_delay(later) <= still
    assert (kinds(commands), by_hand.written) == ([], [])


async def test_a_picture_stamped_by_a_clock_ahead_of_ours_does_not_end_what_may_still_land() -> None:
    lost = WriteRecord(write_no=1, at=at(5, 56), setting=3.0, answer=Answer.LOST)
    commands, by_hand = Commands(Progress(writes=(lost,))), Cloud(a_reading(4.5, at(6, 4)))
    assert steered_delay(await attempt(commands, by_hand, PLANNED)) == TIMING.look_again
    assert (kinds(commands), by_hand.written) == ([], [])


async def test_the_evidence_of_an_end_keeps_the_stamp_that_its_own_clock_gave() -> None:
    ended = await attempt(Commands(Progress(writes=(WRITTEN,))), Cloud(a_reading(3.0, at(6, 4))), PLANNED)
    assert isinstance(ended, CommandOutcome)
    assert (ended.state, ended.stamp) == (CommandState.APPLIED, at(6, 4))


@pytest.mark.parametrize(
    ("writes", "state"),
    [
        ((), CommandState.EXPIRED),
        ((WRITTEN.model_copy(update={"answer": Answer.REFUSED}),), CommandState.EXPIRED),
        ((WRITTEN,), CommandState.UNVERIFIED),
        ((WRITTEN.model_copy(update={"ignored": True}),), CommandState.IGNORED),
    ],
    ids=["never tried", "never taken", "perhaps taken", "taken and not obeyed"],
)
async def test_what_ran_out_of_time_in_the_queue_ends_as_what_became_of_its_writes(
    writes: tuple[WriteRecord, ...], state: CommandState
) -> None:
    commands = Commands(Progress(writes=writes))
    ended = await close(PLANNED, commands, at(9))
    assert (ended.state, kinds(commands)) == (state, [state.value])
    again = await close(PLANNED, Commands(Progress(ended=CommandState.APPLIED)), at(9))
    assert again.state is CommandState.APPLIED


@pytest.mark.parametrize(("since", "is_ours"), [(at(5), False), (at(4, 5), True), (None, True)])
async def test_who_goes_back_to_what_we_wrote_before_their_own_setting_is_a_person(
    since: datetime | None, *, is_ours: bool
) -> None:
    ours = WriteRecord(write_no=1, at=at(4), setting=4.5, answer=Answer.ACCEPTED)
    on_theirs = PLANNED.model_copy(update={"baseline_at": since})
    cloud = Cloud(a_reading(4.5, at(5, 58)))
    ended = await attempt(Commands(Progress(before=ours)), cloud, on_theirs)
    if is_ours:
        assert cloud.written == [3.0], "it may have landed after their setting was seen"
    else:
        assert isinstance(ended, CommandOutcome)
        assert (ended.state, ended.foreign_setting, cloud.written) == (CommandState.SUPERSEDED, 4.5, [])


@pytest.mark.parametrize(("stamp", "is_before"), [(at(6, 18), True), (at(6, 16), False)])
async def test_a_picture_from_before_a_person_s_setting_is_not_another_hand_whatever_its_clock_says(
    stamp: datetime, *, is_before: bool
) -> None:
    ours = WriteRecord(write_no=1, at=at(4), setting=4.5, answer=Answer.ACCEPTED)
    seen_at = {"baseline_at": at(5, 58), "baseline_stamp": stamp}
    cloud = Cloud(a_reading(4.5, at(6, 17)))
    await attempt(Commands(Progress(before=ours)), cloud, PLANNED.model_copy(update=seen_at))
    assert cloud.written == ([3.0] if is_before else [])


@pytest.mark.parametrize(
    ("old_at", "newest_at", "is_ours"),
    [(at(0), at(1), False), (at(5, 30), at(5, 50), False), (at(5, 45), at(5, 45.5), True)],
    ids=["long ago", "landed before the newer", "may outlive the newer"],
)
async def test_who_chooses_what_we_wrote_long_ago_is_a_person_and_what_may_have_outlived_a_newer_write_is_ours(
    old_at: datetime, newest_at: datetime, is_ours: bool
) -> None:
    old = WriteRecord(write_no=1, at=old_at, setting=4.5, answer=Answer.LOST)
    newest = WriteRecord(write_no=1, at=newest_at, setting=1.0, answer=Answer.ACCEPTED)
    cloud = Cloud(a_reading(4.5, at(5, 58)))
    ended = await attempt(Commands(Progress(before=newest, others=(old,))), cloud, PLANNED)
    if is_ours:
        assert cloud.written == [3.0]
    else:
        assert isinstance(ended, CommandOutcome)
        assert (ended.state, ended.foreign_setting, cloud.written) == (CommandState.SUPERSEDED, 4.5, [])


RENEWAL = COMMAND.model_copy(update={"renews": True})


async def test_a_renewal_writes_although_the_lever_is_where_it_should_be() -> None:
    commands, cloud = Commands(), Cloud(a_reading(3.0, at(6)))
    await attempt(commands, cloud, RENEWAL)
    assert cloud.written == [3.0]
    assert kinds(commands) == ["sent", "accepted"]


async def test_a_renewal_tells_when_it_was_written_and_does_not_write_twice() -> None:
    cloud = Cloud(a_reading(3.0, at(5, 58)))
    ended = await attempt(Commands(Progress(writes=(WRITTEN,))), cloud, RENEWAL)
    assert isinstance(ended, CommandOutcome)
    assert (ended.state, ended.written_at, cloud.written) == (CommandState.APPLIED, WRITTEN.at, [])


async def test_a_renewal_leaves_what_a_person_set_meanwhile() -> None:
    cloud = Cloud(a_reading(7.0, at(6)))
    ended = await attempt(Commands(), cloud, RENEWAL)
    assert isinstance(ended, CommandOutcome)
    assert (ended.state, ended.foreign_setting, cloud.written) == (CommandState.SUPERSEDED, 7.0, [])
