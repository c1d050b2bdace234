"""Checking raw answers: every real file becomes the published series, slot by slot, or a reason a person would give.

Protects: `heatsteer prices check` judges as steering does, and prints whole days or a refusal, never half of either.
"""

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from application.planning.price_checks import PriceCheck, price_check
from console.cli.main import app
from domain.slots import market_day_slots
from market.checking import check_price_file
from tests.market.builders import BERLIN, DAY, a_price_document, a_wavy_day, an_entsoe_document, an_entsoe_series, raw

REFUSED = {
    "entsoe_de_lu_15min_2025-10_with_missing_day.csv": "has no prices for 2025-10-21: the whole day is missing",
    "de_lu_day_ahead_hourly_2021-12-01_2025-09-30.csv": "has no row for slot 2021-12-01 00:00 (2021-11-30 23:00 UTC)",
    "BE_15M_avg.xml": "has a point 3 in a period of 2",
    "BE_15M_exact4.xml": "and 4 of the day's 96 prices",
}
"""Real files that are not whole, and why."""
NOTED = {
    "DE_60M_15M_overlap.xml": "Sequence 2 was left aside: it is another auction than the coupled one (SDAC).",
    "BE_60M_15M_mix.xml": "Some periods are in hours and some in quarter-hours.",
}
FILES = (
    *("2022-12-31", "2023-07-02", "2024-03-31", "2024-10-27", "2024-12-11", "2024-12-12", "2025-03-30", "2025-09-30"),
    *("2025-10-01", "2025-10-21", "2025-10-26", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-29"),
)


def checked(path: Path, **options: Any) -> PriceCheck:
    found = check_price_file(path, **options)
    return price_check(found.source, found.price_area, found.currency, found.days, found.notes, found.refusal)


@pytest.fixture(scope="module")
def published(real_data: Path) -> dict[datetime, float]:
    """Every slot of DE-LU that the reference series has."""
    prices: dict[datetime, float] = {}
    for path in (real_data / "prices").glob("de_lu_day_ahead_*.csv"):
        quarters = (0,) if "15min" in path.name else (0, 15, 30, 45)
        with path.open(newline="") as lines:
            for row in csv.DictReader(lines):
                start = datetime.fromisoformat(row["start_utc"]).astimezone(UTC)
                prices |= {start.replace(minute=start.minute + more): float(row["price_eur_mwh"]) for more in quarters}
    return prices


def assert_whole_and_true(found: PriceCheck, published: dict[datetime, float]) -> None:
    starts = [slot.start for slot in found.slots]
    days = sorted({start.astimezone(BERLIN).date() for start in starts})
    assert starts == [slot for day in days for slot in market_day_slots(day, BERLIN)]
    for slot in found.slots:
        assert slot.eur_per_mwh == pytest.approx(published[slot.start], abs=0.01)


def test_every_real_file_becomes_the_published_series_or_a_reason(
    real_data: Path, published: dict[datetime, float]
) -> None:
    files = sorted(path for path in (real_data / "prices").rglob("*") if path.is_file())
    assert {path.stem for path in files if path.parent.name == "energy_charts_days"} == set(FILES)
    for path in files:
        found = checked(path)
        if path.name in REFUSED:
            assert found.refusal is not None
            assert REFUSED[path.name] in found.refusal
            assert not found.slots
            continue
        assert found.refusal is None, found.refusal
        notes = [NOTED[path.name]] if path.name in NOTED else []
        assert [verdict.sentence for verdict in found.verdicts] == notes
        if found.price_area == "DE-LU":
            assert_whole_and_true(found, published)


def test_every_whole_day_of_the_file_with_a_missing_day_checks_alone(
    real_data: Path, published: dict[datetime, float]
) -> None:
    path = real_data / "prices" / "entsoe_de_lu_15min_2025-10_with_missing_day.csv"
    for day in range(7, 28):
        found = checked(path, day=date(2025, 10, day))
        if day == 21:
            assert "has no prices of DE-LU for 2025-10-21" in (found.refusal or "")
        else:
            assert_whole_and_true(found, published)
            assert len(found.slots) == (100 if day == 26 else 96)


def test_the_real_nord_pool_day_is_its_own_entries(real_data: Path) -> None:
    path = real_data / "prices" / "nordpool" / "delivery_period_SE3_2024-11-05.json"
    found = checked(path)
    entries = json.loads(path.read_bytes())["multiAreaEntries"]
    assert [slot.eur_per_mwh for slot in found.slots[::4]] == [entry["entryPerArea"]["SE3"] for entry in entries]
    assert (found.price_area, found.currency, found.resolution_min) == ("SE3", "EUR", 60)


def test_the_command_prints_one_document_and_the_exit_code_says_whether_it_was_accepted(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_bytes(raw(a_price_document()))
    result = CliRunner().invoke(app, ["prices", "check", str(path), "--json"])
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert set(document) == {"source", "price_area", "currency", "resolution_min", "slots", "verdicts"}
    assert (document["source"], document["price_area"], document["resolution_min"]) == ("energy-charts", "DE-LU", 15)
    assert len(document["slots"]) == 96
    assert document["slots"][1] == {"start": "2026-03-02T23:15:00Z", "eur_per_mwh": 81.2}
    path.write_bytes(raw(a_price_document() | {"unit": "SEK/MWh"}))
    result = CliRunner().invoke(app, ["prices", "check", str(path), "--json"])
    document = json.loads(result.stdout)
    assert (result.exit_code, document["slots"], document["resolution_min"]) == (2, [], None)
    assert "says its unit is 'SEK/MWh'" in document["verdicts"][0]["sentence"]


def test_the_command_names_a_source_or_an_area_that_is_not_known(tmp_path: Path) -> None:
    for option, part in (("--source", "'x' is none of csv-table"), ("--price-area", "price area x is not known")):
        result = CliRunner().invoke(app, ["prices", "check", str(tmp_path), option, "x"])
        assert result.exit_code == 2
        assert part in " ".join(result.output.replace("│", " ").split())


def test_an_answer_of_no_known_format_names_the_formats(tmp_path: Path) -> None:
    path = tmp_path / "answer"
    path.write_bytes(b"hello")
    assert "looks like no format that is known; give a document of one of csv-table" in (checked(path).refusal or "")


def test_an_answer_of_several_days_is_judged_day_by_day(tmp_path: Path) -> None:
    start, end = "2026-03-02T23:00Z", "2026-03-04T23:00Z"
    path = tmp_path / "answer.xml"
    two_days = a_wavy_day() + a_wavy_day(seed=2)
    path.write_bytes(an_entsoe_document(an_entsoe_series(start, end, dict(enumerate(two_days, 1)))))
    assert [slot.eur_per_mwh for slot in checked(path).slots] == two_days
    path.write_bytes(an_entsoe_document(an_entsoe_series(start, end, dict(enumerate(a_wavy_day() * 2, 1)))))
    assert "repeats the day before" in (checked(path).refusal or "")
    assert len(checked(path, day=DAY).slots) == 96
