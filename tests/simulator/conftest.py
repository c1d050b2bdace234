"""Fixtures of the simulator's tests: fleets that are closed again, and simulators in a process of their own."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.app import build_fleet
from simulator.homes.fleet import SimulatedFleet
from tests.patience import HANG_S, Patience
from tests.simulator.builders import DAY, EPOCH, ManualClock, a_config, device_of

ROOT = Path(__file__).resolve().parents[2]
CLIENT = {"client_id": "tester", "client_secret": "s3cret"}

type MakeFleet = Callable[..., SimulatedFleet]


@pytest.fixture
def make_fleet(tmp_path: Path) -> Iterator[MakeFleet]:
    """Makes fleets on a hand-turned clock, each in a folder of its own unless told one."""
    fleets: list[SimulatedFleet] = []

    def make(clock: ManualClock | None = None, folder: Path | None = None, **changes: Any) -> SimulatedFleet:
        home = folder or tmp_path / f"world-{len(fleets)}"
        home.mkdir(exist_ok=True)
        fleets.append(build_fleet(a_config(home, **changes), wall=clock or ManualClock()))
        return fleets[-1]

    yield make
    for fleet in fleets:
        fleet.truth.close()


def truth_of(folder: Path) -> list[dict[str, Any]]:
    """The truth log of a fleet or a simulator."""
    return [json.loads(line) for line in (folder / "truth.jsonl").read_text().splitlines()]


class Simulator:
    """A simulator's process and a way to talk to it."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.config: dict[str, Any] = {
            "clock": {
                "epoch": EPOCH.isoformat(),
                "start_wall": datetime.now(UTC).isoformat(),
                "speed": 2000.0,
            },
            "seed": 7,
            "pumps": 12,
            "day": DAY.isoformat(),
            "truth_file": str(folder / "truth.jsonl"),
            "ready_file": str(folder / "ready.json"),
            "rate_limit_per_min": 10_000,
            "token_life_s": 1_000_000,
            "timeout_hold_s": 0.1,
        } | CLIENT
        self.config |= changes
        config_file = folder / "config.json"
        config_file.write_text(json.dumps(self.config))
        (folder / "ready.json").unlink(missing_ok=True)
        command = [sys.executable, "-W", "error", "-m", "simulator", "--config", str(config_file)]
        self.process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        self.url = self._url()
        self.http = httpx.Client(base_url=self.url, timeout=HANG_S)
        self._token: str | None = None

    def _url(self) -> str:
        ready = self.folder / "ready.json"
        patience = Patience(HANG_S)
        while not patience.is_over:
            if ready.exists():
                return str(json.loads(ready.read_text())["url"])
            if self.process.poll() is not None:
                assert self.process.stderr is not None
                raise AssertionError(f"the simulator did not start: {self.process.stderr.read()}")
            time.sleep(0.01)
        raise AssertionError("the simulator did not get ready")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it by a signal; returns its exit code, and fails on anything it complained of."""
        self.http.close()
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        _, complaints = self.process.communicate(timeout=HANG_S)
        assert complaints == ""
        return self.process.returncode

    def ask_token(self, **fields: str) -> httpx.Response:
        usual = {"grant_type": "client_credentials", "scope": "READSYSTEM WRITESYSTEM"} | CLIENT
        return self.http.post("/oauth/token", data={k: v for k, v in (usual | fields).items() if v})

    def call(self, method: str, path: str, *, token: str | None = None, **request: Any) -> httpx.Response:
        """One authorised request."""
        if token is None:
            self._token = token = self._token or str(self.ask_token().json()["access_token"])
        headers = {"Authorization": f"Bearer {token}"} | request.pop("headers", {})
        return self.http.request(method, path, headers=headers, **request)

    def forget_token(self) -> None:
        self._token = None

    def pumps(self) -> list[dict[str, Any]]:
        """The enrolment sheets."""
        return list(self.http.get("/_world/enrolment").json())

    def device(self, family: str, skip: int = 0) -> tuple[str, str]:
        """Device and pump of the n-th unit of a family (`f730`, `s735`)."""
        fitting = [sheet for sheet in self.pumps() if device_of(sheet).startswith(family)]
        return device_of(fitting[skip]), fitting[skip]["pump_id"]

    def point(self, device: str, parameter: str) -> dict[str, Any]:
        listed = self.call("GET", f"/v2/devices/{device}/points", params={"parameters": parameter})
        return dict(listed.json()[0])

    def write(self, device: str, body: dict[str, Any]) -> httpx.Response:
        return self.call("PATCH", f"/v2/devices/{device}/points", json=body)

    def faults(self, **rates: float) -> None:
        answer = self.http.post("/_world/faults", json={k.replace("_", "-"): v for k, v in rates.items()})
        assert answer.status_code == 200, answer.text

    def steered(self) -> datetime:
        return datetime.fromisoformat(self.http.get("/_world/health").json()["steered"])

    def wait(self, **steered: float) -> None:
        """Let steered time pass."""
        until = self.steered() + timedelta(**steered)
        while self.steered() < until:
            time.sleep(0.01)

    def truth(self, pump: str) -> list[dict[str, Any]]:
        self.http.get("/_world/now")  # computes up to this moment; the fleet's own tick may be due
        return [line for line in truth_of(self.folder) if line.get("pump") == pump]

    def last_request(self, pump: str) -> dict[str, Any]:
        """What became of the newest write."""
        return [line for line in self.truth(pump) if line["kind"] == "request"][-1]

    def last_change(self, pump: str) -> dict[str, Any]:
        """How the lever last changed."""
        return [line for line in self.truth(pump) if line["kind"] == "state"][-1]


@pytest.fixture(scope="session")
def start_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Simulator]]:
    """Starts simulators that end with the session at the latest."""
    started: list[Simulator] = []
    numbers = itertools.count()

    def start(**changes: Any) -> Simulator:
        folder = changes.pop("folder", None) or tmp_path_factory.mktemp(f"simulator-{next(numbers)}")
        started.append(Simulator(folder, **changes))
        return started[-1]

    yield start
    for simulator in started:
        if simulator.process.poll() is None:
            assert simulator.stop() == 0


@pytest.fixture(scope="session")
def shared_simulator(start_simulator: Callable[..., Simulator]) -> Simulator:
    return start_simulator(refresh_tokens=["consent"])


@pytest.fixture
def simulator(shared_simulator: Simulator) -> Iterator[Simulator]:
    """The session's simulator, without faults before and after each test."""
    yield shared_simulator
    rates = shared_simulator.http.get("/_world/faults").json()
    shared_simulator.faults(**dict.fromkeys(rates, 0.0))
    shared_simulator.forget_token()
