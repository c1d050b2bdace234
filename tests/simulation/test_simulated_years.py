"""The simulated years: they replay exactly, find what is broken on purpose, and shrink it to a short script."""

import json

import pytest

from benchmarks import simulated_years
from benchmarks.simulated_years import run_all, run_some
from tests.simulation.judging.rules import Violation
from tests.simulation.mutants import MUTANTS
from tests.simulation.script_writer import write_script
from tests.simulation.shrinking import broken_by, shortened, timeline
from tests.simulation.simulation import Simulation

FOUND_BY = {
    "200 believed": {"applied means seen"},
    "always given up": {"given up"},
    "back-off binds all": {"own back-off"},
    "blind retry": {"read before rewrite"},
    "expiry unchecked": {"expiry"},
    "handed over at once": {"handed over"},
    "household outranked": {"precedence", "wakes"},
    "limits late": {"promptness"},
    "lost writes forgotten": {"no old write after a newer one"},
    "never cancelled": {"moved on"},
    "newest arrival wins": {"precedence"},
    "no daily limit": {"plan changes"},
    "no dwell": {"dwell"},
    "no fence": {"no old write after a newer one", "one in flight", "read before rewrite"},
    "no floor": {"precedence", "floor"},
    "no jitter": {"precedence", "wakes"},
    "no revert": {"revert", "promptness"},
    "no stagger": {"precedence", "wakes"},
    "outbox lost": {"outbox", "every target ends"},
    "plan outranks people": {"precedence", "people win"},
    "touch not held": {"precedence", "people win"},
    "two at once": {"one in flight"},
    "people wait": {"promptness"},
}
"""By which rule each mutant must be noticed: found by luck under another name would not count."""


def a_run(seed: int, number: int, days: int) -> Simulation:
    simulation = Simulation(write_script(seed, number, days), traced=True)
    try:
        simulation.run()
    except Violation as violation:
        simulation.pump.trace(f"BROKEN {violation}")
    return simulation


def days_until_found(mutant: str, most_days: int, seed: int = 11) -> float | None:
    days = 0.0
    for number in range(most_days // 30):
        some = run_some(seed, [number], 30, mutant)
        days += some.days
        if any(rule in FOUND_BY[mutant] for _, rule, _ in some.broken):
            return days
    return None


def test_the_same_story_is_the_same_life_to_the_last_line() -> None:
    first, second = a_run(5, 2, 10), a_run(5, 2, 10)
    assert first.pump.lines == second.pump.lines
    assert len(first.pump.lines) > 100
    assert first.pump.state == second.pump.state


def test_another_seed_is_another_life() -> None:
    assert a_run(5, 2, 6).pump.lines != a_run(6, 2, 6).pump.lines


def test_a_life_meets_plans_commands_people_and_observations() -> None:
    counts = run_all(seed=4, pump_days=60, processes=1).kinds
    assert {"plan", "settled", "observed", "woke", "override", "kept"} <= set(counts)


@pytest.mark.parametrize("mutant", ["200 believed", "no dwell", "no jitter", "newest arrival wins", "no floor"])
def test_what_is_broken_on_purpose_is_found_within_weeks(mutant: str) -> None:
    assert days_until_found(mutant, most_days=120) is not None


@pytest.mark.slow
@pytest.mark.parametrize("mutant", sorted(MUTANTS))
def test_what_is_broken_on_purpose_is_found_within_a_thousand_pump_days(mutant: str) -> None:
    assert days_until_found(mutant, most_days=1000) is not None


def test_every_mutant_names_the_rules_that_must_notice_it() -> None:
    assert set(FOUND_BY) == set(MUTANTS)


def test_a_mutant_is_over_when_its_spell_is() -> None:
    script = write_script(11, 0, 8)
    before = broken_by(script)
    assert broken_by(script, MUTANTS["200 believed"]) is not None
    assert str(broken_by(script)) == str(before)


def test_a_failing_story_is_told_with_few_incidents_and_still_fails_by_the_same_rule() -> None:
    mutation = MUTANTS["blind retry"]
    scripts = [write_script(11, number, 20) for number in range(8)]
    script = next(s for s in scripts if (found := broken_by(s, mutation)) and found.rule == "read before rewrite")
    violation = broken_by(script, mutation)
    assert violation is not None
    short = shortened(script, violation, mutation)
    assert len(short.incidents) <= 6 < len(script.incidents)
    again = broken_by(short, mutation)
    assert again is not None
    assert again.rule == violation.rule
    lines = timeline(short, mutation)
    assert lines[-1].startswith(f"BROKEN {violation.rule}")
    assert any("sent #" in line for line in lines)


def test_the_command_prints_one_document_and_fails_where_a_rule_is_broken(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--pump-days", "30", "--seed", "11", "--processes", "1", "--json"]
    assert simulated_years.main([*asked, "--mutant", "200 believed"]) == 1
    broken = json.loads(capsys.readouterr().out)
    assert broken["violations"][0]["rule"] == "applied means seen"
    assert {"pump_days", "steps", "events_by_kind", "invariants", "violations", "seconds"} <= set(broken)


def test_a_replay_tells_the_life_that_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    simulated_years.main(["--replay", "5:3", "--days", "4", "--whole"])
    assert "pump p-00003, seed 5" in capsys.readouterr().out


@pytest.mark.slow
def test_a_thousand_pump_days_break_no_rule() -> None:
    broken = run_all(seed=1, pump_days=1000, processes=1).broken
    assert not broken, broken
