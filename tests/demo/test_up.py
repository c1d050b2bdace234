"""`up` keeps what it made at its first start."""

from pathlib import Path

import pytest

from demo.errors import OtherKindOfWorld, OtherWorld
from demo.fleet_vendors import chosen_vendors, simulated_vendors
from demo.live import claim
from demo.up import kept_clock, kept_secret, kept_world


def test_a_restarted_world_keeps_its_pumps_and_seed(tmp_path: Path) -> None:
    made = kept_world(tmp_path, 2, None, ("nibe",))
    assert (made.pumps, made.seed, made.oem) == (2, 1, ("nibe",))
    assert kept_world(tmp_path) == made
    with pytest.raises(OtherWorld, match="pumps 2"):
        kept_world(tmp_path, 3)
    with pytest.raises(OtherWorld, match="oem nibe"):
        kept_world(tmp_path, oem=("nibe", "viessmann"))


def test_a_new_world_is_of_all_vendors_and_one_is_chosen_by_its_name(tmp_path: Path) -> None:
    assert kept_world(tmp_path).oem == simulated_vendors()
    assert len(simulated_vendors()) > 1
    assert chosen_vendors("all") == simulated_vendors()
    assert chosen_vendors("viessmann, nibe,viessmann") == ("viessmann", "nibe")
    with pytest.raises(ValueError, match="'acme': write all, or some of nibe"):
        chosen_vendors("acme")


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
