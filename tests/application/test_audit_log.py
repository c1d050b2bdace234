"""Which acts were done, by the audit trail."""

from datetime import datetime
from typing import Any

from application.audit_log import acts_done
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
    assert done[0]["detail"]["override_id"] == "o-2"
