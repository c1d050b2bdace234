"""Starting a server: other ports when somebody else took ours, and no second attempt when it would not help."""

import asyncio
import sys
from pathlib import Path

import pytest

from embedded.children import Launch
from embedded.errors import StackError
from embedded.serving import ATTEMPTS, LOOPBACK, Ports, free_ports, start_serving
from tests.patience import HANG_S

SERVE = """
import os, socket, sys, time
port, refusals, sentence = int(sys.argv[1]), sys.argv[2], sys.argv[3]
if os.path.exists(refusals) and open(refusals).read():
    left = open(refusals).read()
    open(refusals, "w").write(left[1:])
    sys.exit(sentence)
listener = socket.create_server(("127.0.0.1", port))
time.sleep(60)
"""


def test_free_ports_are_different_ones() -> None:
    assert len(set(free_ports(20))) == 20


async def serve(folder: Path, refusals: int, sentence: str) -> tuple[list[Ports], Ports]:
    """All ports that were tried, and those it came up on."""
    (folder / "refusals").write_text("x" * refusals)
    tried: list[Ports] = []

    def launch(ports: Ports) -> Launch:
        tried.append(ports)
        argv = (sys.executable, "-I", "-S", "-c", SERVE, str(ports[0]), str(folder / "refusals"), sentence)
        return Launch("the stand-in", argv, folder / "stand-in.log")

    async def listens(ports: Ports) -> bool:
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, ports[0])
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    child, ports = await start_serving(launch, listens, ports=1, timeout_s=HANG_S)
    await child.stop()
    return tried, ports


async def test_a_port_taken_by_somebody_else_leads_to_another_one(tmp_path: Path) -> None:
    tried, ports = await serve(tmp_path, refusals=1, sentence="bind: Address already in use")
    assert len(tried) == 2
    assert tried[-1] == ports != tried[0]


async def test_a_server_that_finds_every_port_taken_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="Address already in use"):
        await serve(tmp_path, refusals=ATTEMPTS, sentence="bind: Address already in use")


async def test_a_server_that_refuses_for_a_reason_is_not_asked_twice(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="no such setting"):
        await serve(tmp_path, refusals=1, sentence="no such setting")
    assert (tmp_path / "refusals").read_text() == ""
