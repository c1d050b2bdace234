"""The way of a utility: a stack for real clouds, an account, a sheet, shadow mode, cut-over, a plan, and out again.

Everything is done by commands, as a person does it; the vendor's cloud is the simulator in a process of its own, which
the stack knows by an address in its settings only.
"""

import asyncio
import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from console.access import environment_of
from demo.files import read_jsonl
from domain.clock import SteeringClock
from domain.homes.enrolment import Enrolment
from domain.modes import Mode
from oem_adapters.registry import build_adapter
from tests.commands import heatsteer
from tests.oem_adapters.vault import VaultInMemory
from tests.patience import Patience
from tests.simulator.builders import DAY, EPOCH
from tests.simulator.conftest import Simulator

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="module")]

SPEED = 120.0
ROWS = int(os.environ.get("HEATSTEER_UTILITY_ROWS", "30"))
"""Of the sheet. 200 take some minutes."""
BAD = 7
SECRET = "s3cret"
BY = ("--who", "onboarding", "--why", "a new utility")


@dataclass
class Utility:
    """A stack without a simulator, and the world of somebody else that it is for."""

    folder: Path
    sim: Simulator
    clock: SteeringClock
    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    async def run(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        command = (*words, "--dir", str(self.folder))
        return await asyncio.to_thread(lambda: heatsteer(*command, environment=self.environment, given=given))

    async def document(self, *words: str, given: str = "") -> Any:
        """What a command that is done gives with --json."""
        done = await self.run(*words, "--json", given=given)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return json.loads(done.stdout)

    async def refusal(self, code: int, *words: str) -> str:
        done = await self.run(*words)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def now(self) -> datetime:
        return self.clock.steered(datetime.now(UTC))

    async def until(self, holds: Callable[[], Any], within: timedelta = timedelta(hours=3)) -> Any:
        patience = Patience(within.total_seconds() / SPEED)
        while not patience.is_over:
            if answer := holds():
                return answer
            await asyncio.sleep(0.1)
        raise AssertionError(f"not within {within} of steered time")

    def truth(self, pump: str, kind: str) -> list[dict[str, Any]]:
        """What really happened to a pump's heating; pumps are known by the simulator's own ids there."""
        lines = read_jsonl(self.sim.folder / "truth.jsonl")
        return [e for e in lines if e["kind"] == kind and e["pump"] == pump and e["circuit"] == "heating"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def utility(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Utility]:
    folder = tmp_path_factory.mktemp("utility")
    clock = SteeringClock(epoch=EPOCH, start_wall=datetime.now(UTC) + timedelta(seconds=20), speed=SPEED)
    sim = Simulator(folder / "world", clock=clock.model_dump(mode="json"), pumps=ROWS, client_secret=SECRET)
    stack = folder / "stack"
    stack.mkdir()
    (stack / "clock.json").write_text(clock.model_dump_json())  # a sped-up world: on the wall's time it takes hours
    leads = ("DATABASE_URL", "TEMPORAL_", "HEATSTEER_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(leads)} | {
        "HEATSTEER_OEM_URLS": json.dumps({"nibe": sim.url}),
        "HEATSTEER_PRICE_URL": sim.url,
        "HEATSTEER_WEATHER_URL": sim.url,
        "HEATSTEER_HTTP_TIMEOUT_S": "1.5",
        "HEATSTEER_STICKY_S": "1",
    }
    argv = [sys.executable, "-m", "console.cli.main", "up", "--no-simulator", "--dir", str(stack)]
    log = (folder / "up.log").open("wb")
    process = await asyncio.to_thread(subprocess.Popen, argv, env=environment, stdout=log, stderr=log)
    try:
        running = Utility(stack, sim, clock, environment, process)
        patience = Patience(60)
        while b"accounts connect" not in (folder / "up.log").read_bytes():
            assert process.poll() is None, (folder / "up.log").read_text()
            assert not patience.is_over, (folder / "up.log").read_text()
            await asyncio.sleep(0.1)
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        log.close()
        sim.stop()
    assert not (stack / "stack.json").exists()


def filled_in(sheet: str, installers: list[dict[str, Any]]) -> str:
    """The sheet with what installers know of each home; in the last rows somebody was careless."""
    known = {row["vendor_ref"]: row for row in installers}
    reader = csv.DictReader(io.StringIO(sheet))
    out = io.StringIO()
    writer = csv.DictWriter(out, list(reader.fieldnames or ()))
    writer.writeheader()
    careless = [
        {"heated_area_m2": "large"},
        {"price_area": "XX"},
        {"weather_cell": "13.4,52.5"},
        {"building_class": ""},
        {"account_id": "somebody-else"},
        {"tariff": "free"},
        {"emitter": "stove"},
    ]
    rows = list(reader)
    for number, row in enumerate(rows):
        home = known[row["vendor_ref"]]
        row.update({name: str(home[name]) for name in row if name in home and name not in ("pump_id", "account_id")})
        if number >= len(rows) - BAD:
            row.update(careless[number - len(rows) + BAD])
        writer.writerow(row)
    return out.getvalue()


async def test_a_utility_comes_onto_the_system(utility: Utility, tmp_path: Path) -> None:
    installers = utility.sim.pumps()
    by_ref = {row["vendor_ref"]: row["pump_id"] for row in installers}

    # An account; its secret is given on standard input and never shown again.
    connect = ("accounts", "connect", "nibe", "--client-id", "tester", *BY)
    assert "no NIBE myUplink client secret was given" in await utility.refusal(2, *connect)
    found = await utility.document(*connect, given=f"{SECRET}\n")
    assert (found["account"], found["units"]) == ("nibe-main", ROWS)
    assert "is connected already" in await utility.refusal(2, *connect)
    assert "there is no adapter for" in (await utility.refusal(2, "accounts", "connect", "steam", *BY)).lower()
    (listed,) = await utility.document("accounts", "list")
    assert (listed["pumps"], listed["has_token"]) == (0, True)
    for file in utility.folder.parent.rglob("*.log"):
        assert SECRET not in file.read_text(errors="replace")

    # A sheet; with bad rows nothing is enrolled, and every bad cell is named.
    sheet = tmp_path / "homes.csv"
    discovered = await utility.document("accounts", "discover", "nibe-main", "--out", str(sheet))
    assert len(discovered["units"]) == ROWS
    assert "exists already" in await utility.refusal(2, "accounts", "discover", "nibe-main", "--out", str(sheet))
    sheet.write_text(filled_in(sheet.read_text(), installers))
    said = await utility.refusal(2, "enrol", str(sheet), *BY)
    for line, column in enumerate(
        ("heated_area_m2", "price_area", "weather_cell", "building_class", "account_id", "tariff", "emitter"),
        ROWS - BAD + 2,
    ):
        assert f"line {line}, {column}: " in said
    assert await utility.document("pumps", "list") == []
    dry = await utility.document("enrol", str(sheet), "--skip-faulty", "--dry-run", *BY)
    assert (len(dry["enrolled"]), dry["dry_run"]) == (ROWS - BAD, True)
    assert await utility.document("pumps", "list") == []

    # Enrolled in shadow mode, twice; the old system goes on steering, and we only look.
    done = await utility.document("enrol", str(sheet), "--skip-faulty", "--shadow", *BY)
    assert (len(done["enrolled"]), len(done["faults"]), done["refusals"]) == (ROWS - BAD, BAD, [])
    again = await utility.document("enrol", str(sheet), "--skip-faulty", "--shadow", *BY)
    assert (again["enrolled"], len(again["already"])) == ([], ROWS - BAD)
    refs = {row["pump_id"]: row["vendor_ref"] for row in csv.DictReader(io.StringIO(sheet.read_text()))}
    first, second = done["enrolled"][:2]
    log = await old_system(utility, first, refs[first], by_ref[refs[first]], tmp_path)
    assert (await utility.document("shadow", "import", str(log), *BY))["new"] == 1
    assert "in shadow mode" in await utility.refusal(2, "pumps", "override", first, "MAX", "--for", "2h", *BY)

    async def seen() -> bool:
        (figures,) = await utility.document("shadow", "report")
        return bool(figures["applied"] == 1)

    patience = Patience(60)
    while not await seen():
        assert not patience.is_over
    writes = len(utility.truth(by_ref[refs[first]], "request"))
    shown = await utility.document("pumps", "show", first)
    assert (shown["authority"], shown["alert"]) == ("competing", "held")

    # Cut over, tested, planned.
    assert len(utility.truth(by_ref[refs[first]], "request")) == writes, "we wrote nothing in shadow mode"
    await utility.document("pumps", "cut-over", first, *BY)
    await utility.document("pumps", "cut-over", second, *BY)
    patience = Patience(60)
    while (await utility.document("pumps", "show", second))["alert"] == "held":
        assert not patience.is_over
    tested = await utility.document("pumps", "test", second, "--wait", "3h", *BY)
    assert (tested["steerable"], tested["reverted_after_s"] is not None) == (True, True)
    planned = await utility.document("plan", "run", "--area", "DE-LU", "--date", DAY.isoformat(), *BY)
    assert "revision" in json.dumps(planned)

    # And out again: everything of ours is reverted, and the other system may go on.
    handed = await utility.document("pumps", "hand-back", second, "--wait", "4h", *BY)
    assert handed["authority"] == "competing"
    assert "in shadow mode already" in await utility.refusal(2, "pumps", "hand-back", second, *BY)
    left = await utility.document("pumps", "opt-out", first, *BY)
    assert left["authority"] == "opted-out"
    baseline = left["state"]["heating"]["lever"]["baseline"]
    await utility.until(lambda: utility.truth(by_ref[refs[first]], "state")[-1]["value"] == baseline)
    (account,) = await utility.document("accounts", "quota")
    assert account["pumps"] == ROWS - BAD
    assert sum(spent["today"] for spent in account["quotas"]) > ROWS
    assert "steered pumps are reached" in await utility.refusal(2, "accounts", "disconnect", "nibe-main", *BY)


async def old_system(utility: Utility, pump: str, ref: str, sim_pump: str, folder: Path) -> Path:
    """The old system raises a pump, believes the 200, and writes it down."""
    environment_of(utility.folder)  # a stack runs
    enrolment = Enrolment.model_validate(next(row for row in utility.sim.pumps() if row["pump_id"] == sim_pump))
    async with httpx.AsyncClient() as http:
        adapter = build_adapter("nibe", http, VaultInMemory(utility.sim.url, "tester", SECRET))
        lever = (await adapter.capability(enrolment.address, utility.now())).heating
        at = utility.now()
        await adapter.write(enrolment.address, lever.name, lever.setting_for(Mode.MAX), at)
    file = folder / "old-system.csv"
    file.write_text(f"time,pump,mode,http_status\n{at.isoformat()},{pump},MAX,200\n")
    return file
