"""What all tests share: where optional real data lies, which files go first, logging as it was."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

settings.register_profile("no deadline", deadline=None)  # on a busy machine an example takes as long as it takes
settings.load_profile("no deadline")

# Before anybody imports numpy: small matrices gain nothing from more threads, which on a busy machine spin while
# they wait for each other (a regression took 25 times as long). Processes that tests start inherit it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

BESIDE = Path(__file__).parents[2] / "shared" / "data"


LONGEST_FIRST = ("tests/benchmarks/test_pump_day.py", "tests/scenarios/")
"""Files whose tests run against the clock: begun last, one of them would keep a single worker busy for minutes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, in whatever order the tests were shuffled into."""

    def place(item: pytest.Item) -> int:
        return next((i for i, path in enumerate(LONGEST_FIRST) if item.nodeid.startswith(path)), len(LONGEST_FIRST))

    items.sort(key=place)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of optional real data; skips with a reason where there is none."""
    folder = Path(os.environ.get("HEATSTEER_DATA", BESIDE))
    if not folder.is_dir():
        pytest.skip(f"optional real data is not at {folder}: set HEATSTEER_DATA")
    return folder


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A test that runs a command configures logging as the command does; the next test must not feel it."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
