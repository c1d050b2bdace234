"""Runs `heatsteer` commands as a person does, each in a process of its own, without the price of starting Python anew.

Protects: a command sees its own arguments, environment and standard streams, and nothing of the test's process: it is
forked from a server that has imported the command line and done nothing else.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["console.cli.main"])


def heatsteer(
    *words: str, environment: Mapping[str, str], given: str = "", timeout_s: float = 400
) -> subprocess.CompletedProcess[str]:
    """One command, with what is typed into it; raises TimeoutExpired where it does not end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").write_text(given)
        process = _SERVER.Process(target=_command, args=(words, dict(environment), folder))
        process.start()
        process.join(timeout_s)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(words, timeout_s)
        out, err = ((folder / stream).read_text() for stream in ("out", "err"))
        return subprocess.CompletedProcess(words, process.exitcode, out, err)


def _command(words: tuple[str, ...], environment: dict[str, str], folder: Path) -> None:
    from console.cli.main import main

    os.environ.clear()
    os.environ.update(environment)
    for number, stream in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / stream, os.O_WRONLY | os.O_CREAT), number)
    sys.stdin = (folder / "in").open()
    sys.argv = ["heatsteer", *words]
    main()
