"""Rules and runbooks: what alerts ask for exists, each has its page, and promtool sees it fire and stay quiet."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from telemetry.catalogue import CATALOGUE

OPS = Path(__file__).parents[2] / "ops"
RULES = OPS / "prometheus" / "heatsteer.rules.yml"
TESTS = OPS / "prometheus" / "heatsteer.rules.test.yml"
OF_PROMETHEUS = {"up"}
PARTS = ("_bucket", "_sum", "_count")
"""What a histogram's name may end in."""


def rules(kind: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


def known_names() -> set[str]:
    """Everything that a query may ask for: the catalogue and what rules record."""
    histograms = {metric.name + part for metric in CATALOGUE if metric.kind == "histogram" for part in PARTS}
    recorded = {rule["record"] for rule in rules("record")}
    return {metric.name for metric in CATALOGUE if metric.kind != "histogram"} | histograms | recorded | OF_PROMETHEUS


def names_in(query: str) -> set[str]:
    """The metrics of ours that a query asks for."""
    return set(re.findall(r"[a-z_]*:?heatsteer[a-z0-9_]*(?::[a-z0-9_]+)*", re.sub(r'"[^"]*"', "", query)))


def promtool(*words: str) -> str:
    """What promtool says; skips where it is not installed."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    done = subprocess.run([program, *words], cwd=RULES.parent, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_rules_ask_for_metrics_that_exist() -> None:
    for rule in [*rules("record"), *rules("alert")]:
        asked = names_in(rule["expr"])
        assert asked <= known_names(), rule
        assert asked or "up{" in rule["expr"]


@pytest.mark.parametrize("rule", rules("alert"), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_urgent_it_is_and_has_a_page_that_says_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    page = (OPS.parent / rule["annotations"]["runbook"]).read_text()
    assert page.startswith(f"# {rule['alert']}\n")
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert headings == ["What it means", "What to look at", "What to do"]


def test_every_page_belongs_to_an_alert_and_every_alert_is_tried() -> None:
    pages = {rule["annotations"]["runbook"].removeprefix("ops/runbooks/") for rule in rules("alert")}
    assert {path.name for path in (OPS / "runbooks").glob("*.md")} == pages
    tried = [
        case["alert_rule_test"][0] for case in yaml.safe_load(TESTS.read_text())["tests"] if "alert_rule_test" in case
    ]
    for rule in rules("alert"):
        outcomes = {bool(case["exp_alerts"]) for case in tried if case["alertname"] == rule["alert"]}
        assert outcomes == {True, False}, f"{rule['alert']} must be seen to fire and to stay quiet"


def test_the_configuration_is_valid_and_the_rules_do_as_they_should() -> None:
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml")
    assert "SUCCESS" in promtool("test", "rules", TESTS.name)


def test_every_worker_of_the_composed_stack_is_scraped_at_both_its_addresses() -> None:
    composed = yaml.safe_load((OPS.parent / "docker-compose.yml").read_text())["services"]
    workers = {name for name in composed if name.startswith("worker-")}
    configured = yaml.safe_load((OPS / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    scraped = {one["job_name"]: set(one["static_configs"][0]["targets"]) for one in configured}
    for job, variable in (
        ("heatsteer-worker", "HEATSTEER_METRICS_ADDRESS"),
        ("temporal-sdk", "HEATSTEER_TEMPORAL_METRICS_ADDRESS"),
    ):
        addresses = {f"{name}:{composed[name]['environment'][variable].rpartition(':')[2]}" for name in workers}
        assert scraped[job] == addresses
    assert scraped["heatsteer-fleet"] == {f"metrics:{composed['metrics']['command'][-1].rpartition(':')[2]}"}
