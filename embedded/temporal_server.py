"""Temporal's server as a child process, with the settings a fleet needs on one machine.

Protects: a sped-up day's timers are on time, a vendor's queue keeps to its rate, and an `up` stack's workflows are
still there after a restart.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from embedded.children import Child, Launch
from embedded.errors import StackError
from embedded.serving import LOOPBACK, start_serving

NAMESPACE = "default"
READY_TIMEOUT_S = 30.0
STOP_GRACE_S = 5.0

ONE_PARTITION = {
    # With four partitions a queue held to 1 call a second starts after 5 s and runs at a quarter of its rate. The
    # development server takes no constraint by queue on its command line, so every queue gets one partition: what a
    # single machine can use anyway.
    "matching.numTaskqueueReadPartitions": "1",
    "matching.numTaskqueueWritePartitions": "1",
}
PROMPT_TIMERS = {
    # The default lets timers be up to a second late, which is minutes in a sped-up day.
    "history.timerProcessorMaxTimeShift": '"1ms"',
    "history.timerProcessorMaxPollRPS": "1000",
    "history.timerProcessorMaxPollHostRPS": "1000",
}
UPDATES_LIMIT = {
    # The server passes an update of more than 2 MB on, but a worker's answer, which repeats it, may not be so large:
    # the workflow would stop. All our updates together are kilobytes.
    "history.maxInFlightUpdatePayloads": "1500000",
}
TIME_SKIPPING = {"frontend.WorkflowTimeSkippingEnabled": "true"}


@dataclass(frozen=True, slots=True)
class TemporalServer:
    """A running Temporal server."""

    child: Child
    address: str
    namespace: str
    ui_url: str


def temporal_program() -> Path:
    """The `temporal` program that came with the environment. Raises StackError when it is missing."""
    program = Path(sys.executable).parent / "temporal"
    if not program.exists():
        raise StackError(f"the Temporal server is not installed beside {sys.executable}: run `make setup`")
    return program


def temporal_version() -> str:
    """What the program says of its version. Raises StackError when it does not run."""
    program = temporal_program()
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as reason:
        raise StackError(f"{program} does not run ({reason}): run `make setup` again") from reason
    return answer.stdout.strip()


async def start_temporal(
    folder: Path,
    *,
    ephemeral: bool,
    time_skipping: bool = False,
    dynamic_config: Mapping[str, str] | None = None,
    hold: int | None = None,
) -> TemporalServer:
    """Start the server for the stack in `folder` and wait until it is healthy.

    Ephemeral: all in memory, with prompt timers. Otherwise in a file of the folder. `dynamic_config` adds settings
    (values are JSON). Raises StackError when the server does not come up.
    """
    settings = (
        ONE_PARTITION | UPDATES_LIMIT | (PROMPT_TIMERS if ephemeral else {}) | (TIME_SKIPPING if time_skipping else {})
    )
    settings |= dynamic_config or {}
    database = None if ephemeral else _database_file(folder)
    child, (port, ui_port) = await start_serving(
        lambda ports: Launch(
            name="the Temporal server",
            argv=_command(ports[0], ports[1], settings, database),
            log=folder / "logs" / "temporal.log",
            env=_environment(),
            grace_s=0 if ephemeral else STOP_GRACE_S,  # in memory there is nothing to save, and it takes a second
            hold=hold,
        ),
        lambda ports: _healthy(f"{LOOPBACK}:{ports[0]}"),
        ports=2,
        timeout_s=READY_TIMEOUT_S,
    )
    return TemporalServer(child, f"{LOOPBACK}:{port}", NAMESPACE, f"http://{LOOPBACK}:{ui_port}")


def _command(port: int, ui_port: int, settings: Mapping[str, str], database: Path | None) -> tuple[str, ...]:
    command = [str(temporal_program()), "server", "start-dev", "--log-level", "warn"]
    # A person's own Temporal profiles must not leak into the stack.
    command += ["--disable-config-file", "--disable-config-env"]
    command += ["--ip", LOOPBACK, "--port", str(port), "--ui-port", str(ui_port), "--ui-disable-news-fetch"]
    for name, value in settings.items():
        command += ["--dynamic-config-value", f"{name}={value}"]
    if database is not None:
        # 2.4 times the throughput of the default journal.
        command += ["--db-filename", str(database)]
        command += ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"]
    return tuple(command)


def _database_file(folder: Path) -> Path:
    # In a directory of its own that only the owner enters: the server makes its files readable for all.
    home = folder / "temporal"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home / "temporal.db"


def _environment() -> dict[str, str]:
    kept = ("PATH", "HOME", "TMPDIR", "LANG")
    # No question to the outside whether there is a newer version.
    return {name: os.environ[name] for name in kept if name in os.environ} | {"TEMPORAL_VERSION_CHECK_DISABLED": "1"}


async def _healthy(address: str) -> bool:
    try:
        client = await Client.connect(address, namespace=NAMESPACE)
        if not await client.service_client.check_health():
            return False
        # The frontend is healthy a moment before the namespace can be used.
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=NAMESPACE))
    except (RPCError, RuntimeError):  # a refused connection surfaces as a bare RuntimeError
        return False
    return True
