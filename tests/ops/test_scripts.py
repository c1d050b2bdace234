"""The jobs that docker-compose.yml runs once, without containers."""

import asyncio
import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from embedded.temporal_server import start_temporal, temporal_program
from ops.worker_health import asked_at
from workflows.contracts import PUMPS_QUEUE
from workflows.heat_pump import HeatPumpWorkflow

OPS = Path(__file__).parents[2] / "ops"


def run_job(script: str, path: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script with a program path of its own."""
    found = {"PATH": f"{path}{os.pathsep}/usr/bin{os.pathsep}/bin", "HOME": "/nonexistent", **environment}
    return subprocess.run(
        ["/bin/sh", OPS / "temporal" / script], env=found, capture_output=True, text=True, timeout=100
    )


@pytest.mark.servers
async def test_the_namespace_is_made_once_and_kept_as_it_is(tmp_path: Path) -> None:
    server = await start_temporal(tmp_path, ephemeral=True)
    try:
        given = {"TEMPORAL_ADDRESS": server.address, "TEMPORAL_NAMESPACE": "fleet-a", "HEATSTEER_RETENTION": "14d"}
        first = run_job("namespace.sh", temporal_program().parent, given)
        assert first.returncode == 0, first.stderr
        again = run_job("namespace.sh", temporal_program().parent, given | {"HEATSTEER_RETENTION": "2d"})
        assert again.returncode == 0, again.stderr
        assert "is there" in again.stdout
        client = await Client.connect(server.address)
        described = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="fleet-a"))
        assert described.config.workflow_execution_retention_ttl.seconds == 14 * 24 * 3600
    finally:
        await server.child.stop()


def a_schema_tool(folder: Path, exit_code: int = 0) -> Path:
    """A stand-in that writes down how it was called; the real one comes with an image only."""
    tool = folder / "temporal-sql-tool"
    tool.write_text(f'#!/bin/sh\necho "$@" >> {folder}/calls\nexit {exit_code}\n')
    tool.chmod(0o755)
    return folder / "calls"


def test_both_databases_are_set_up_and_then_updated(tmp_path: Path) -> None:
    calls = a_schema_tool(tmp_path)
    assert run_job("schema.sh", tmp_path, {}).returncode == 0
    schema = "/etc/temporal/schema/postgresql/v12"
    assert calls.read_text().splitlines() == [
        "--db temporal setup-schema -v 0.0",
        f"--db temporal update-schema -d {schema}/temporal/versioned",
        "--db temporal_visibility setup-schema -v 0.0",
        f"--db temporal_visibility update-schema -d {schema}/visibility/versioned",
    ]


def test_a_schema_that_fails_stops_the_job(tmp_path: Path) -> None:
    calls = a_schema_tool(tmp_path, exit_code=1)
    assert run_job("schema.sh", tmp_path, {}).returncode != 0
    assert len(calls.read_text().splitlines()) == 1


@pytest.mark.servers
async def test_a_worker_is_well_only_while_it_asks_for_work_from_this_host(tmp_path: Path) -> None:
    server = await start_temporal(tmp_path, ephemeral=True)
    before = dict(os.environ)
    os.environ.update(TEMPORAL_ADDRESS=server.address, TEMPORAL_NAMESPACE=server.namespace)
    try:
        assert await asked_at("pumps", socket.gethostname()) is None
        client = await Client.connect(server.address)
        runner = UnsandboxedWorkflowRunner()
        async with Worker(client, task_queue=PUMPS_QUEUE, workflows=[HeatPumpWorkflow], workflow_runner=runner):
            for _ in range(1800):
                if await asked_at("pumps", socket.gethostname()) is not None:
                    break
                await asyncio.sleep(0.1)
            else:
                pytest.fail("the worker was never seen to ask")
            assert await asked_at("pumps", "another-host") is None
            assert await asked_at("planner", socket.gethostname()) is None
    finally:
        os.environ.clear()
        os.environ.update(before)
        await server.child.stop()
