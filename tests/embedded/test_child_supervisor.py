"""The supervisor: what it does to its child when its own stdin ends or it is told to stop."""

import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded import child_supervisor
from tests.embedded.conftest import gone_within
from tests.patience import HANG_S

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
)
PATIENT = "import time; print('here', flush=True); time.sleep(60)"


@contextmanager
def supervised(*arguments: str, pass_fds: tuple[int, ...] = ()) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A running supervisor and the id of its child."""
    command = [sys.executable, "-I", "-S", child_supervisor.__file__, *arguments]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True, pass_fds=pass_fds) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline() or 0)


def python(code: str) -> tuple[str, ...]:
    return ("--", sys.executable, "-I", "-S", "-c", code)


def await_word(process: subprocess.Popen[str], word: str) -> None:
    assert process.stderr is not None
    assert process.stderr.readline().strip() == word


def test_the_end_of_stdin_stops_the_child() -> None:
    with supervised(*python(PATIENT)) as (process, child):
        await_word(process, "here")
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(HANG_S) == 128 + signal.SIGTERM
        assert gone_within([child], 5)


def test_a_stop_signal_to_the_leash_stops_the_child_with_the_signal_it_wants() -> None:
    with supervised("--stop-signal", "INT", *python(PATIENT)) as (process, child):
        await_word(process, "here")
        process.send_signal(signal.SIGTERM)
        process.wait(HANG_S)
        assert gone_within([child], 5)
        assert process.stderr is not None
        assert "KeyboardInterrupt" in process.stderr.read()


def test_a_child_deaf_to_its_stop_signal_is_killed_after_the_grace() -> None:
    with supervised("--grace", "0.3", *python(STUBBORN)) as (process, child):
        await_word(process, "deaf")
        told = time.monotonic()
        process.terminate()
        assert process.wait(HANG_S) == 128 + signal.SIGKILL
        assert time.monotonic() - told >= 0.3
        assert gone_within([child], 5)


def test_the_exit_code_is_the_childs() -> None:
    with supervised(*python("raise SystemExit(7)")) as (process, _):
        assert process.wait(HANG_S) == 7


def test_a_program_that_is_not_there_is_named() -> None:
    with supervised("--", "/nowhere/at-all") as (process, child):
        assert process.wait(HANG_S) == child_supervisor.EXIT_NOT_STARTED
        assert child == 0
        assert process.stderr is not None
        assert process.stderr.read() == "cannot start /nowhere/at-all: No such file or directory\n"


def test_wrong_usage_says_so() -> None:
    for arguments in (("true",), ("--",), ("--stop-signal", "FIRE", "--", "true"), ("--speed", "2", "--", "true")):
        with supervised(*arguments) as (process, _):
            assert process.wait(HANG_S) == child_supervisor.EXIT_USAGE


def test_what_the_child_started_ends_with_it() -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid, flush=True)"
    with supervised(*python(code)) as (process, _):
        assert process.stderr is not None
        grandchild = int(process.stderr.readline())
        assert process.wait(HANG_S) == 0
        assert gone_within([grandchild], 5)


def test_the_child_can_be_interrupted_even_where_interrupts_were_ignored() -> None:
    script = f"trap '' INT; exec {sys.executable} -I -S {child_supervisor.__file__} --stop-signal INT -- sleep 60"
    with subprocess.Popen(["sh", "-c", script], stdin=-1, stdout=-1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.stdin.close()
        assert process.wait(HANG_S) == 128 + signal.SIGINT
        assert gone_within([child], 5)


def test_starting_the_supervisor_costs_next_to_nothing() -> None:
    def processor_s() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = processor_s()
    subprocess.run(
        [sys.executable, "-I", "-S", child_supervisor.__file__, "--", "true"], stdin=-1, stdout=-1, check=False
    )
    assert processor_s() - before < 0.5  # about 30 ms of processor time, whatever else the machine does


def test_the_lock_it_holds_is_not_taken_along_by_the_child(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as held:
        lock = held.fileno()
        look = python(f"import os; os.fstat({lock})")
        with supervised("--hold", str(lock), *look, pass_fds=(lock,)) as (process, _):
            assert process.wait(HANG_S) == 1
            assert process.stderr is not None
            assert "Bad file descriptor" in process.stderr.read()
