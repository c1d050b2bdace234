"""What is drawn of a plan is what was stored with it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from application.planning.plans import PlanView, PumpPlanView
from console.cli.errors import UsageError
from console.cli.plan_panels import of_area, of_pump
from console.cli.plotting import draw
from domain.modes import Mode
from domain.slots import SLOT
from tests.builders import a_plan, at

PNG = b"\x89PNG"


def a_pump_view() -> PumpPlanView:
    plan = a_plan(3, {(6, 8): Mode.MAX, (8, 9): Mode.MIN})
    slots = (plan.valid_until - plan.first_slot) // SLOT
    return PumpPlanView(
        pump_id="p-0001",
        revision=3,
        created_at=at(1),
        price_area="DE-LU",
        grid_area="feeder-1",
        weather_cell="50.0,10.0",
        tariff="spot",
        cap_kw=None,
        plan=plan,
        price_eur_per_mwh=[80.0 + n for n in range(slots + 8)],
        cap_price_eur_per_mwh=[0.0] * (slots + 8),
        power_kw=[1.0 + 0.1 * n for n in range(slots + 8)],
    )


def an_area_view(cap_kw: float | None) -> PlanView:
    part: dict[str, Any] = {
        "tariff": "spot",
        "cap_kw": cap_kw,
        "price_eur_per_mwh": [80.0] * 8,
        "cap_price_eur_per_mwh": [0.0] * 4 + [25.0] * 4,
        "load_kw": [6.0] * 8,
        "neutral_load_kw": [5.0] * 8,
        "pumps_by_mode": {"LOW": [3] * 8},
        "nominated": None,
    }
    other = part | {
        "cap_price_eur_per_mwh": [0.0] * 8,
        "load_kw": [2.0] * 8,
        "neutral_load_kw": [3.0] * 8,
        "pumps_by_mode": {"MAX": [1] * 8},
    }
    return PlanView(
        7, "DE-LU", at(6), at(8), 4, False, 1, "published", at(1), at(1), None, shards=[], parts=[part, other]
    )  # fmt: skip


def test_a_pumps_power_is_drawn_in_its_mode_for_as_long_as_its_plan_is_valid() -> None:
    view = a_pump_view()
    start, panels = of_pump(view)
    assert start == view.plan.first_slot
    price, power, *_ = panels
    slots = (view.plan.valid_until - view.plan.first_slot) // SLOT
    assert list(price.parts) == ["price"]
    assert len(price.parts["price"]) == slots
    assert {len(part) for part in power.parts.values()} == {slots}
    together = [sum(of_slot) for of_slot in zip(*power.parts.values(), strict=True)]
    assert together == pytest.approx(view.power_kw[:slots])
    at_six = (at(6) - start) // SLOT
    assert [name for name, part in power.parts.items() if part[at_six] > 0] == ["MAX"]


def test_an_area_shows_its_load_its_limit_and_what_the_limit_adds_to_the_price() -> None:
    start, (price, load, modes) = of_area(an_area_view(10.0))
    assert start == at(6)
    assert price.parts["limit"][-1] == 25.0
    assert load.parts["heating"] == [8.0] * 8
    assert load.lines == {"under own control": [8.0] * 8}
    assert list(load.line) == [20.0] * 8
    assert modes.parts == {"LOW": [3.0] * 8, "MAX": [1.0] * 8}
    assert not of_area(an_area_view(None))[1][1].line


def test_what_was_nominated_is_drawn_beside_the_load_and_in_what_was_planned_with() -> None:
    view = an_area_view(None)
    named = [part | {"nominated": {"power_kw": [4.0] * 8}} for part in view.parts]
    named[0]["cap_price_eur_per_mwh"] = [-30.0] * 4 + [25.0] * 4
    price, load, _ = of_area(replace(view, parts=named))[1]
    assert load.lines["nominated"] == [8.0] * 8
    assert price.lines == {"with what limit and nomination add": [50.0] * 4 + [105.0] * 4}
    only_one = of_area(replace(view, parts=[named[0], view.parts[1]]))[1][1]
    assert "nominated" not in only_one.lines, "of the others nothing was"


def test_a_plan_becomes_a_picture_and_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    for name, (start, panels) in {"pump": of_pump(a_pump_view()), "area": of_area(an_area_view(10.0))}.items():
        file = tmp_path / f"{name}.png"
        draw(file, start, panels)
        assert file.read_bytes().startswith(PNG)
    with pytest.raises(UsageError, match="cannot be drawn"):
        draw(tmp_path / "no-such-folder" / "x.png", at(6), of_area(an_area_view(None))[1])
