"""What `heatsteer load-curve` writes into a file, and what it refuses."""

import csv
from pathlib import Path

import pytest

from application.planning.load_curve import StoredCurve
from console.cli.commands.planning.load_curve import _panels, _write
from console.cli.main import _main
from console.cli.plotting import draw
from tests.domain.planning.test_load_curve import a_curve, a_scenario


def test_a_nomination_names_its_version_and_gives_the_energy_of_each_quarter_hour(tmp_path: Path) -> None:
    curve = a_curve(a_scenario("base", 4.0, 6.0)).model_copy(update={"levels": (a_scenario("mean 20", 8.0, 2.0),)})
    _write(tmp_path / "nomination.csv", StoredCurve(12, curve))
    with (tmp_path / "nomination.csv").open() as file:
        first, second = csv.DictReader(file)
    assert (first["version"], first["area"]) == ("12", "feeder-1")
    assert (first["start_utc"], first["end_utc"], second["start_utc"]) == (
        "2026-01-14T23:00Z",
        "2026-01-14T23:15Z",
        "2026-01-14T23:15Z",
    )
    assert (float(first["kwh"]), float(second["kwh"]), float(first["neutral_kwh"])) == (1.0, 1.5, 1.25)
    assert float(first["low_kwh"]) < 1.0 < float(first["high_kwh"])
    assert float(second["kwh_at_mean_20"]) == 0.5


def test_price_levels_that_are_no_numbers_are_refused_before_any_stack_is_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _main(["load-curve", "DE-LU", "--price-levels", "20,dear"]) == 2
    assert "20,dear is no list of numbers" in capsys.readouterr().err


def test_a_curve_is_drawn_with_its_interval_and_its_levels(tmp_path: Path) -> None:
    curve = a_curve(a_scenario("base", 4.0, 6.0)).model_copy(update={"levels": (a_scenario("mean 20", 8.0, 2.0),)})
    load, levels = panels = _panels(StoredCurve(12, curve))
    assert list(load.lines) == ["steered", "from", "to", "under own control"]
    assert list(levels.lines.values()) == [(8.0, 2.0)]
    draw(tmp_path / "curve.png", curve.slots[0].start, panels)
    assert (tmp_path / "curve.png").stat().st_size > 10_000
