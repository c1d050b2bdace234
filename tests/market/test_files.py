"""Documents from files: the same judgement, and a sentence for every file that cannot be read.

Protects: whatever a person points at, they learn what was wrong with it.
"""

import errno
import os
from pathlib import Path

import pytest

from market.files import load_price_file, load_weather_file
from tests.market.builders import BERLIN, CELL, DAY, MIDNIGHT, a_price_document, a_weather_document, raw, verdict


def refusal(path: Path) -> str:
    sentence = verdict(lambda: load_price_file(path, "DE-LU", BERLIN))
    weather = verdict(lambda: load_weather_file(path, CELL, MIDNIGHT, 96))
    assert weather == sentence, "a file that cannot be read is the same for both"
    return sentence


def test_a_price_file_is_of_the_day_of_its_first_row_and_names_itself_as_the_source(tmp_path: Path) -> None:
    path = tmp_path / "tuesday.json"
    path.write_bytes(raw(a_price_document()))
    series = load_price_file(path, "DE-LU", BERLIN)
    assert series.start == MIDNIGHT
    assert series.source == "energy-charts file tuesday.json"
    assert load_price_file(path, "DE-LU", BERLIN, DAY) == series


def test_a_synthetic_file_says_so_in_the_series(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(raw(a_price_document() | {"license_info": "synthetic: heatsteer generator, seed 7"}))
    series = load_price_file(path, "DE-LU", BERLIN)
    assert series.source == "energy-charts file a.json (synthetic: heatsteer generator, seed 7)"


def test_a_weather_file_names_itself_as_the_source(tmp_path: Path) -> None:
    path = tmp_path / "forecast.json"
    path.write_bytes(raw(a_weather_document()))
    series = load_weather_file(path, CELL, MIDNIGHT, 96)
    assert (series.source, series.cell) == ("open-meteo file forecast.json", CELL)


def test_a_bad_file_is_refused_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(raw(a_price_document() | {"unix_seconds": [], "price": []}))
    assert verdict(lambda: load_price_file(path, "DE-LU", BERLIN)).startswith(f"{path} has no rows")


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere.json") == f"{tmp_path}/nowhere.json does not exist; check the path."


def test_a_directory_is_a_sentence(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path} is a directory; give a file."


def test_an_empty_file_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "empty.json"
    path.touch()
    assert "empty.json is empty; fetch it again" in refusal(path)


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert "is not a regular file" in refusal(path)


def test_a_file_beyond_the_size_limit_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(10_000_000_000)
    assert "is larger than 4 MB" in refusal(path)


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "loop.json"
    path.symlink_to(path)
    assert "cannot be read (" in refusal(path)


def test_a_file_that_may_not_be_read_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.json"
    path.write_bytes(raw(a_price_document()))

    def denied(self: Path) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "read_bytes", denied)  # root may read everything, so permissions alone do not show it
    assert "cannot be read (Permission denied); check the path and its permissions" in refusal(path)


def test_a_path_that_is_none_is_a_sentence() -> None:
    assert "is not a path" in verdict(lambda: load_price_file(Path("a\0b"), "DE-LU", BERLIN))
