"""The doctor: well on a machine that can run a stack, and with a way out where something is missing."""

import sys
from pathlib import Path

import pytest

from embedded import doctor
from embedded.doctor import Check, checks


def by_name(found: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in found}


def test_all_is_well_where_the_tests_run(tmp_path: Path) -> None:
    found = by_name(checks(tmp_path / "not" / "yet"))
    assert [check for check in found.values() if not check.ok] == []
    assert "18" in found["PostgreSQL"].detail
    assert "Server" in found["Temporal server"].detail
    assert not (tmp_path / "not").exists()


def test_what_is_missing_comes_with_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(doctor, "PACKAGES", ("pydantic", "no_such_package"))
    monkeypatch.setattr(doctor, "FREE_DISK_MIN_GB", 1e9)
    monkeypatch.setattr(doctor, "OPEN_FILES_MIN", 1 << 62)
    (tmp_path / "stack.json").write_text("{}")
    unwell = [check for check in checks(tmp_path) if not check.ok]
    assert {check.name for check in unwell} >= {"packages", "Temporal server", "folder", "stack"}
    assert all(check.way_out for check in unwell)
