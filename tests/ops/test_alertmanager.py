"""An alert reaches a person: Alertmanager with our configuration calls a webhook, and says one thing once."""

import contextlib
import json
import shutil
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from embedded.serving import LOOPBACK, free_ports
from ops.hurried_rules import RULES, hurried
from ops.try_dashboards import prometheus
from tests.patience import Patience

pytestmark = pytest.mark.servers

OPS = Path(__file__).parents[2] / "ops"
CONFIGURATION = OPS / "alertmanager" / "alertmanager.yml"


@contextlib.contextmanager
def a_webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Somebody's webhook: its address and what it was sent."""
    heard: list[dict[str, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer((LOOPBACK, 0), Hook) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}/", heard
        finally:
            server.shutdown()
            serving.join()


@contextlib.contextmanager
def an_alertmanager(folder: Path, webhook: str) -> Iterator[str]:
    """The real one with our configuration, quicker; its address."""
    program = shutil.which("alertmanager") or shutil.which("prometheus-alertmanager")
    if program is None:
        pytest.skip("alertmanager is not installed (Debian: apt-get install prometheus-alertmanager)")
    (port,) = free_ports(1)
    config = yaml.safe_load(CONFIGURATION.read_text())
    config["route"] |= {"group_wait": "1s", "group_interval": "1s"}
    for hook in config["receivers"][0]["webhook_configs"]:
        assert hook.pop("url_file") == "/etc/alertmanager/webhook-url"  # which Debian's version does not know yet
        hook["url"] = webhook
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
    options = (f"--storage.path={folder}/data", f"--web.listen-address={LOOPBACK}:{port}", "--cluster.listen-address=")
    with (folder / "log").open("w") as log:
        command = [program, f"--config.file={folder}/alertmanager.yml", *options]
        child = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            yield f"http://{LOOPBACK}:{port}"
        finally:
            child.terminate()
            child.wait(timeout=30)


@contextlib.contextmanager
def figures() -> Iterator[str]:
    """A fleet's figures, of one pump; the address they are served at."""

    class Figures(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(b'heatsteer_pumps{oem="nibe",mode="LOW"} 1\n')

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer((LOOPBACK, 0), Figures) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"{LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()


def fire(address: str, *alerts: dict[str, str]) -> None:
    """Report alerts as Prometheus does, once Alertmanager answers."""
    body = json.dumps([{"labels": labels} for labels in alerts]).encode()
    request = urllib.request.Request(f"{address}/api/v2/alerts", body, {"Content-Type": "application/json"})
    patience = Patience(30)
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10):
                return
        except OSError:
            assert not patience.is_over, "alertmanager did not come up"
            time.sleep(0.1)


def test_an_alert_reaches_the_webhook_and_what_it_explains_does_not(tmp_path: Path) -> None:
    with a_webhook() as (url, heard), an_alertmanager(tmp_path, url) as address:
        down = {"alertname": "VendorDown", "oem": "nibe", "severity": "page"}
        explained = {"alertname": "PumpsDoNotObey", "oem": "nibe", "severity": "page"}
        others = {"alertname": "PumpsDoNotObey", "oem": "another", "severity": "page"}
        fire(address, down, explained, others)
        patience = Patience(30)
        while len(heard) < 2:
            assert not patience.is_over, (tmp_path / "log").read_text()
            time.sleep(0.1)
    told = {(a["labels"]["alertname"], a["labels"]["oem"]) for message in heard for a in message["alerts"]}
    assert told == {("VendorDown", "nibe"), ("PumpsDoNotObey", "another")}


def test_what_prometheus_finds_reaches_the_webhook_with_its_runbook_and_so_does_its_end(tmp_path: Path) -> None:
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed (Debian: apt-get install prometheus)")
    rules = tmp_path / RULES
    rules.write_text(hurried((OPS / "prometheus" / RULES).read_text(), 600.0))
    with (
        a_webhook() as (url, heard),
        an_alertmanager(tmp_path, url) as address,
        figures() as served,
        prometheus(program, {}, 1, rules, alertmanager=address.removeprefix("http://")) as asked,
    ):
        wait_for(heard, "firing", tmp_path)
        asked.aim({"fleet": served})
        wait_for(heard, "resolved", tmp_path)
    first = heard[0]["alerts"][0]
    assert first["labels"] == {"alertname": "FiguresMissing", "severity": "page"}
    assert (OPS.parent / first["annotations"]["runbook"]).exists()


def wait_for(heard: list[dict[str, Any]], status: str, folder: Path) -> None:
    patience = Patience(60)
    while not any(message["status"] == status for message in heard):
        assert not patience.is_over, (folder / "log").read_text()
        time.sleep(0.1)
