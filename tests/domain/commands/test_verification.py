"""Write and verify: what is evidence, and what may be written when."""

from datetime import timedelta

from domain.commands.command import Authority, CommandState
from domain.commands.verification import (
    MAX_WRITES,
    Answer,
    End,
    Look,
    Progress,
    Verdict,
    Wait,
    Write,
    WriteRecord,
    after_looking,
    before_looking,
)
from domain.modes import Mode
from tests.builders import TIMING, a_command, a_reading, at

MAX_SETTING = 3.0
SECOND = timedelta(seconds=1)


def a_write(
    no: int = 1, hours: float = 0, answer: Answer = Answer.ACCEPTED, setting: float = 3.0, ignored: bool = False
) -> WriteRecord:
    return WriteRecord(write_no=no, at=at(hours), setting=setting, answer=answer, ignored=ignored)


def test_a_person_s_first_attempt_writes_and_a_plan_s_looks_whether_somebody_turned_the_knob() -> None:
    assert before_looking(a_command(), Progress(), TIMING, at(0)) == Write()
    assert before_looking(a_command(authority=Authority.PLAN), Progress(), TIMING, at(0)) == Look()


def test_a_first_look_that_finds_the_target_fulfilled_needs_no_write_and_an_old_one_is_no_evidence() -> None:
    command = a_command(decided=6, authority=Authority.PLAN)
    fresh, old = a_reading(MAX_SETTING, at(5, 50)), a_reading(MAX_SETTING, at(5, 20))
    for progress in (Progress(), Progress(before=a_write(hours=3))):
        _, step = after_looking(command, progress, fresh, TIMING, at(6))
        assert step == End(state=CommandState.APPLIED)
        verdict, step = after_looking(command, progress, old, TIMING, at(6))
        assert (verdict, step) == (Verdict.UNKNOWN, Write())


def test_an_older_lost_write_may_land_after_a_newer_one_of_the_same_value() -> None:
    lost = a_write(hours=1, answer=Answer.LOST, setting=-2.0)
    accepted = a_write(hours=1.05, setting=-2.0)
    progress = Progress(before=accepted, others=(lost,))
    step = before_looking(a_command(decided=1.06), progress, TIMING, at(1.06))
    assert isinstance(step, Wait)


def test_any_later_attempt_reads_first() -> None:
    for answer in Answer:
        progress = Progress(writes=(a_write(answer=answer),))
        assert before_looking(a_command(), progress, TIMING, at(0, 5)) == Look()


def test_an_accepted_write_is_not_success_until_the_pump_is_seen_to_obey() -> None:
    progress = Progress(writes=(a_write(),))
    early = a_reading(0.0, at(0, 3))
    verdict, step = after_looking(a_command(), progress, early, TIMING, at(0, 3))
    assert verdict is Verdict.UNKNOWN
    assert step == Wait(delay=TIMING.look_again, reason="not seen yet")
    seen = a_reading(3.0, at(0, 4))
    assert after_looking(a_command(), progress, seen, TIMING, at(0, 4))[1] == End(state=CommandState.APPLIED)


def test_a_matching_picture_from_before_the_write_is_no_evidence() -> None:
    progress = Progress(writes=(a_write(hours=1),))
    stale = a_reading(3.0, at(0, 50))
    verdict, step = after_looking(a_command(decided=1), progress, stale, TIMING, at(1, 5))
    assert verdict is Verdict.UNKNOWN
    assert isinstance(step, Wait)


def test_a_pump_that_did_not_obey_in_time_is_written_again_and_at_last_given_up() -> None:
    late = a_reading(0.0, at(0) + TIMING.longest_in_flight)
    progress = Progress(writes=(a_write(),))
    verdict, step = after_looking(a_command(), progress, late, TIMING, at(0, 8))
    assert verdict is Verdict.NOT_OBEYED
    assert step == Write()
    worn = Progress(writes=(*(a_write(n, ignored=True) for n in range(1, MAX_WRITES)), a_write(MAX_WRITES)))
    _, step = after_looking(a_command(), worn, late, TIMING, at(0, 8))
    assert isinstance(step, End)
    assert step.state is CommandState.IGNORED


def test_after_a_lost_answer_nothing_different_is_written_before_it_can_no_longer_land() -> None:
    lost = a_write(hours=1, answer=Answer.LOST, setting=-2.0)
    progress = Progress(before=lost)
    soon = before_looking(a_command(decided=1), progress, TIMING, at(1) + SECOND)
    assert isinstance(soon, Wait)
    assert soon.delay == TIMING.longest_in_flight - SECOND
    assert before_looking(a_command(decided=1), progress, TIMING, at(1, 8)) == Look()
    same = Progress(before=lost.model_copy(update={"setting": MAX_SETTING}))
    assert before_looking(a_command(decided=1), same, TIMING, at(1) + SECOND) == Write()


def test_an_expired_command_is_never_written() -> None:
    command = a_command(lives_h=1)
    step = before_looking(command, Progress(), TIMING, at(1))
    assert isinstance(step, End)
    assert step.state is CommandState.EXPIRED
    refused = Progress(writes=(a_write(answer=Answer.REFUSED),))
    step = before_looking(command, refused, TIMING, at(1))
    assert isinstance(step, End)
    assert step.state is CommandState.EXPIRED


def test_written_but_never_seen_ends_unverified_not_applied() -> None:
    command = a_command(lives_h=1)
    progress = Progress(writes=(a_write(hours=0.9),))
    blind = a_reading(None, at(1, 30))
    _, step = after_looking(command, progress, blind, TIMING, at(1) + TIMING.longest_in_flight)
    assert isinstance(step, End)
    assert step.state is CommandState.UNVERIFIED


def test_a_repeated_attempt_after_the_end_reports_the_same_end() -> None:
    progress = Progress(writes=(a_write(),), ended=CommandState.APPLIED)
    assert before_looking(a_command(), progress, TIMING, at(5)) == End(state=CommandState.APPLIED)


def test_a_matching_picture_counts_only_once_a_different_write_before_ours_can_no_longer_land() -> None:
    slow = a_write(hours=1, setting=3.0)
    ours = a_write(hours=1.01, setting=0.0)
    progress = Progress(writes=(ours,), before=slow)
    command = a_command(Mode.LOW, decided=1)
    soon = a_reading(0.0, at(1, 3))
    assert after_looking(command, progress, soon, TIMING, at(1, 3))[0] is Verdict.UNKNOWN
    late = a_reading(0.0, at(1) + TIMING.longest_in_flight)
    assert after_looking(command, progress, late, TIMING, at(1, 8))[0] is Verdict.OBEYED
