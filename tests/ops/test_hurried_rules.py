"""Rules for a world at speed: durations divided, everything else as it is; and who is called by what fires."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from ops.hurried_rules import RULES, hurried, reaching

OPS = Path(__file__).parents[2] / "ops"
GIVEN = (OPS / "prometheus" / RULES).read_text()
INHIBITIONS = yaml.safe_load((OPS / "alertmanager" / "alertmanager.yml").read_text())["inhibit_rules"]


def rules_of(text: str) -> dict[str, dict[str, str]]:
    listed = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    return {rule.get("alert") or rule["record"]: rule for rule in listed}


def test_durations_are_divided_and_nothing_else_is_changed() -> None:
    given, quick = rules_of(GIVEN), rules_of(hurried(GIVEN, 60.0))
    assert quick["HomesBelowFloor"]["for"] == "30000ms"
    assert "[60000ms]" in quick["oem:heatsteer_vendor_honesty:ratio1h"]["expr"]
    assert "[5000ms]" in quick["oem:heatsteer_vendor_calls_failed:ratio5m"]["expr"]
    assert "> 15\n" in quick["QueueBacklog"]["expr"]
    assert quick["PlanStale"]["expr"] == given["PlanStale"]["expr"], "a threshold of steered time"
    assert all(quick[name]["labels"] == rule["labels"] for name, rule in given.items() if "labels" in rule)


def test_a_rule_file_at_speed_is_one_that_prometheus_takes(tmp_path: Path) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    (tmp_path / RULES).write_text(hurried(GIVEN, 480.0))
    done = subprocess.run([program, "check", "rules", tmp_path / RULES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def an_alert(name: str, **labels: str) -> dict[str, str]:
    return {"alertname": name, **labels}


def test_what_another_alert_explains_reaches_nobody() -> None:
    down, letters = an_alert("VendorDown", oem="nibe"), an_alert("DeadLetters", oem="nibe")
    elsewhere = an_alert("DeadLetters", oem="another")
    assert reaching([down, letters], INHIBITIONS) == {"VendorDown"}
    assert reaching([down, elsewhere], INHIBITIONS) == {"VendorDown", "DeadLetters"}
    assert reaching([letters], INHIBITIONS) == {"DeadLetters"}
    assert reaching([an_alert("ProcessDown"), an_alert("QueueBacklog", queue="pumps")], INHIBITIONS) == {"ProcessDown"}
