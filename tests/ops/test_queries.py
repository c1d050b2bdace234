"""The ready queries of ops/operators.md, asked of a real Temporal server."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from application.namespace import register_search_attributes
from domain.commands.command import Authority
from domain.steering.decide import READ_ONLY_RETRY
from embedded.temporal_server import start_temporal
from workflows.contracts import PUMP_ALERT, PUMP_AUTHORITY, PUMP_OEM
from workflows.operator_view import Alert

pytestmark = pytest.mark.servers

PAGE = Path(__file__).parents[2] / "ops" / "operators.md"
PUMP, PLANNING = "HeatPumpWorkflow", "FleetPlanning"


@dataclass(frozen=True)
class Entry:
    """A workflow as the list knows it."""

    kind: str = PUMP
    oem: str = "VENDOR"
    authority: str = "plan"
    alert: str = "none"
    running: bool = True

    @property
    def workflow_id(self) -> str:
        state = "running" if self.running else "ended"
        return f"{self.kind}-{self.oem}-{self.authority}-{self.alert}-{state}"


NAMES = {Alert.DEAD_LETTER: "dead letters", Alert.OFFLINE: "offline over an hour", Alert.READ_ONLY: "read only"}
"""Of queries that are not called as the alert is."""
ALERTS = tuple(alert for alert in Alert if alert is not Alert.NONE)
FLEET = (
    Entry(),
    *(Entry(alert=alert) for alert in ALERTS),
    *(Entry(authority=authority) for authority in Authority if authority is not Authority.PLAN),
    Entry(oem="another"),
    Entry(oem="another", alert="offline"),
    Entry(alert="offline", running=False),
    Entry(authority="override", alert="drifting", running=False),
    Entry(kind=PLANNING),
    Entry(kind=PLANNING, running=False),
)

MEANT: dict[str, Callable[[Entry], bool]] = {
    "all steered pumps": lambda one: one.kind == PUMP and one.running,
    "needs a person": lambda one: one.kind == PUMP and one.running and one.alert != "none",
    **{
        NAMES.get(alert, alert.value): lambda one, alert=alert: one.running and one.alert == alert  # type: ignore[misc]
        for alert in ALERTS
    },
    "one vendor": lambda one: one.kind == PUMP and one.running and one.oem == "VENDOR",
    "one vendor in trouble": lambda one: (
        one.running and one.oem == "VENDOR" and one.alert in ("offline", "unreached", "dead-letter")
    ),
    "under override": lambda one: one.running and one.authority in ("override", "vacation"),
    "steered by somebody else": lambda one: (
        one.running and one.authority in ("outside", "competing", "limited", "service")
    ),
    "ended by hand": lambda one: one.kind == PUMP and not one.running,
    "planning that failed": lambda one: one.kind == PLANNING and not one.running,
}


def queries() -> dict[str, str]:
    """{what: List Filter} as the page says it."""
    section = PAGE.read_text().split("## Ready queries")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| ([a-z ]+) \| `([^`]+)` \|$", section, re.MULTILINE))


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Client]:
    """A server that lists the whole fleet; nobody works on it."""
    server = await start_temporal(tmp_path, ephemeral=True)
    try:
        client = await Client.connect(server.address, namespace=server.namespace)
        await register_search_attributes(client)
        await asyncio.gather(*(_enter(client, one) for one in FLEET))
        ended = sum(not one.running for one in FLEET)
        await _until_listed(client, "", len(FLEET))
        await _until_listed(client, 'ExecutionStatus="Terminated"', ended)
        yield client
    finally:
        await server.child.stop()


async def _enter(client: Client, one: Entry) -> None:
    attributes = (
        []
        if one.kind != PUMP
        else [
            SearchAttributePair(PUMP_OEM, one.oem),
            SearchAttributePair(PUMP_AUTHORITY, one.authority),
            SearchAttributePair(PUMP_ALERT, one.alert),
        ]
    )
    handle = await client.start_workflow(
        one.kind, id=one.workflow_id, task_queue="nobody", search_attributes=TypedSearchAttributes(attributes)
    )
    if not one.running:
        await handle.terminate()


async def _until_listed(client: Client, query: str, wanted: int) -> None:
    """Lists follow what happened with a little delay."""
    for _ in range(1800):
        if (await client.count_workflows(query)).count == wanted:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{query!r} never counted {wanted}")


async def test_each_ready_query_finds_what_it_says_and_nothing_else(fleet: Client) -> None:
    written = queries()
    assert written.keys() == MEANT.keys()
    for name, query in written.items():
        found = {one.id async for one in fleet.list_workflows(query)}
        meant = {one.workflow_id for one in FLEET if MEANT[name](one)}
        assert meant, f"{name}: the fleet of this test has none"
        assert found == meant, name


def test_every_authority_and_alert_is_explained_and_no_other() -> None:
    explained = set(re.findall(r"^\| `([a-z-]+)` \|", PAGE.read_text(), re.MULTILINE))
    assert explained == {one.value for one in (*Authority, *Alert)}


def test_the_page_says_how_often_a_read_only_unit_is_tried_and_where_a_cold_snap_is_read() -> None:
    page = " ".join(PAGE.read_text().split())
    hours = READ_ONLY_RETRY // timedelta(hours=1)
    assert f"remote control off | tried again every {hours} hours" in page
    assert "`cold snap: N pumps at neutral or above`" in page
