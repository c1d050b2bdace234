"""The stack as a whole: up, down, side by side, and what a child's death means."""

import asyncio
import contextlib
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]  # it ships no types
import psutil
import pytest
from temporalio.client import Client

from domain.clock import SteeringClock
from embedded.children import Child
from embedded.errors import StackError
from embedded.folder_lock import owner_of
from embedded.stack import Stack, StackOptions
from embedded.stack_file import find_stack
from tests.embedded.conftest import alive, gone_within
from tests.patience import HANG_S

pytestmark = pytest.mark.servers

SIMULATOR = """
import json, sys, time
config = json.load(open(sys.argv[sys.argv.index("--config") + 1]))
open(config["ready_file"], "w").write(json.dumps({"url": "http://127.0.0.1:1", "speed": config["clock"]["speed"]}))
time.sleep(60)
"""
WORKER = """
import os, sys, time
print(sys.argv[1:], sorted(name for name in os.environ if name.startswith("TEMPORAL_")), flush=True)
print(os.environ["TEMPORAL_ADDRESS"], os.environ["MORE"], flush=True)
time.sleep(60)
"""
NOON = datetime(2026, 1, 14, 12, tzinfo=UTC)
CLOCK = SteeringClock(epoch=NOON, start_wall=NOON, speed=720)


def stand_in(folder: Path, code: str) -> tuple[str, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / f"stand_in_{abs(hash(code))}.py"
    script.write_text(code)
    return (sys.executable, "-I", "-S", str(script))


def ephemeral(folder: Path) -> Stack:
    return Stack(StackOptions(folder=folder, ephemeral=True))


async def a_worker(stack: Stack) -> Child:
    argv = stand_in(stack.folder, WORKER)
    worker = await stack.start_worker("oem:nibe", {"MORE": "more"}, argv=argv)

    async def has_spoken() -> bool:
        return worker.log_tail().endswith(" more")

    await worker.wait_ready(has_spoken, timeout_s=HANG_S)
    return worker


async def ask_database(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval("SELECT current_user || '@' || current_database()"))
    finally:
        await connection.close()


async def test_a_stack_serves_and_is_found_and_leaves_nothing_running(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    monkeypatch.setenv("TEMPORAL_API_KEY", "of a person's own account")
    async with ephemeral(folder) as stack:
        stack.set_clock(CLOCK)
        ready = await stack.start_simulator({"clock": CLOCK}, argv=stand_in(folder, SIMULATOR))
        assert ready == {"url": "http://127.0.0.1:1", "speed": 720}
        worker = await a_worker(stack)
        assert "['--role', 'oem:nibe']" in worker.log_tail()
        assert f"{stack.temporal.address} more" in worker.log_tail()
        assert "['TEMPORAL_ADDRESS', 'TEMPORAL_CONFIG_FILE', 'TEMPORAL_NAMESPACE']" in worker.log_tail()
        assert await ask_database(stack.environment()["DATABASE_URL"]) == "heatsteer@heatsteer"
        client = await Client.connect(stack.temporal.address, namespace=stack.temporal.namespace)
        assert await client.service_client.check_health()
        found = find_stack(folder)
        assert found is not None
        assert found.running
        assert found.file == stack.file()
        assert found.file.clock == CLOCK
        assert found.file.simulator_url == "http://127.0.0.1:1"
        # Other tests of this process may have children of their own.
        processes = [process.pid for process in psutil.Process().children(recursive=True) if process.pid not in before]
        recorded = [child.pid for child in found.file.children]
        assert len(recorded) == 4
        assert all(alive(pid) for pid in recorded)
    assert gone_within(processes, 5)
    assert find_stack(folder) is None
    assert owner_of(folder) is None
    assert not (folder / "postgres").exists()


async def test_no_command_line_carries_the_database_password(folder: Path) -> None:
    async with ephemeral(folder) as stack:
        password = stack.postgres.home.password
        lines = []
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):  # PostgreSQL's own come and go
                lines.append(" ".join(process.cmdline()))
        assert len(lines) > 4
        assert not any(password in line for line in lines)
        assert not any(password in log.read_text() for log in (folder / "logs").iterdir())
        with pytest.raises(asyncpg.InvalidPasswordError):
            await ask_database(stack.environment()["DATABASE_URL"].replace(password, "guess"))


async def test_two_stacks_run_side_by_side(folder: Path) -> None:
    async with ephemeral(folder / "one") as one, ephemeral(folder / "two") as two:
        assert one.temporal.address != two.temporal.address
        urls = {one.environment()["DATABASE_URL"], two.environment()["DATABASE_URL"]}
        assert len(urls) == 2
        for url in urls:
            assert await ask_database(url) == "heatsteer@heatsteer"


async def test_a_second_stack_on_one_folder_is_refused_and_does_not_disturb_the_first(folder: Path) -> None:
    async with ephemeral(folder) as stack:
        with pytest.raises(StackError, match=rf"a stack already runs in {folder} \(process {os.getpid()}\)"):
            async with ephemeral(folder):
                pass
        found = find_stack(folder)
        assert found is not None
        assert found.running
        assert await ask_database(stack.environment()["DATABASE_URL"])


async def test_a_folder_that_cannot_be_made_is_named() -> None:
    with pytest.raises(StackError, match=r"cannot use the folder /dev/null \(File exists\): choose another one"):
        async with ephemeral(Path("/dev/null")):
            pass


async def test_a_killed_worker_is_started_again_as_it_was(folder: Path) -> None:
    async with ephemeral(folder) as stack:
        worker = await a_worker(stack)
        worker.kill()
        fresh = await stack.restart(worker)
        assert fresh.pid != worker.pid
        assert stack.workers == (fresh,)
        assert not alive(worker.pid)
        await stack.guard(asyncio.sleep(0))  # a death that was asked for is no news

        async def work() -> None:
            raise LookupError("of its own")

        with pytest.raises(LookupError, match="of its own"):
            await stack.guard(work())


async def test_a_death_nobody_asked_for_ends_the_work_with_a_sentence(folder: Path) -> None:
    async with ephemeral(folder) as stack:
        worker = await a_worker(stack)
        asyncio.get_running_loop().call_later(0.1, os.kill, worker.pid, signal.SIGKILL)
        with pytest.raises(StackError, match=r"worker-1-oem-nibe ended by SIGKILL; see .*worker-1-oem-nibe\.log"):
            await stack.guard(asyncio.sleep(30))


async def test_work_that_fails_because_a_server_died_is_told_so(folder: Path) -> None:
    async with ephemeral(folder) as stack:

        async def work() -> None:
            os.kill(stack.postgres.child.pid, signal.SIGKILL)
            raise ConnectionResetError

        with pytest.raises(StackError, match="PostgreSQL ended by SIGKILL"):
            await stack.guard(work())


async def test_a_simulator_that_refuses_its_configuration_is_quoted(folder: Path) -> None:
    refusing = "import sys; sys.exit('tz: there is no time zone Atlantis')"
    async with ephemeral(folder) as stack:
        with pytest.raises(StackError, match="there is no time zone Atlantis"):
            await stack.start_simulator({"tz": "Atlantis"}, argv=stand_in(folder, refusing))


async def test_a_start_that_is_cancelled_or_fails_leaves_nothing(folder: Path) -> None:
    broken = StackOptions(folder=folder, ephemeral=True, dynamic_config={"history.x": "not json"})
    with pytest.raises(StackError, match="the Temporal server ended"):
        async with Stack(broken):
            pass
    for after_s in (0.05, 0.4):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(after_s), ephemeral(folder):
                await asyncio.sleep(30)
    assert find_stack(folder) is None
