"""Dashboards: the files are what the code makes, and their queries ask for what exists."""

import json
import shutil
import time
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from domain.commands.command import EventKind
from domain.oem.calls import CallFate, CallMade
from domain.steering.decide import decide
from domain.steering.pump_state import OverrideRequested
from ops.grafana.boards import BOARDS, COLUMNS, HERE, Board, text_of
from ops.try_dashboards import JOBS, configuration, problems, prometheus, queries, wait_until_scraped
from telemetry.counting import EventCounter
from telemetry.events import ActivityAttempt, ActivityOutcome, RunPhase, WorkflowRun
from telemetry.fleet import FleetCollector
from telemetry.serving import serving
from tests.builders import MIDNIGHT, a_state, an_override, at
from tests.ops.test_prometheus import known_names, names_in
from tests.patience import Patience
from tests.telemetry.figures import a_fleet
from tests.telemetry.test_counting import a_line


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


@pytest.mark.servers
def test_a_real_prometheus_takes_every_query_and_rule_and_has_data_for_every_panel() -> None:
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed (Debian: apt-get install prometheus)")
    counter, fleet, registry = EventCounter(["nibe"]), FleetCollector(600), CollectorRegistry()
    registry.register(fleet)
    fleet.show(a_fleet(), 0.5)
    # What workers count is served once more as the Temporal SDK's, whose queries are only parsed here.
    with serving(counter.registry, "127.0.0.1:0") as worker, serving(registry, "127.0.0.1:0") as figures:
        assert worker is not None
        assert figures is not None
        metrics = {"fleet": figures, "worker-1": worker, "worker-1-temporal": worker}
        with prometheus(program, metrics, scrape_s=1) as asked:
            assert wait_until_scraped(asked, for_s=0)
            wrong = ["not asked yet"]
            patience = Patience(60)
            while wrong and not patience.is_over:
                happen(counter)
                time.sleep(0.5)
                wrong = [line for line in problems(asked) if "temporal_" not in line or "no data" not in line]
    assert wrong == []


def happen(counter: EventCounter) -> None:
    """Something of everything that is counted."""
    for kind in (EventKind.ACCEPTED, EventKind.APPLIED, EventKind.EFFECTIVE):
        counter(a_line(kind, timedelta(minutes=3)))
    counter(CallMade(oem="nibe", account_id="a", at=MIDNIGHT, fate=CallFate.OK, took_s=0.2))
    counter(ActivityAttempt("apply_command", "oem-nibe", "pump-p-0001", 1, ActivityOutcome.COMPLETED, "", 0.1))
    counter(WorkflowRun("HeatPumpWorkflow", "pump-p-0001", RunPhase.STARTED))
    requested = OverrideRequested(override=an_override(start=1, until=30))
    for entry in decide(a_state(), requested, at(1)).state.journal:
        counter(entry)
