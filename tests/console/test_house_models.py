"""What a person reads of a house, and what is drawn of it."""

import io
from pathlib import Path

from rich.console import Console

from application.fleet.house_models import HouseModelView
from console.cli.commands.planning.house_models import _document, _panels, _print
from console.cli.plotting import draw
from domain.homes.learned import AheadErrors, Fitted, ForetoldDay, LearnedHouse, Source
from tests.builders import MIDNIGHT, a_profile, at


def a_version() -> LearnedHouse:
    factor = Fitted(value=0.72, low=0.55, high=0.94)
    return LearnedHouse(
        pump_id="p-0001",
        learned_at=at(24),
        since=MIDNIGHT,
        room_days=21,
        power_days=20,
        rooms=Source.LEARNED,
        power=Source.FLEET,
        held_c=Fitted(value=21.1, low=21.0, high=21.2),
        capacity=factor,
        authority=Fitted(value=0.1, low=-0.1, high=0.3),
        aperture=factor,
        power_scale=Fitted(value=1.12, low=0.95, high=1.31),
        room_errors_k=AheadErrors(learned=0.28, prior=0.46, persistence=0.63, days=6),
        foretold=ForetoldDay(start=MIDNIGHT, seen_c=(None, 21.0) * 12, learned_c=(21.0,) * 24, prior_c=(20.8,) * 24),
    )


def words_of(*versions: LearnedHouse, sensor: bool = True) -> str:
    console = Console(file=io.StringIO(), width=160)
    _print(console, HouseModelView(a_profile().enrolment, sensor, versions))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_learned_house_shows_figures_with_intervals_their_source_and_how_well_they_foretell() -> None:
    words = words_of(a_version())
    for part in (
        "0.72 x class", "0.55 to 0.94", "the fleet's mean", "21 days of rooms and 20 of power",
        "6 newest days not learned from: off by 0.28 K (class 0.46, persistence 0.63)",
        "energy of a day: not enough days to be judged", "cannot be told from zero: its heating is left alone",
    ):  # fmt: skip
        assert part in words


def test_a_house_that_nothing_was_learned_of_says_so_and_one_without_a_sensor_that_its_comfort_is_unknown() -> None:
    assert "known by its class alone" in words_of()
    assert "no room sensor: its comfort is unknown" in words_of(sensor=False)


def test_the_document_holds_every_version_and_the_picture_a_day_that_was_foretold(tmp_path: Path) -> None:
    one = a_version()
    document = _document(HouseModelView(a_profile().enrolment, True, [one, one]))
    assert [LearnedHouse.model_validate(version) for version in document["versions"]] == [one, one]
    draw(tmp_path / "house.png", MIDNIGHT, _panels("p-0001", one))
    assert (tmp_path / "house.png").read_bytes().startswith(b"\x89PNG")
