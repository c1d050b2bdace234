"""`heatsteer plan submit`: one clear error for a bad file before any stack is asked, and every refusal shown."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from application.planning.submissions import Submitted
from console.cli.commands.planning.plans import _show_submitted
from console.cli.main import _main
from console.cli.options import Reading
from domain.planning.fleet_plan import Refusal
from tests.builders import at
from tests.console.test_plan_panels import an_area_view
from tests.ledger.builders import a_result

SIGNED = ["--who", "operator", "--why", "as the test says"]
REFUSED = Refusal(subject="p-0002", slot=at(7), problem="MAX must be held for 60 min", way_out="hold MAX for longer")


def a_file(folder: Path, text: str | None = None, **given: Any) -> Path:
    document = {"price_area": "DE-LU", "day": "2026-01-15", "pumps": {"p-0001": ["LOW"] * 96}} | given
    file = folder / "plan.json"
    file.write_text(json.dumps(document) if text is None else text)
    return file


FILES: dict[str, tuple[dict[str, Any], str]] = {
    "bad JSON": ({"text": "{"}, "Invalid JSON"),
    "no UTF-8": ({"text": None}, "can't decode"),
    "missing slots": ({"pumps": {"p-0001": ["LOW"] * 92}}, "pumps.p-0001: holds 92 modes: give a mode for each of the"),
    "unknown mode": (
        {"pumps": {"p-0001": ["OFF"] * 96}},
        "pumps.p-0001.0: Input should be 'MIN', 'LOW'",
    ),
    "unknown area": ({"price_area": "XX"}, "price_area: price area XX is not known; known are AT"),
}


@pytest.mark.parametrize("fault", FILES)
def test_a_bad_file_is_refused_in_one_line_before_any_stack_is_asked(
    fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given, sentence = FILES[fault]
    file = a_file(tmp_path, **given)
    if given.get("text", "") is None:
        file.write_bytes(b"\xff\xfe")
    assert _main(["plan", "submit", str(file), *SIGNED]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith(f"heatsteer: {file}: ")
    assert sentence in said.err


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _main(["plan", "submit", str(tmp_path / "none.json"), *SIGNED]) == 1
    assert "none.json: No such file" in capsys.readouterr().err


def submitted(*, is_taken: bool) -> Submitted:
    view = an_area_view(10.0)
    certificate = a_result().certificate.model_dump(mode="json")
    of_grid = {"grid_area": "feeder-1", "weather_cell": "50.0,10.0", "pumps": 1, "certificate": certificate}
    view = replace(
        view, is_preview=not is_taken, parts=[part | of_grid for part in view.parts], planned_by="another optimiser"
    )
    return Submitted("0" * 32, 3, is_taken, False, [REFUSED], "1 of 3 pumps have no plan", view)


def test_what_is_refused_stands_below_the_plan_with_its_slot_and_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    _show_submitted(Reading(None, False), submitted(is_taken=False))
    shown = " ".join(capsys.readouterr().out.split())
    assert "submitted by another optimiser: preview 7 of DE-LU" in shown
    assert "no pump was given it" in shown
    assert "1 of 3 pumps have no plan" in shown
    assert "p-0002 15 Jan 08:00: MAX must be held for 60 min; hold MAX for longer" in shown
    _show_submitted(Reading(None, False), submitted(is_taken=True))
    assert "plan 7 of DE-LU" in capsys.readouterr().out


def test_one_document_says_what_was_judged_and_what_was_refused(capsys: pytest.CaptureFixture[str]) -> None:
    _show_submitted(Reading(None, True), submitted(is_taken=False))
    document = json.loads(capsys.readouterr().out)
    assert (document["is_taken"], document["pumps"], document["plan"]["planned_by"]) == (False, 3, "another optimiser")
    assert document["refused"] == [REFUSED.model_dump(mode="json")]
