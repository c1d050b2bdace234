"""The trial of alerts: what names a fault, and when each of them is tried."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml

from ops import try_alerts
from ops.alert_trial import FAULTS, TZ, Fault
from ops.try_alerts import FAULT_OF, Observed, Outcome, Verdict, due, quickest, run_again
from simulator.faults.rates import FAULTS as SWITCHES

RULES = Path(__file__).parents[2] / "ops" / "prometheus" / "heatsteer.rules.yml"
BY_NAME = {fault.name: fault for fault in FAULTS}


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 1, 15, hour, minute, tzinfo=TZ)


def test_every_alert_is_tried_by_exactly_one_fault_and_there_are_more_than_ten_kinds() -> None:
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    assert sorted(fault.alert for fault in FAULTS) == sorted(rule["alert"] for rule in rules if "alert" in rule)
    assert len(FAULT_OF) == len(FAULTS) > 10


def test_every_fault_is_a_switch_of_the_demo() -> None:
    assert BY_NAME.keys() <= SWITCHES.keys()


@pytest.mark.parametrize(
    ("reached", "named"),
    [(("VendorDown",), "http-500"), (("PlanStale",), "no-weather"), ((), None), (("DeadLetters", "VendorDown"), None)],
)
def test_one_alert_names_a_fault_and_two_or_none_name_nothing(reached: tuple[str, ...], named: str | None) -> None:
    assert Observed(1.0, reached, explained=()).named == named


def verdict(name: str, *reached: str, cleared: bool = True) -> Verdict:
    observed = Observed(1.0, reached, explained=())
    return Verdict(name, BY_NAME[name].alert, observed, cleared_after_min=1.0 if cleared else None)


async def test_what_was_not_named_or_did_not_clear_is_tried_again_and_what_is_red_then_stays_red(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = [
        verdict("http-500", "VendorDown"),
        verdict("no-heat", "HomesBelowFloor", cleared=False),
        verdict("unplugged", "DeadLetters", "PumpsDoNotObey"),
    ]
    second = [verdict("no-heat", "HomesBelowFloor"), verdict("unplugged", "PumpsDoNotObey")]

    async def run(faults: Sequence[Fault], *_: object) -> Outcome:
        assert [fault.name for fault in faults] == ["no-heat", "unplugged"]
        return Outcome(second, panels=0, problems=[])

    monkeypatch.setattr(try_alerts, "run", run)
    outcome = await run_again(Outcome(first, panels=50, problems=[]), "prometheus", 480.0)
    assert outcome.verdicts == [first[0], *second]
    assert (outcome.panels, outcome.named, outcome.cleared, outcome.is_good) == (50, 2, 3, False)
    mended = Outcome(first[:1] + second[:1], panels=50, problems=[])
    assert await run_again(mended, "prometheus", 480.0) is mended, "nothing is left to try"
    assert mended.is_good
    assert not Outcome(mended.verdicts, panels=50, problems=["a panel without data"]).is_good


def test_a_feed_is_cut_shortly_before_results_come_out_and_else_on_the_next_day() -> None:
    feed = BY_NAME["no-prices"]
    assert due(feed, at(9)) == at(12, 30)
    assert due(feed, at(12, 45)) == at(12, 45)
    assert due(feed, at(14)) == at(12, 30) + timedelta(days=1)
    assert due(BY_NAME["http-500"], at(9)) == at(9)


def test_no_night_is_waited_through_while_there_is_something_else_to_break() -> None:
    left = [BY_NAME["no-prices"], BY_NAME["http-500"]]
    assert quickest(left, at(9)).name == "http-500"
    assert quickest(left, at(11)).name == "no-prices"
    assert quickest(left, at(15)).name == "http-500"
    assert quickest(left[:1], at(15)).name == "no-prices"
