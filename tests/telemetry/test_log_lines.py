"""Log lines of a worker: one shape whoever wrote them, with ids, and without a secret wherever it stood."""

import json
import subprocess
import sys
from typing import Any

import pytest
import structlog
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.pumps import ApplyCommand
from domain.clock import SteeringClock
from telemetry.log_lines import HIDDEN, hidden
from telemetry.temporal import TelemetryInterceptor
from tests.builders import MIDNIGHT
from tests.ledger.builders import a_command_of

WRITTEN = """
import asyncio, logging, httpx, structlog
from worker_environment import configure_logging

configure_logging("DEBUG")
log = structlog.get_logger("ours")
structlog.contextvars.bind_contextvars(pump_id="p-0001", command_id="p-0001-c00001")
headers = {"Authorization": "Bearer tok-3"}
log.info("ours", access_token="tok-1", asked="https://cloud.invalid/v2/units?key=tok-2", headers=headers)
attempt = {"workflow_id": "pump-p-0001", "activity_type": "apply_command", "attempt": 2}
logging.getLogger("temporalio.activity").warning("theirs", extra={"temporal_activity": attempt})
try:
    raise ValueError("postgresql://heatsteer:tok-4@db/ledger refused refresh_token=tok-5")
except ValueError:
    log.exception("broken")

async def call():
    transport = httpx.MockTransport(lambda _: httpx.Response(200, headers={"Set-Cookie": "tok-6"}))
    async with httpx.AsyncClient(transport=transport) as http:
        await http.get("https://cloud.invalid/x?code=tok-7", headers={"Authorization": "Bearer tok-8"})
        logging.getLogger("httpx").warning("HTTP Request: GET https://cloud.invalid/x?code=tok-9, Bearer tok-10-abc")

asyncio.run(call())
"""


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    """What a process of ours wrote on stderr at its most talkative."""
    done = subprocess.run([sys.executable, "-c", WRITTEN], capture_output=True, text=True, timeout=600, check=True)
    assert "tok-" not in done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_every_line_has_the_same_shape_and_the_ids_of_what_it_is_about(lines: list[dict[str, Any]]) -> None:
    ours = [line for line in lines if line["event"] in ("ours", "theirs", "broken") or "HTTP Request" in line["event"]]
    assert len(ours) == 4
    for line in ours:
        assert {"event", "level", "timestamp", "pump_id", "command_id"} <= set(line)


def test_the_temporal_sdks_ids_are_fields(lines: list[dict[str, Any]]) -> None:
    (theirs,) = [line for line in lines if line["event"] == "theirs"]
    assert (theirs["workflow_id"], theirs["activity"], theirs["attempt"]) == ("pump-p-0001", "apply_command", 2)


def test_a_traceback_is_there_without_its_secrets(lines: list[dict[str, Any]]) -> None:
    (broken,) = [line for line in lines if line["event"] == "broken"]
    assert "ValueError" in broken["exception"]
    assert f"://{HIDDEN}@db/ledger" in broken["exception"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("command_id", "p-0001-c00001"),
        ("took_s", 0.2),
        ("event", "the token of an account was refused"),
        ("reason", "no code: 12 of 14"),
    ],
)
def test_what_is_no_secret_stays(name: str, value: object) -> None:
    assert hidden(name, value) == value


class Innermost(ActivityInboundInterceptor):
    """The activity itself, which notes the ids that its log lines would carry."""

    def __init__(self) -> None:
        self.ids: dict[str, Any] = {}

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 -- the SDK's name
        self.ids = structlog.contextvars.get_contextvars()


async def test_lines_of_an_activity_carry_its_command_pump_and_plan_and_later_lines_do_not() -> None:
    command, innermost = a_command_of(), Innermost()
    clock = SteeringClock(epoch=MIDNIGHT, start_wall=MIDNIGHT, speed=1.0)
    argument = ApplyCommand(clock=clock, command=command)
    given = ExecuteActivityInput(fn=print, args=[argument], executor=None, headers={})
    outermost = TelemetryInterceptor(lambda _: None).intercept_activity(innermost)
    await ActivityEnvironment().run(outermost.execute_activity, given)
    ids = (innermost.ids["command_id"], innermost.ids["pump_id"], innermost.ids["revision"])
    assert ids == (command.command_id, command.pump_id, command.revision)
    assert "command_id" not in structlog.contextvars.get_contextvars()
