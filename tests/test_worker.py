"""The worker's command: what is missing is named in one sentence, and the way out with it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from worker import calls_at_once, workflow_runner

pytestmark = pytest.mark.slow

WORKER = Path(__file__).parents[1] / "worker.py"
GOOD = {"DATABASE_URL": "postgresql://x:y@127.0.0.1:1/z", "HEATSTEER_SECRET_KEYS": Fernet.generate_key().decode()}


def refused(environment: dict[str, str], *words: str) -> str:
    """Run a worker that cannot start and return its sentence."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HEATSTEER_", "TEMPORAL_", "DATABASE_"))}
    done = subprocess.run(
        [sys.executable, WORKER, *words], env=clean | environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, "DATABASE_URL"),
        ({"DATABASE_URL": GOOD["DATABASE_URL"]}, "HEATSTEER_SECRET_KEYS"),
        (GOOD | {"HEATSTEER_SECRET_KEYS": "not-a-key"}, "heatsteer new-key"),
        (GOOD | {"TEMPORAL_ADDRESS": "127.0.0.1:1"}, "TEMPORAL_ADDRESS"),
        (GOOD | {"HEATSTEER_OEM_CONCURRENCY": "none"}, "HEATSTEER_OEM_CONCURRENCY"),
    ],
)
def test_a_worker_that_lacks_something_says_what_and_where(environment: dict[str, str], named: str) -> None:
    sentence = refused(environment)
    assert named in sentence
    assert GOOD["HEATSTEER_SECRET_KEYS"] not in sentence


def test_workflows_run_in_the_sandbox_unless_told_otherwise() -> None:
    assert type(workflow_runner(sandbox=True)) is not type(workflow_runner(sandbox=False))


def test_vendors_of_one_process_share_what_it_has_connections_for() -> None:
    assert calls_at_once(24, 1) == 24
    assert calls_at_once(24, 3) == 8
    assert calls_at_once(24, 6) == 6, "a sweep, and more than one account"
    assert calls_at_once(2, 6) == 2
