"""Dashboards: the files are what the code makes, and their queries ask for what exists."""

import json
from pathlib import Path

import pytest

from ops.grafana.boards import BOARDS, COLUMNS, HERE, Board, text_of
from ops.try_dashboards import JOBS, configuration, queries
from tests.ops.test_prometheus import known_names, names_in


@pytest.mark.parametrize(("name", "board"), BOARDS.items(), ids=BOARDS)
def test_a_file_is_what_the_code_makes(name: str, board: Board) -> None:
    remedy = "run `python -m ops.grafana.boards`"
    assert (HERE / f"{name}.json").read_text() == text_of(board), remedy


def test_there_is_no_file_that_nobody_makes() -> None:
    assert {path.stem for path in Path(HERE).glob("*.json")} == set(BOARDS)


def test_queries_ask_for_metrics_that_exist() -> None:
    for board, panel, query in queries():
        asked = names_in(query)
        assert asked <= known_names(), (board, panel)
        assert asked or "temporal_" in query or "(up)" in query, (board, panel)


@pytest.mark.parametrize("name", BOARDS)
def test_panels_lie_beside_each_other_and_not_upon_each_other(name: str) -> None:
    panels = json.loads((HERE / f"{name}.json").read_text())["panels"]
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in panels):
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < COLUMNS
        taken |= cells


def test_a_stacks_own_addresses_take_the_containers_places() -> None:
    metrics = {"fleet": "127.0.0.1:1", "worker-1": "127.0.0.1:2", "worker-1-temporal": "127.0.0.1:3"}
    scraped = {c["job_name"]: c["static_configs"][0]["targets"] for c in configuration(metrics, 1)["scrape_configs"]}
    assert scraped == dict(zip(JOBS, (["127.0.0.1:1"], ["127.0.0.1:2"], ["127.0.0.1:3"]), strict=True))
