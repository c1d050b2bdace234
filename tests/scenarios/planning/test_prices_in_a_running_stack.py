"""Prices and tariffs in a running stack: a bad file becomes a verdict, the last good one stays in force."""

import asyncio
import json
import os
import subprocess
import sys
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from domain.homes.settlement import Benefit, Settlement
from domain.slots import bounds_of
from tests.demo.files import a_day_of_prices
from tests.world import a_world

pytestmark = pytest.mark.servers
DAY = bounds_of(date(2026, 1, 15), "Europe/Berlin")


async def load(folder: Path, file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Load a file, signed."""
    return await heatsteer(folder, "prices", "load", str(file), "--who", "operator-1", "--why", "a day by hand", *words)


async def heatsteer(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a person does who knows nothing but the stack's folder."""
    leads = ("DATABASE_URL", "TEMPORAL_", "HEATSTEER_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(leads)}
    argv = [sys.executable, "-m", "console.cli.main", *words, "--dir", str(folder)]
    return await asyncio.to_thread(subprocess.run, argv, env=environment, capture_output=True, text=True, timeout=300)


async def loaded(folder: Path, file: Path) -> dict[str, Any]:
    """Load a good file; gives the one document on stdout."""
    done = await load(folder, file, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    document: dict[str, Any] = json.loads(done.stdout)
    return document


async def test_a_good_file_gets_a_version_and_a_bad_one_changes_nothing_but_the_quarantine(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(a_day_of_prices()))
    spoilt = a_day_of_prices()
    del spoilt["unix_seconds"][40], spoilt["price"][40]
    bad.write_text(json.dumps(spoilt))
    folder = tmp_path / "stack"
    async with a_world(folder, pumps=1, workers=()) as world:
        series = world.access.ledger.series
        document = await loaded(folder, good)
        version = document["version"]
        assert (document["slots"], document["start"]) == (96, DAY[0].isoformat())
        stored = await series.prices(version)
        assert list(stored.price_eur_per_mwh) == a_day_of_prices()["price"]
        assert await series.newest_prices("DE-LU", *DAY) == version
        (row,) = await world.access.ledger.reports.audit_trail()
        assert (row["who"], row["why"], row["act"]) == ("operator-1", "a day by hand", "load-prices")
        assert (row["subject"], row["detail"]["file"]) == ("DE-LU", str(good))

        before = world.now()
        refused = await load(folder, bad, "--json")
        assert refused.returncode == 2
        assert refused.stdout == ""
        assert refused.stderr.startswith(f"heatsteer: {bad} ")
        assert refused.stderr.count("\n") == 1, "one sentence"
        assert "slot 2026-01-15 10:00" in refused.stderr
        (verdict,) = await world.access.ledger.price_queries.quarantined()
        assert f"heatsteer: {verdict['reason']}\n" == refused.stderr
        assert (verdict["kind"], verdict["origin"]) == ("price", str(bad))
        assert before <= verdict["received_at"] <= world.now()
        assert await series.newest_prices("DE-LU", *DAY) == version
        trail = await world.access.ledger.reports.audit_trail()
        assert [row["act"] for row in trail[1:]] == ["load-prices", "load-prices:refused"]
        assert trail[-1]["detail"]["because"] == verdict["reason"]


async def test_each_part_of_a_slots_price_is_shown_with_its_source_and_who_is_not_moved(tmp_path: Path) -> None:
    file = tmp_path / "day.json"
    file.write_text(json.dumps(a_day_of_prices()))
    folder = tmp_path / "stack"
    places: dict[int, dict[str, str]] = {
        1: {"tariff": "de-module-3"},
        2: {"settlement": Settlement.PROFILE, "benefit": Benefit.SUPPLIER},
        3: {"tariff": "no-such"},
    }
    async with a_world(folder, pumps=3, workers=(), places=places) as world:
        version = (await loaded(folder, file))["version"]
        explain = ("tariff", "explain", world.pump(1), "--at", "2026-01-15T18:00")
        (shown,) = json.loads((await heatsteer(folder, *explain, "--json")).stdout)
        spot = a_day_of_prices()["price"][18 * 4]
        parts = {part["name"]: part["eur_per_mwh"] for part in shown["parts"]}
        assert (parts["day-ahead price"], parts["grid fee, module 3"]) == (spot, pytest.approx(108.4))
        assert parts["VAT 19 %"] == pytest.approx(0.19 * (sum(parts.values()) - parts["VAT 19 %"]))
        assert shown["eur_per_mwh"] == pytest.approx(sum(parts.values()), abs=1e-3)
        assert (shown["price_version"], shown["is_moved"]) == (version, True)
        table = (await heatsteer(folder, *explain)).stdout
        assert "EW Wanfried" in table
        (supplier,) = json.loads((await heatsteer(folder, *explain[:2], world.pump(2), *explain[3:], "--json")).stdout)
        assert supplier["eur_per_mwh"] == pytest.approx(sum(a_day_of_prices()["price"]) / 96, abs=1e-3)
        assert supplier["is_moved"] is False
        unknown = await heatsteer(folder, *explain[:2], world.pump(3), *explain[3:])
        assert (unknown.returncode, unknown.stdout) == (2, "")
        assert "tariff 'no-such' is not known; known are de-flat-grid" in unknown.stderr
        other_day = await heatsteer(folder, *explain[:4], "2026-01-17T18:00")
        assert (other_day.returncode, other_day.stdout) == (2, "")
        assert "no prices of DE-LU are known for 2026-01-17" in other_day.stderr


async def test_a_suspected_day_is_listed_shown_compared_and_believed_only_under_a_name(tmp_path: Path) -> None:
    """An hour stands there twice: whole, and held back until a person says that it is true."""
    good, twice = tmp_path / "good.json", tmp_path / "twice.json"
    good.write_text(json.dumps(a_day_of_prices()))
    doubled = a_day_of_prices()
    doubled["price"][44:48] = doubled["price"][40:44]
    twice.write_text(json.dumps(doubled))
    folder = tmp_path / "stack"
    async with a_world(folder, pumps=1, workers=()) as world:
        version = (await loaded(folder, good))["version"]

        async def document(*words: str) -> Any:
            done = await heatsteer(folder, "prices", *words, "--json")
            assert (done.returncode, done.stderr) == (0, "")
            return json.loads(done.stdout)

        refused = await load(folder, twice)
        assert refused.returncode == 2
        suspected, stored = await document("versions", "--date", "2026-01-15")
        assert (stored["name"], stored["basis"], stored["currency"]) == (str(version), "published", "EUR")
        assert stored["raw_sha256"] == sha256(good.read_bytes()).hexdigest()
        name = suspected["name"]
        assert (name[0], suspected["released_as"]) == ("q", None)
        assert "again in the hour of" in suspected["verdicts"][0]
        assert name in (await heatsteer(folder, "prices", "versions")).stdout
        shown = await document("show", name)
        assert [slot["eur_per_mwh"] for slot in shown["slots"]] == doubled["price"]
        difference = await document("compare", str(version), name)
        assert (difference["slots"], len(difference["differences"])) == (96, 4)
        unsigned = await heatsteer(folder, "prices", "release", name)
        assert unsigned.returncode == 2
        signed = ("--who", "operator-1", "--why", "the exchange confirms it")
        released = (await document("release", name, *signed))["version"]
        believed = await world.access.ledger.series.prices(released)
        assert list(believed.price_eur_per_mwh) == doubled["price"]
        assert believed.provenance.verdicts[-1] == "Released by operator-1: the exchange confirms it"
        assert await world.access.ledger.series.newest_prices("DE-LU", *DAY) == released
        acts = [row["act"] for row in await world.access.ledger.reports.audit_trail()]
        assert acts[-1] == "release-prices"
        for unknown in ("q99", "99", "yesterday"):
            done = await heatsteer(folder, "prices", "show", unknown)
            assert (done.returncode, done.stdout) == (2, "")
            assert unknown in done.stderr
