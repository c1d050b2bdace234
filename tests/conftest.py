"""What all tests share: where optional real data lies."""

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of optional real data; skips with a reason where there is none."""
    folder = Path(os.environ.get("HEATSTEER_DATA", BESIDE))
    if not folder.is_dir():
        pytest.skip(f"optional real data is not at {folder}: set HEATSTEER_DATA")
    return folder
