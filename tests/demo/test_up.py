"""`up` keeps what it made at its first start."""

from pathlib import Path

import pytest

from demo.errors import OtherKindOfWorld, OtherWorld
from demo.live import claim
from demo.up import kept_clock, kept_secret, kept_world


def test_a_restarted_world_keeps_its_pumps_and_seed(tmp_path: Path) -> None:
    assert kept_world(tmp_path, 2, None) == (2, 1)
    assert kept_world(tmp_path, None, None) == (2, 1)
    with pytest.raises(OtherWorld, match="pumps 2"):
        kept_world(tmp_path, 3, None)


def test_a_restarted_world_keeps_its_clock_and_its_secret_which_only_the_owner_reads(tmp_path: Path) -> None:
    assert kept_clock(tmp_path) == kept_clock(tmp_path)
    assert kept_secret(tmp_path) == kept_secret(tmp_path)
    assert (tmp_path / "fake-cloud-secret").stat().st_mode & 0o077 == 0


def test_a_folder_is_one_of_real_homes_or_of_simulated_ones_and_never_of_both(tmp_path: Path) -> None:
    claim(tmp_path / "live", live=True)
    claim(tmp_path / "live", live=True)
    with pytest.raises(OtherKindOfWorld, match="--no-simulator"):
        claim(tmp_path / "live", live=False)
    claim(tmp_path / "twin", live=False)
    kept_world(tmp_path / "twin", 2, None)
    with pytest.raises(OtherKindOfWorld, match="simulated homes"):
        claim(tmp_path / "twin", live=True)
