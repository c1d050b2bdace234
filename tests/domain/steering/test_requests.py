"""Acts that a pump refuses: one sentence with the way out, and nothing changed."""

from typing import Any

import pytest

from domain.modes import Circuit
from domain.steering.decide import decide
from domain.steering.orders import Order, OrderKind
from domain.steering.pump_state import (
    Event,
    OrderGiven,
    OrderLifted,
    OverrideEnded,
    OverrideRequested,
    RetireRequested,
    RetryRequested,
    SteeringConsent,
    Woke,
)
from domain.steering.requests import MOST_ORDERS, MOST_OVERRIDES, problem_with_act
from tests.builders import a_state, an_override, at


def an_order(number: int = 1) -> Order:
    return Order(order_id=f"s{number}", kind=OrderKind.STOP, scope="all", since=at(0), who="operator", why="drill")


REFUSED: list[tuple[str, dict[str, Any], Event, str]] = [
    ("an override of the past", {}, OverrideRequested(override=an_override(until=0.5)), "past"),
    ("an override for months", {}, OverrideRequested(override=an_override(until=24 * 40)), "within 14 days"),
    ("ending what is not", {}, OverrideEnded(override_id="o9"), "o9 is not in force"),
    ("ending nothing", {}, OverrideEnded(), "no override is in force"),
    ("opting out twice", {"opted_out": True}, SteeringConsent(opted_out=True), "opted out already"),
    ("coming back twice", {}, SteeringConsent(opted_out=False), "steered already"),
    ("a lever that is not there", {}, RetryRequested(circuit=Circuit.HOT_WATER), "no hot water lever"),
    ("anything once retired", {"retiring": True}, RetireRequested(), "retired"),
    ("an order once retired", {"retired": True}, OrderGiven(order=an_order()), "retired"),
    ("a lift once retired: nobody is left to take it", {"retired": True}, OrderLifted(), "retired"),
    (
        "one override more than a pump keeps",
        {"overrides": tuple(an_override(override_id=f"o{n}") for n in range(MOST_OVERRIDES))},
        OverrideRequested(override=an_override(override_id="one more")),
        "overrides run on this pump already",
    ),
]


@pytest.mark.parametrize(("given", "event", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_cannot_be_done_is_refused_with_the_reason(given: dict[str, Any], event: Event, words: str) -> None:
    problem = problem_with_act(a_state(**given), event, at(1))
    assert problem is not None
    assert words in problem


@pytest.mark.parametrize(
    "event",
    [
        OverrideRequested(override=an_override()),
        OrderGiven(order=an_order()),
        OrderLifted(),
        SteeringConsent(opted_out=True),
        RetryRequested(),
        RetireRequested(),
    ],
    ids=lambda event: event.kind,
)
def test_what_can_be_done_is_not(event: Event) -> None:
    assert problem_with_act(a_state(), event, at(1)) is None


def test_an_order_may_be_lifted_from_a_retiring_pump() -> None:
    assert problem_with_act(a_state(retiring=True), OrderLifted(), at(1)) is None


def test_no_more_orders_stand_than_a_pump_can_hold_and_a_known_one_may_be_repeated() -> None:
    state = a_state(orders=tuple(an_order(n) for n in range(MOST_ORDERS)))
    problem = problem_with_act(state, OrderGiven(order=an_order(99)), at(1))
    assert problem is not None
    assert "lift one first" in problem
    assert problem_with_act(state, OrderGiven(order=an_order(3)), at(1)) is None


def test_a_refused_override_changes_nothing_but_the_note_of_it() -> None:
    state = decide(a_state(), Woke(), at(0)).state
    refused = decide(state, OverrideRequested(override=an_override(until=0.5)), at(1)).state
    assert refused.refusal != ""
    assert refused.overrides == ()
    assert (
        refused.model_copy(update={"outbox": (), "last_note": 0, "refusal": ""}) == decide(state, Woke(), at(1)).state
    )
