"""Whatever ends the process that holds a stack, the stack ends with it and its folder can be used again."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]  # it ships no types
import psutil
import pytest

from embedded.stack import Stack, StackOptions
from embedded.stack_file import find_stack
from tests.embedded.conftest import gone_within

pytestmark = pytest.mark.servers

ENDS_WITHIN_S = 40.0
"""An orderly end takes two or three seconds, and many times that where everything else runs beside it."""

PARENT = """
import asyncio, json, signal, sys
from pathlib import Path
import asyncpg, psutil
from embedded.stack import Stack, StackOptions

async def main():
    async with Stack(StackOptions(folder=Path(sys.argv[1]), ephemeral=False)) as stack:
        deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
        await stack.start_worker("all", {}, argv=(sys.executable, "-I", "-S", "-c", deaf))
        connection = await asyncpg.connect(stack.environment()["DATABASE_URL"])
        await connection.execute("CREATE TABLE kept (word text)")
        await connection.execute("INSERT INTO kept VALUES ('still here')")
        print(json.dumps([child.pid for child in psutil.Process().children(recursive=True)]), flush=True)
        await asyncio.sleep(60)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job has it ignored, and hands that on
import embedded.stack
embedded.stack.WORKER_GRACE_S = 1.0
asyncio.run(main())
"""


def a_parent(folder: Path) -> tuple["subprocess.Popen[str]", list[int]]:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(folder)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        return parent, json.loads(parent.stdout.readline())


async def what_was_kept(folder: Path) -> str:
    async with Stack(StackOptions(folder=folder, ephemeral=False)) as stack:
        connection = await asyncpg.connect(stack.environment()["DATABASE_URL"])
        try:
            return str(await connection.fetchval("SELECT word FROM kept"))
        finally:
            await connection.close()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda end: end.name)
async def test_nothing_survives_the_parent_and_the_folder_starts_again(folder: Path, end: signal.Signals) -> None:
    parent, pids = a_parent(folder)
    assert len(pids) > 8  # three supervisors, Temporal, PostgreSQL with its helpers, the worker
    parent.send_signal(end)
    parent.wait(ENDS_WITHIN_S)
    # No waiting here: the next start itself waits until the last of them is gone.
    if end is not signal.SIGINT:
        stale = find_stack(folder)
        assert stale is not None
        assert not stale.running
    assert await what_was_kept(folder) == "still here"
    assert gone_within(pids, 5)


async def test_even_killing_every_leash_with_the_parent_leaves_no_stray_after_the_next_start(folder: Path) -> None:
    parent, pids = a_parent(folder)
    found = find_stack(folder)
    assert found is not None
    supervisors = [psutil.Process(child.pid).ppid() for child in found.file.children]
    parent.kill()
    for supervisor in supervisors:
        os.kill(supervisor, signal.SIGKILL)
    parent.wait(ENDS_WITHIN_S)
    assert await what_was_kept(folder) == "still here"
    assert gone_within(pids, 5)
