"""Which acts were done, by the audit trail."""

from datetime import datetime
from typing import Any

from application.audit_log import COMFORT, WAS, acts_done, band_at, is_opted_out, overrides_of
from domain.homes.site import ComfortBand
from domain.modes import Mode
from tests.builders import an_override, at


def a_row(act: str, when: datetime, **detail: Any) -> dict[str, Any]:
    return {"at": when, "who": "support", "why": "asked", "act": act, "subject": "p-0001", "detail": detail}


def an_asked(override_id: str, ref: str) -> dict[str, Any]:
    target = an_override(Mode.MAX, 1, 9, override_id=override_id)
    return a_row("override", at(1), **target.model_dump(mode="json"), ref=ref)


def test_a_refused_act_was_not_done_and_an_unanswered_one_may_have_been() -> None:
    trail = [
        an_asked("o-1", "a"),
        a_row("override:refused", at(1), ref="a", because="retired"),
        an_asked("o-2", "b"),
        a_row("override:unanswered", at(1), ref="b"),
        a_row("retire", at(2), ref="c"),
        a_row("retire:refused", at(2), ref="c"),
    ]
    done = acts_done(trail)
    assert [(row["act"], row["answered"]) for row in done] == [("override", False)]
    assert "ref" not in done[0]["detail"]
    assert [o.override_id for o in overrides_of(trail)["p-0001"]] == ["o-2"]


def test_a_refused_end_ends_nothing_and_one_that_was_taken_ends_then() -> None:
    refused = [a_row("end-override", at(3), override_id=None, ref="b"), a_row("end-override:refused", at(3), ref="b")]
    trail = [an_asked("o-1", "a"), *refused]
    assert overrides_of(trail)["p-0001"][0].until == at(9)
    assert overrides_of([*trail, a_row("end-override", at(4), override_id="o-1")])["p-0001"][0].until == at(4)
    assert overrides_of([*trail, a_row("end-override", at(5), override_id=None)])["p-0001"][0].until == at(5)


def test_a_household_is_out_from_its_leaving_to_its_coming_back() -> None:
    trail = [a_row("opt-out", at(2)), a_row("opt-in", at(5))]
    assert [is_opted_out(trail, at(hour)) for hour in (1, 2, 4, 5)] == [False, True, True, False]


def test_what_a_household_accepted_then_is_read_from_what_it_changed_since() -> None:
    first, second, third = (ComfortBand(room_min_c=low, room_max_c=low + 3) for low in (19, 20, 21))
    trail = [
        a_row(COMFORT, at(2), **second.model_dump(mode="json"), **{WAS: first.model_dump(mode="json")}),
        a_row(COMFORT, at(5), **third.model_dump(mode="json"), **{WAS: second.model_dump(mode="json")}),
        a_row(COMFORT, at(6), **first.model_dump(mode="json"), **{WAS: third.model_dump(mode="json")}, ref="r"),
        a_row(f"{COMFORT}:refused", at(6), ref="r"),
    ]
    assert [band_at(trail, at(hour), third) for hour in (1, 3, 5, 9)] == [first, second, third, third]
    assert band_at([], at(1), third) == third
