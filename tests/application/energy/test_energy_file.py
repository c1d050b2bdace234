"""A file of meter readings and totals: taken whole, or not at all with every bad line named."""

import pytest

from application.savings.energy_file import read_energy

PUMPS = {"p-0001"}
HEAD = "time,pump,kwh,start\n"


def test_a_line_is_a_counter_and_with_a_start_a_total() -> None:
    found = read_energy(
        HEAD + "2026-01-15T01:00:00+01:00,p-0001,512.4,\n"
        "2026-01-16T00:00:00+01:00,p-0001,31.5,2026-01-15T00:00:00+01:00\n",
        PUMPS,
    )
    assert not found.faults
    assert found.lines == 2
    assert [reading.kwh for reading in found.counters["p-0001"]] == [512.4]
    (total,) = found.totals["p-0001"]
    assert (total.end - total.start).total_seconds() == 24 * 3600


def test_semicolons_and_decimal_commas_are_read_and_what_cannot_be_true_is_kept_to_be_flagged() -> None:
    found = read_energy("time;pump;kwh\n2026-01-15T01:00:00+01:00;p-0001;-3,5\n", PUMPS)
    assert [reading.kwh for reading in found.counters["p-0001"]] == [-3.5]


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("2026-01-15T01:00:00,p-0001,1,", "time"),
        ("yesterday,p-0001,1,", "time"),
        ("2026-01-15T01:00:00Z,p-0009,1,", "pump"),
        ("2026-01-15T01:00:00Z,p-0001,much,", "kwh"),
        ("2026-01-15T01:00:00Z,p-0001,1,2026-01-15T02:00:00Z", "start"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str, column: str) -> None:
    (fault,) = read_energy(HEAD + line + "\n", PUMPS).faults
    assert (fault.line, fault.column) == (2, column)


def test_a_missing_column_is_named() -> None:
    (fault,) = read_energy("time,pump\n", PUMPS).faults
    assert fault.column == "kwh"
