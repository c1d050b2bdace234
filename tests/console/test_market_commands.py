"""Forecasts, prices and what a home pays, as people ask for them: on a real ledger and feeds that speak the wire."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from application.access import Access
from console.cli import options
from console.cli.main import _main as command_line
from console.cli.words import TZ
from domain.clock import SteeringClock
from domain.slots import bounds_of
from ledger.pumps import LedgerPumps, Vault
from ledger.repositories import open_repositories
from tests.builders import a_profile
from tests.feeds import Feeds, serving
from tests.ledger.builders import an_account
from tests.ledger.conftest import database, place, server

__all__ = ["database", "place", "server"]
pytestmark = pytest.mark.servers

CELL, DAY, ON = "50.0,10.0", date(2026, 1, 15), ("--date", "2026-01-15")
SIGNED = ("--who", "operator-1", "--why", "looking ahead")
PNG = b"\x89PNG"


def dear_in_the_evening(local: datetime) -> float:
    return (220.0 if 16 <= local.hour < 20 else 40.0) + local.hour / 10 + local.minute / 10


class Done(NamedTuple):
    """What a command came to."""

    exit_code: int
    stdout: str
    stderr: str


class People:
    """Who types commands, on a ledger with one pump and no Temporal."""

    def __init__(self, database: str, key: str, captured: pytest.CaptureFixture[str]) -> None:
        self._database, self._key, self._captured = database, key, captured

    @contextlib.asynccontextmanager
    async def reach(self, folder: Path | None = None) -> AsyncIterator[Access]:
        start = datetime.now(UTC)
        async with open_repositories(SecretStr(self._database), [SecretStr(self._key)], lock_connections=2) as ledger:
            yield Access(None, ledger, SteeringClock(epoch=start, start_wall=start))  # type: ignore[arg-type]

    def enrol(self) -> str:
        profile = a_profile()
        where = {"price_area": "DE-LU", "weather_cell": CELL, "tariff": "de-module-3"}
        enrolment = profile.enrolment.model_copy(update={"account_id": "nibe-main", **where})

        async def enrolling() -> None:
            async with self.reach() as access:
                await Vault(access.ledger.engine, [SecretStr(self._key)]).add_account(an_account())
                enrolled = profile.model_copy(update={"enrolment": enrolment})
                await LedgerPumps(access.ledger.engine).enrol(enrolled, datetime(2026, 1, 1, tzinfo=UTC))

        asyncio.run(enrolling())
        return enrolment.pump_id

    def type(self, *words: str) -> Done:
        """Exit code and what stands on stdout and stderr."""
        code = command_line(list(words))
        return Done(code, *self._captured.readouterr())

    def document(self, *words: str) -> Any:
        done = self.type(*words, "--json")
        assert (done.exit_code, done.stderr) == (0, "")
        return json.loads(done.stdout)

    def kept(self) -> tuple[list[str], list[str]]:
        """Kinds of the documents in quarantine, and the acts in the audit log."""

        async def asking() -> tuple[list[str], list[str]]:
            async with self.reach() as access:
                documents = await access.ledger.price_queries.quarantined()
                acts = await access.ledger.reports.audit_trail()
            return [row["kind"] for row in documents], [row["act"] for row in acts]

        return asyncio.run(asking())


@pytest.fixture
def people(database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> People:
    key = Fernet.generate_key().decode()
    people = People(database, key, capsys)
    monkeypatch.setattr(options, "reach", people.reach)
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("HEATSTEER_SECRET_KEYS", key)
    return people


def test_forecasts_and_prices_are_fetched_shown_and_drawn_and_a_homes_day_is_drawn_in_its_parts(
    people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pump = people.enrol()
    pictures = [tmp_path / f"{name}.png" for name in ("weather", "prices", "tariff")]
    with serving(Feeds(prices={"DE-LU": dear_in_the_evening}, outdoor_c={CELL: -4.0}, tz=TZ)) as url:
        monkeypatch.setenv("HEATSTEER_PRICE_URL", url)
        monkeypatch.setenv("HEATSTEER_WEATHER_URL", url)
        unknown = people.type("weather", "show", CELL, *ON)
        assert (unknown.exit_code, unknown.stdout) == (2, "")
        assert f"`heatsteer weather fetch` asks for one; cells of enrolled homes are {CELL}" in unknown.stderr
        version = (people.document("weather", "fetch", CELL, *ON, *SIGNED))["version"]
        prices = (people.document("prices", "fetch", *ON, *SIGNED))["version"]
    shown = people.document("weather", "show", CELL, *ON, "--plot", str(pictures[0]))
    assert (shown["version"], shown["cell"], len(shown["slots"])) == (version, CELL, 96)
    assert shown["slots"][0] == {
        "start": bounds_of(DAY, TZ.key)[0].isoformat(),
        "outdoor_c": -4.0,
        "radiation_w_per_m2": 0.0,
    }
    assert "-4.0" in (people.type("weather", "show", CELL, *ON)).stdout
    drawn = people.document("prices", "show", str(prices), "--plot", str(pictures[1]))
    assert drawn["slots"][16 * 4]["eur_per_mwh"] == 221.6
    explain = ("tariff", "explain", pump, "--at", "2026-01-15T18:00", "--plot", str(pictures[2]))
    (paid,) = people.document(*explain)
    assert paid["parts"][0]["eur_per_mwh"] == 221.8
    assert all(picture.read_bytes().startswith(PNG) for picture in pictures)


def test_a_forecast_that_is_refused_or_not_there_is_a_sentence_and_stores_nothing(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds = Feeds(prices={}, outdoor_c={CELL: -90.0}, tz=TZ)
    with serving(feeds) as url:
        monkeypatch.setenv("HEATSTEER_WEATHER_URL", url)
        impossible = people.type("weather", "fetch", CELL, *ON, *SIGNED)
        feeds.silent.add(CELL)
        silent = people.type("weather", "fetch", CELL, *ON, *SIGNED)
    assert (impossible.exit_code, silent.exit_code) == (2, 1)
    assert "-90" in impossible.stderr
    assert "503" in silent.stderr
    assert (people.type("weather", "show", CELL, *ON)).exit_code == 2
    documents, acts = people.kept()
    assert documents == ["weather"]
    assert acts == ["fetch-weather", "fetch-weather:refused", "fetch-weather", "fetch-weather:refused"]
