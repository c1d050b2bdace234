"""Asks a real Prometheus every dashboard query and every rule, after it scraped a running stack.

    python -m ops.try_dashboards                 # runs a demo of its own and ends it
    python -m ops.try_dashboards var/demo-PID    # of `heatsteer demo --keep` or `up`, which name their metrics there

It asks again until everything has data: a demo that is over counts nothing any more, so start it before or with one.
Needs the program `prometheus` (Debian: apt-get install prometheus). Exit codes: 0 every panel has data, 1 one has none
or a rule cannot be evaluated, 2 something is missing. Protects: no board or rule asks for what nobody exposes.
"""

import argparse
import contextlib
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from embedded.serving import LOOPBACK, free_ports
from embedded.stack_file import find_stack

OPS = Path(__file__).parent
READY_S = 30.0
JOBS = ("heatsteer-fleet", "heatsteer-worker", "temporal-sdk")
VARIABLES = {"$__rate_interval": "1m", "$__interval": "1m"}
"""What Grafana puts in."""
LOOK_BACK_S = 900
ASK_EVERY_S = 3.0
DEMO = ("--pumps", "12", "--hours", "6")
DEMO_READY_S = 120.0


def job_of(name: str) -> str:
    """The scrape job of somebody who serves metrics, by its name in `stack.json`."""
    if name == "fleet":
        return "heatsteer-fleet"
    return "temporal-sdk" if name.endswith("-temporal") else "heatsteer-worker"


def configuration(
    metrics: Mapping[str, str], scrape_s: int, rules: Path | None = None, alertmanager: str | None = None
) -> dict[str, Any]:
    """`ops/prometheus/prometheus.yml` with a stack's own addresses in place of the containers', or with other rules.

    Alerts are sent to nobody but an `alertmanager` (HOST:PORT) that is named.
    """
    given: dict[str, Any] = yaml.safe_load((OPS / "prometheus" / "prometheus.yml").read_text())
    given["global"] = {"scrape_interval": f"{scrape_s}s", "evaluation_interval": f"{scrape_s}s"}
    given["rule_files"] = [str(rules or OPS / "prometheus" / name) for name in given["rule_files"]]
    (receiver,) = given["alerting"]["alertmanagers"]
    receiver["static_configs"] = [{"targets": [] if alertmanager is None else [alertmanager]}]
    given["scrape_configs"] = [
        {"job_name": job, "static_configs": [{"targets": [a for n, a in metrics.items() if job_of(n) == job]}]}
        for job in JOBS
    ]
    return given


class Prometheus:
    """A Prometheus that answers at a URL."""

    def __init__(self, url: str, config: Path, configured: Callable[[Mapping[str, str]], dict[str, Any]]) -> None:
        """`configured`: its configuration, for whom to scrape."""
        self._url, self._config, self._configured = url, config, configured

    def configure(self, metrics: Mapping[str, str]) -> None:
        """Write down whom to scrape."""
        self._config.write_text(yaml.safe_dump(self._configured(metrics)))

    def aim(self, metrics: Mapping[str, str]) -> None:
        """Scrape these from now on; returns once it does, some seconds after it was told."""
        self.configure(metrics)
        request = urllib.request.Request(f"{self._url}/-/reload", method="POST")  # noqa: S310 -- our own loopback address
        urllib.request.urlopen(request, timeout=20).close()  # noqa: S310
        deadline = time.monotonic() + READY_S
        while self._scraped() != set(metrics.values()) and time.monotonic() < deadline:
            time.sleep(0.2)

    def _scraped(self) -> set[str]:
        return {target["labels"]["instance"] for target in self.get("targets", state="active")["activeTargets"]}

    def get(self, path: str, **parameters: str) -> Any:
        """What the API answers; raises ValueError with its words where it refuses."""
        url = f"{self._url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310 -- our own loopback address
                return json.load(answer)["data"]
        except urllib.error.HTTPError as refused:
            raise ValueError(json.load(refused).get("error", refused.reason)) from refused

    def numbers(self, query: str) -> int:
        """How many numbers a query gives over the last minutes; raises ValueError for one that cannot be parsed."""
        for variable, value in VARIABLES.items():
            query = query.replace(variable, value)
        now = time.time()
        found = self.get("query_range", query=query, start=f"{now - LOOK_BACK_S}", end=f"{now}", step="5")["result"]
        return sum(math.isfinite(float(value)) for series in found for _, value in series["values"])

    def is_up(self) -> bool:
        """Whether it answers and has scraped every target."""
        try:
            targets = self.get("targets")["activeTargets"]
        except (OSError, ValueError):  # while it starts it refuses in words that are no JSON
            return False
        return bool(targets) and all(target["health"] == "up" for target in targets)

    def broken_rules(self) -> list[str]:
        """Rules that could not be evaluated."""
        rules = [rule for group in self.get("rules")["groups"] for rule in group["rules"]]
        return [f"rule {rule['name']}: {rule.get('lastError', '')}" for rule in rules if rule["health"] == "err"]


@contextlib.contextmanager
def prometheus(
    program: str,
    metrics: Mapping[str, str],
    scrape_s: int,
    rules: Path | None = None,
    alertmanager: str | None = None,
) -> Iterator[Prometheus]:
    """A Prometheus of its own for a stack's addresses, with the project's rules or those in a file.

    Alerts are sent as `configuration` says.
    """
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="heatsteer-prometheus-") as folder:
        config = Path(folder) / "prometheus.yml"
        configured = partial(configuration, scrape_s=scrape_s, rules=rules, alertmanager=alertmanager)
        asked = Prometheus(f"http://{LOOPBACK}:{port}", config, configured)
        asked.configure(metrics)
        with (Path(folder) / "log").open("w") as log:
            child = subprocess.Popen(
                [
                    program,
                    f"--config.file={config}",
                    f"--storage.tsdb.path={folder}/data",
                    f"--web.listen-address={LOOPBACK}:{port}",
                    "--web.enable-lifecycle",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                yield asked
            finally:
                child.terminate()
                child.wait(timeout=30)


def queries() -> Iterator[tuple[str, str, str]]:
    """Board, panel and query of every target of every board."""
    for path in sorted((OPS / "grafana").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield path.stem, panel["title"], target["expr"]


def problems(asked: Prometheus) -> list[str]:
    """What is wrong: queries that cannot be parsed or have no data, rules that cannot be evaluated."""
    found = []
    for board, panel, query in queries():
        try:
            if not asked.numbers(query):
                found.append(f"{board}: {panel}: no data for {query}")
        except ValueError as refused:
            found.append(f"{board}: {panel}: {refused}")
    return found + asked.broken_rules()


def wait_until_scraped(asked: Prometheus, for_s: float) -> bool:
    """Let it scrape for so long once every target is up; False where that never came."""
    deadline = time.monotonic() + READY_S
    while not asked.is_up():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    time.sleep(for_s)
    return True


@contextlib.contextmanager
def a_demo(arguments: Sequence[str]) -> Iterator[Path]:
    """A demo that runs meanwhile; yields its stack's folder. Raises TimeoutError where it serves no metrics in time."""
    with tempfile.TemporaryDirectory(prefix="heatsteer-demo-") as folder:
        command = [sys.executable, "-m", "console.cli.main", "demo", "--keep", *arguments]
        child = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(OPS.parent)}
        )
        try:
            place, deadline = Path(folder) / "var" / f"demo-{child.pid}", time.monotonic() + DEMO_READY_S
            while not metrics_of(place):
                if time.monotonic() > deadline or child.poll() is not None:
                    raise TimeoutError("the demo did not begin to serve metrics")
                time.sleep(0.5)
            yield place
        finally:
            child.terminate()
            child.wait(timeout=60)


def metrics_of(folder: Path) -> Mapping[str, str]:
    """Who serves metrics in a stack, and where; nobody where none runs."""
    found = find_stack(folder) if folder.exists() else None
    return found.file.metrics if found is not None and found.running else {}


def ask_until_all_have_data(asked: Prometheus, folder: Path, within_s: float) -> list[str]:
    """Problems that are left once none is, or after so many wall seconds. Newly started workers are scraped as well."""
    deadline, scraped = time.monotonic() + within_s, metrics_of(folder)
    while True:
        if (serving := metrics_of(folder)) != scraped:
            asked.aim(serving)
            scraped = serving
        wrong = problems(asked)
        if not wrong or time.monotonic() > deadline:
            return wrong
        time.sleep(ASK_EVERY_S)


def main() -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.try_dashboards", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="folder of a running stack; without one a demo is run")
    parser.add_argument("--within", type=float, default=180.0, help="wall seconds in which every panel must have data")
    given = parser.parse_args()
    program = shutil.which("prometheus")
    if program is None:
        return _fail("the program prometheus is not installed (Debian: apt-get install prometheus)", 2)
    with contextlib.ExitStack() as opened:
        folder: Path = given.folder or opened.enter_context(a_demo(DEMO))
        if not metrics_of(folder):
            return _fail(f"no stack that serves metrics runs in {folder}: heatsteer demo --keep, or up", 2)
        asked = opened.enter_context(prometheus(program, metrics_of(folder), scrape_s=2))
        if not wait_until_scraped(asked, for_s=0):
            return _fail("Prometheus could not scrape every address of the stack", 1)
        wrong = ask_until_all_have_data(asked, folder, given.within)
    for line in wrong:
        _fail(line, 1)
    if not wrong:
        print(f"{len(list(queries()))} queries of {len(list((OPS / 'grafana').glob('*.json')))} boards have data")  # noqa: T201
    return 1 if wrong else 0


def _fail(sentence: str, code: int) -> int:
    print(sentence, file=sys.stderr)  # noqa: T201 -- the command's own error line
    return code


if __name__ == "__main__":
    sys.exit(main())
