"""Children: readiness, early death, killing, and a log that speaks of this run only."""

import os
import signal
import sys
from pathlib import Path

import pytest

from embedded.children import LOG_KEEP_BYTES, Child, Launch, end_stray
from embedded.errors import StackError
from tests.embedded.conftest import alive, gone_within
from tests.patience import HANG_S


def launch(folder: Path, code: str, grace_s: float = 5) -> Launch:
    argv = (sys.executable, "-I", "-S", "-c", code)
    return Launch(name="the stand-in", argv=argv, log=folder / "logs" / "stand-in.log", grace_s=grace_s)


SLEEP = "import time; print('up', flush=True); time.sleep(60)"


async def never() -> bool:
    return False


async def test_a_child_is_ready_when_its_probe_says_so(tmp_path: Path) -> None:
    child = await Child.start(launch(tmp_path, SLEEP))

    async def has_spoken() -> bool:
        return child.log_tail() == "up"

    await child.wait_ready(has_spoken, timeout_s=HANG_S)
    assert child.running
    assert await child.stop() == 128 + signal.SIGTERM
    assert not alive(child.pid)


async def test_an_early_death_is_one_sentence_with_the_last_log_lines(tmp_path: Path) -> None:
    child = await Child.start(launch(tmp_path, "print('no space for my data'); raise SystemExit(3)"))
    with pytest.raises(StackError) as death:
        await child.wait_ready(never, timeout_s=HANG_S)
    log = tmp_path / "logs" / "stand-in.log"
    assert str(death.value) == f"the stand-in ended with exit code 3; see {log}, which ends: no space for my data"


async def test_a_child_that_does_not_get_ready_is_reported_in_time(tmp_path: Path) -> None:
    child = await Child.start(launch(tmp_path, SLEEP))
    with pytest.raises(StackError, match=r"the stand-in was not ready within 0\.2 s"):
        await child.wait_ready(never, timeout_s=0.2)
    await child.stop()


async def test_an_error_of_the_probe_is_not_swallowed(tmp_path: Path) -> None:
    async def wrong_password() -> bool:
        raise StackError("wrong password")

    child = await Child.start(launch(tmp_path, SLEEP))
    with pytest.raises(StackError, match="wrong password"):
        await child.wait_ready(wrong_password, timeout_s=HANG_S)
    await child.stop()


async def test_a_program_that_cannot_be_executed_is_named(tmp_path: Path) -> None:
    child = await Child.start(Launch("the stand-in", ("/nowhere/at-all",), tmp_path / "log"))
    with pytest.raises(StackError, match="cannot start /nowhere/at-all: No such file or directory"):
        await child.wait_ready(never, timeout_s=HANG_S)
    child.kill()  # there is nobody to kill, and that is no error


async def test_killing_spares_no_time_for_a_farewell(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    child = await Child.start(launch(tmp_path, deaf, grace_s=60))
    child.kill()
    assert await child.wait() == 128 + signal.SIGKILL
    assert child.asked_to_end
    assert "by SIGKILL" in child.obituary()
    await child.stop()


async def test_a_child_whose_leash_was_killed_does_not_live_on(tmp_path: Path) -> None:
    child = await Child.start(launch(tmp_path, SLEEP))
    os.kill(child.leash_pid, signal.SIGKILL)
    assert await child.wait() == 128 + signal.SIGKILL
    assert gone_within([child.pid], 2)
    assert not child.asked_to_end


async def test_the_last_words_are_of_this_run(tmp_path: Path) -> None:
    for word in ("first", "second"):
        child = await Child.start(launch(tmp_path, f"print({word!r})"))
        await child.wait()
        assert child.log_tail() == word


async def test_a_log_is_private_and_does_not_grow_for_ever(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "stand-in.log"
    log.parent.mkdir()
    log.write_bytes(b"x" * (LOG_KEEP_BYTES + 1))
    child = await Child.start(launch(tmp_path, "print('fresh')"))
    await child.wait()
    assert log.read_text() == "fresh\n"
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.with_name("stand-in.log.1").stat().st_size > LOG_KEEP_BYTES


async def test_a_recycled_process_id_is_left_alone(tmp_path: Path) -> None:
    child = await Child.start(launch(tmp_path, SLEEP))
    assert not end_stray(child.pid, child.born - 100)
    assert alive(child.pid)
    assert end_stray(child.pid, child.born)
    assert gone_within([child.pid], 2)
    await child.wait()


def test_a_launch_does_not_show_its_environment() -> None:
    shown = repr(Launch("x", ("true",), Path("log"), env={"DATABASE_URL": "postgresql://me:geheim@host/db"}))
    assert "geheim" not in shown
