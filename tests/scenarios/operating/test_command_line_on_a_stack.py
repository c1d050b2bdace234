"""Every command on a running stack, as a person runs it who knows nothing but the stack's folder.

What is read here is what the process said: its exit code, one document or one sentence; and what the simulator's truth
and the audit trail say of what it did. Every scenario has its own pumps, so that any order will do.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from domain.modes import HotWaterMode, Mode
from domain.oem.breaker import BreakerState
from domain.oem.readings import Condition
from tests.demo.files import a_day_of_prices
from tests.world import TestWorld, a_world

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900), pytest.mark.asyncio(loop_scope="module")]

SPEED = 240
PUMPS = 12
HOUR = timedelta(hours=1)
BY = ("--who", "operator-1", "--why", "a storm")
LONG = ("--for", "20h")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestWorld]:
    async with a_world(tmp_path_factory.mktemp("world") / "stack", pumps=PUMPS, speed=SPEED) as running:
        yield running


async def heatsteer(world: TestWorld, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command without any variable that leads to the stack."""
    leads = ("DATABASE_URL", "TEMPORAL_", "HEATSTEER_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(leads)}
    argv = [sys.executable, "-m", "console.cli.main", *words, "--dir", str(world.stack.folder)]
    return await asyncio.to_thread(subprocess.run, argv, env=environment, capture_output=True, text=True, timeout=300)


async def document(world: TestWorld, *words: str) -> Any:
    """What a command that is done gives with --json: one document, and nothing else."""
    done = await heatsteer(world, *words, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


async def words_of(world: TestWorld, *words: str) -> str:
    """What a command that is done says to a person."""
    done = await heatsteer(world, *words)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout.lstrip().startswith(("{", "["))
    return done.stdout


async def refusal(world: TestWorld, *words: str) -> str:
    """The one sentence of a command that is refused, which prints nothing else."""
    done = await heatsteer(world, *words)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("heatsteer: ")
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("heatsteer: ").rstrip("\n")


async def acts_on(world: TestWorld, subject: str) -> list[str]:
    """What the audit trail has of a subject; all of it signed as given."""
    trail = [row for row in await world.access.ledger.reports.audit_trail() if row["subject"] == subject]
    assert {(row["who"], row["why"]) for row in trail} == {BY[1::2]}
    return [row["act"] for row in trail]


# --- looking ----------------------------------------------------------------------------------------------------------


async def test_the_fleet_one_pump_and_why_can_be_read(world: TestWorld) -> None:
    pump = world.pump(1)
    rows = await document(world, "pumps", "list")
    assert {row["pump"] for row in rows} == {world.pump(n) for n in range(1, PUMPS + 1)}
    assert pump in await words_of(world, "pumps", "list")
    shown = await document(world, "pumps", "show", pump)
    assert (shown["target"], set(shown["circuits"])) == ("LOW", {"heating", "hot_water"})
    assert f"{pump}  target LOW by neutral" in await words_of(world, "pumps", "show", pump)
    assert (await document(world, "pumps", "model", pump))["versions"] == []
    assert "known by its class alone" in await words_of(world, "pumps", "model", pump)
    told = await document(world, "why", pump)
    assert (told["pump"], told["target"]["heating"]["mode"]) == (pump, "LOW")
    moment = f"{world.now() - timedelta(minutes=1):%FT%T+00:00}"
    assert "on its own control" in await words_of(world, "why", pump, "--at", moment)
    assert "was enrolled at" in await refusal(world, "why", pump, "--at", "2026-01-01T06:40")


async def test_the_whole_fleet_is_seen_in_one_window_and_by_scripts(world: TestWorld) -> None:
    seen = await document(world, "top", "--once")
    (vendor,) = (one for one in seen["vendors"] if one["oem"] == "nibe")
    assert 0 < vendor["pumps"] <= PUMPS
    assert [area["price_area"] for area in seen["areas"]] == ["DE-LU"]
    assert sum(seen["authorities"].values()) >= vendor["pumps"] > 0
    window = (await words_of(world, "top", "--once")).splitlines()
    assert max(len(line) for line in window) <= 80
    assert any(line.startswith("nibe") for line in window)
    assert "say --once too" in await refusal(world, "top", "--json")


@pytest.mark.parametrize(
    "words",
    [
        ("pumps", "show", "p-7777"),
        ("pumps", "model", "p-7777"),
        ("pumps", "override", "p-7777", "MAX", *LONG, *BY),
        ("pumps", "emergency", "p-7777", *BY),
        ("pumps", "resume", "p-7777", *BY),
        ("pumps", "opt-out", "p-7777", *BY),
        ("pumps", "retire", "p-7777", *BY),
        ("why", "p-7777"),
        ("homes", "comfort", "show", "p-7777"),
    ],
)
async def test_a_pump_that_nobody_knows_is_named_in_one_sentence(world: TestWorld, words: tuple[str, ...]) -> None:
    assert "p-7777" in await refusal(world, *words)


# --- what people ask of a pump ---------------------------------------------------------------------------------------


async def test_an_override_moves_the_lever_and_its_end_moves_it_back(world: TestWorld) -> None:
    pump = world.pump(2)
    answer = await document(world, "pumps", "override", pump, "MAX", *LONG, *BY)
    assert answer["in_force"] is True
    await world.settles(pump, Mode.MAX)
    assert "forced to heat by an override to MAX that operator-1 made" in await words_of(world, "why", pump)
    assert answer["override_id"] in await words_of(world, "pumps", "show", pump)
    assert "taken as" in await words_of(world, "pumps", "override", pump, "MID", *LONG, *BY)
    await world.settles(pump, Mode.MID, 2 * HOUR)
    assert (await document(world, "pumps", "end-override", pump, *BY))["target"] == "LOW"
    await world.settles(pump, Mode.LOW)
    assert await acts_on(world, pump) == ["override", "override", "end-override"]


async def test_a_boost_raises_heat_and_hot_water(world: TestWorld) -> None:
    pump = world.pump(3)
    assert "taken as" in await words_of(world, "pumps", "boost", pump, *LONG, *BY)
    await world.settles(pump, Mode.MAX)
    await world.settles(pump, HotWaterMode.BOOST)
    assert await acts_on(world, pump) == ["override"]


async def test_a_pause_is_neutral_until_it_is_resumed_and_a_vacation_is_set_back(world: TestWorld) -> None:
    pump = world.pump(4)
    await world.plan(pump, Mode.MAX, each=timedelta(hours=20))
    await world.settles(pump, Mode.MAX)
    assert (await document(world, "pumps", "pause", pump, *LONG, *BY))["in_force"] is True
    await world.settles(pump, Mode.LOW, 2 * HOUR)
    assert (await document(world, "pumps", "resume", pump, *BY))["authority"] == "plan"
    await world.settles(pump, Mode.MAX, 2 * HOUR)
    assert "is not paused" in await refusal(world, "pumps", "resume", pump, *BY)
    await document(world, "pumps", "vacation", pump, "--for", "10d", *BY)
    status = await world.status(pump)
    assert (status.authority, status.target in (Mode.MIN, Mode.LOW)) == ("vacation", True)
    await world.settles(pump, Mode(status.target), 2 * HOUR)
    assert await acts_on(world, pump) == ["override", "end-override", "override"]


# --- emergencies ------------------------------------------------------------------------------------------------------


async def no_emergency(world: TestWorld, pump: str) -> tuple[dict[str, Any], str]:
    """The document and the sentence of an emergency that cannot be met now."""
    done = await heatsteer(world, "pumps", "emergency", pump, "--json", *BY)
    assert (done.returncode, done.stdout.count("\n")) == (1, 1)
    found = json.loads(done.stdout)
    assert found["can"] is False
    assert found["hindrance"]
    said = done.stderr
    assert said.startswith(f"heatsteer: {pump} cannot heat more now ({found['hindrance']})")
    assert said.count("\n") == 1
    spoken = await heatsteer(world, "pumps", "emergency", pump, *BY)
    assert (spoken.returncode, spoken.stdout) == (1, "")
    assert spoken.stderr.startswith(f"heatsteer: {pump} cannot heat more now")
    return found, said


async def at_rest(world: TestWorld, pump: str) -> None:
    """Wait until nothing that was ordered for all is left on a pump."""

    async def is_free() -> bool:
        return not (await world.state(pump)).orders

    await world.until(is_free, 2 * HOUR)
    await world.settles(pump, Mode.LOW)


async def test_an_emergency_says_what_the_unit_does_and_the_lever_moves(world: TestWorld) -> None:
    pump = world.pump(5)
    answer = await document(world, "pumps", "emergency", pump, *BY)
    assert (answer["can"], answer["hindrance"]) == (True, None)
    assert answer["does"] == (await world.profile(pump)).emergency
    await world.settles(pump, Mode.MAX)
    assert answer["does"] in await words_of(world, "pumps", "emergency", pump, *BY)
    assert await acts_on(world, pump) == ["override", "override"]


async def test_an_emergency_at_a_unit_that_somebody_works_on_says_at_once_that_it_cannot(world: TestWorld) -> None:
    pump = world.pump(6)
    await at_rest(world, pump)
    wrote = world.written(pump)
    await world.bring_about("condition", pump=pump, condition="installer")

    async def is_known() -> bool:
        return (await world.state(pump)).watch.condition is Condition.INSTALLER

    await world.until(is_known, 2 * HOUR)
    _, said = await no_emergency(world, pump)
    assert "somebody works on the unit" in said
    assert world.written(pump) == wrote
    await world.bring_about("condition", pump=pump, condition="normal")
    await world.settles(pump, Mode.MAX, 2 * HOUR)


async def test_a_household_that_opted_out_gets_no_emergency_until_it_comes_back(world: TestWorld) -> None:
    pump = world.pump(7)
    await at_rest(world, pump)
    wrote = world.written(pump)
    assert (await document(world, "pumps", "opt-out", pump, *BY))["authority"] == "opted-out"
    assert "is opted out already" in await refusal(world, "pumps", "opt-out", pump, *BY)
    _, said = await no_emergency(world, pump)
    assert "opted out" in said
    assert world.written(pump) == wrote
    assert "MAX by override" in await words_of(world, "pumps", "opt-in", pump, *BY)
    await world.settles(pump, Mode.MAX)
    assert await acts_on(world, pump) == ["opt-out", "opt-out", "opt-out:refused", "override", "override", "opt-in"]


async def test_a_pump_that_reports_no_more_gets_no_emergency_by_us(tmp_path: Path) -> None:
    async with a_world(tmp_path / "stack", pumps=1, speed=SPEED) as world:
        pump = world.pump(1)
        await world.warm()
        async with world.striking(offline=1.0):

            async def is_silent() -> bool:
                return (await world.state(pump)).watch.silent_since is not None

            await world.until(is_silent, 2 * HOUR)
            _, said = await no_emergency(world, pump)
            assert "it has not reported since" in said


# --- leaving and coming back ------------------------------------------------------------------------------------------


async def test_a_retired_pump_is_brought_back_and_never_started_again(world: TestWorld) -> None:
    pump = world.pump(8)
    await document(world, "pumps", "override", pump, "MAX", *LONG, *BY)
    await world.settles(pump, Mode.MAX)
    assert "steered no more" in await words_of(world, "pumps", "retire", pump, *BY)
    await world.handle(pump).result()
    assert world.setting(pump) == (await world.profile(pump)).heating.baseline
    done = await heatsteer(world, "pumps", "start", pump, *BY)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"heatsteer: {pump} is not steered: it was retired\n"
    assert await acts_on(world, pump) == ["override", "retire", "start", "start:refused"]


async def test_a_pump_that_was_ended_by_hand_is_started_again(world: TestWorld) -> None:
    pump = world.pump(9)
    assert "steered already" in await refusal(world, "pumps", "start", pump, *BY)
    await world.handle(pump).terminate("by somebody who thought it would help")
    assert (await document(world, "pumps", "start", pump, *BY))["target"] == "LOW"
    assert (await world.status(pump)).authority == "neutral"
    assert await acts_on(world, pump) == ["start", "start:refused", "start"]


# --- homes ------------------------------------------------------------------------------------------------------------


async def test_a_household_says_what_it_accepts_and_reads_it_back(world: TestWorld) -> None:
    pump = world.pump(10)
    assert "accepts" in await words_of(world, "homes", "show", pump)
    given = await document(world, "homes", "comfort", "set", pump, "--min", "19", "--max", "23", *BY)
    assert given == {"pumps": [pump], "band": {"room_min_c": 19.0, "room_max_c": 23.0}, "week": []}
    (row,) = await document(world, "homes", "comfort", "show", pump)
    assert (row["room_min_c"], row["room_max_c"]) == (19.0, 23.0)
    assert (await world.state(pump)).site.band.room_min_c == 19.0
    assert "19 C" in await words_of(world, "homes", "comfort", "show", pump)
    assert (await document(world, "homes", "show", pump))["pumps"][0]["band"]["room_max_c"] == 23.0
    assert await acts_on(world, pump) == ["comfort"]

    week = ("--week", "mon-fri 6:30-22:00 20.5-23; sat,sun,holiday 8:00-23:00 21-23", "--holidays", "DE-BY")
    given = await document(world, "homes", "comfort", "set", pump, "--min", "19", "--max", "23", *week, *BY)
    assert [rule["accepts"]["room_min_c"] for rule in given["week"]] == [20.5, 21.0]
    held = (await world.state(pump)).site.band
    assert held.at(datetime(2026, 1, 15, 12, tzinfo=UTC)).room_min_c == 20.5
    assert held.at(datetime(2026, 1, 6, 12, tzinfo=UTC)).room_min_c == 21.0, "Epiphany, in Bavaria"
    shown = await words_of(world, "homes", "comfort", "show", pump)
    assert "sat,sun,holiday 08:00-23:00: 21 to 23 C" in shown
    assert "holidays of DE-BY" in shown


# --- many pumps at once -----------------------------------------------------------------------------------------------


async def test_a_stop_brings_a_plan_to_neutral_is_listed_and_is_resumed(world: TestWorld) -> None:
    pump = world.pump(11)
    plan = await world.plan(pump, Mode.MAX, each=timedelta(hours=20))
    await world.settles(pump, Mode.MAX)
    assert plan.valid_until > world.now()
    stop = await document(world, "fleet", "stop", "--wait", "3h", *BY)
    assert (stop["is_new"], stop["stragglers"]) == (True, {})
    assert pump in stop["verified"]
    await world.settles(pump, Mode.LOW)
    order = stop["order"]["order_id"]
    assert [one["order_id"] for one in await document(world, "fleet", "orders")] == [order]
    assert order in await words_of(world, "fleet", "orders", "--all")
    assert "was in force already" in await words_of(world, "fleet", "stop", "--wait", "1h", *BY)
    assert "lifted on" in await words_of(world, "fleet", "resume", *BY)
    assert "no order is in force" in await words_of(world, "fleet", "orders")
    assert "nothing of that kind is in force" in await refusal(world, "fleet", "resume", *BY)
    await world.settles(pump, Mode.MAX, 2 * HOUR)
    assert await acts_on(world, "all") == ["order", "order", "lift-order"]


async def test_an_area_and_one_pump_by_itself_are_limited_and_released(world: TestWorld) -> None:
    pump = world.pump(12)
    area = (await world.profile(pump)).enrolment.grid_area
    await document(world, "pumps", "override", pump, "MAX", *LONG, *BY)
    await world.settles(pump, Mode.MAX)
    assert area in {row["area"] for row in await document(world, "area", "list")}
    limit = await document(world, "area", "limit", area, "--cap", "LOW", "--for", "10h", *BY)
    assert (limit["is_new"], pump in limit["told"], limit["problems"]) == (True, True, {})
    await world.settles(pump, Mode.LOW, 2 * HOUR)
    assert "backup" in await words_of(world, "area", "backup", area, *BY)
    assert "backup" in await words_of(world, "area", "list")
    assert "until it is released" in await words_of(world, "area", "blackout", area, *BY)
    assert (await world.status(pump)).authority == "limited"
    assert len(await document(world, "area", "release", area, *BY)) == 3
    await world.settles(pump, Mode.MAX, 2 * HOUR)
    assert "feeder-77" in await refusal(world, "area", "blackout", "feeder-77", *BY)
    assert await acts_on(world, f"area:{area}") == ["order"] * 3 + ["lift-order"] * 3
    blackout = await document(world, "area", "blackout", "--pump", pump, *BY)
    assert (blackout["order"]["scope"], blackout["told"]) == (f"pump:{pump}", [pump])
    assert (await world.status(pump)).alert == "held"
    said = await words_of(world, "area", "backup", "--pump", pump, *BY)
    assert f"backup (pump:{pump}) is in force for 1 pump until it is released" in said
    assert (await world.status(pump)).authority == "limited"
    assert f"blackout (pump:{pump})" in await words_of(world, "area", "list")
    lifted = await document(world, "area", "release", "--pump", pump, *BY)
    assert [(one["told"], one["problems"]) for one in lifted.values()] == [([pump], {})] * 2
    await world.settles(pump, Mode.MAX, 2 * HOUR)
    assert "p-7777" in await refusal(world, "area", "blackout", "--pump", "p-7777", *BY)
    assert await acts_on(world, f"pump:{pump}") == ["order"] * 2 + ["lift-order"] * 2


async def test_a_grid_operators_dimming_of_one_pump_is_followed_explained_reported_and_never_below_the_law(
    world: TestWorld,
) -> None:
    pump = world.pump(12)
    await document(world, "pumps", "override", pump, "MAX", *LONG, *BY)
    await world.settles(pump, Mode.MAX)
    site = ("area", "limit", "--pump", pump)
    low = await refusal(world, *site, "--section-14a", "4", "--for", "2h", *BY)
    assert f"section-14a leaves at least 4.2 kW to {pump}" in low
    less = await refusal(world, *site, "--section-14a", "4.2", "--connection-kw", "15", "--for", "2h", *BY)
    assert f"section-14a leaves at least 6 kW to {pump} of 15.0 kW (BNetzA BK6-22-300" in less
    assert "at most 24 hours" in await refusal(world, *site, "--section-14a", "4.2", "--for", "30h", *BY)
    given = await document(world, *site, "--section-14a", "4.2", "--for", "2h", *BY)
    assert (given["order"]["kind"], given["order"]["limit_kw"], given["told"]) == ("section-14a", 4.2, [pump])
    await world.settles(pump, Mode.LOW, 2 * HOUR)
    assert (await world.status(pump)).authority == "limited"
    assert f"section-14a to 4.2 kW (pump:{pump}) since" in await words_of(world, "why", pump)
    assert f"section-14a to 4.2 kW (pump:{pump})" in await words_of(world, "area", "list")
    await document(world, "area", "release", "--pump", pump, *BY)
    await world.settles(pump, Mode.MAX, 2 * HOUR)


# --- vendors and letters ----------------------------------------------------------------------------------------------


async def test_a_vendor_is_held_and_released(world: TestWorld) -> None:
    async def is_closed() -> bool:
        breaker = await world.access.ledger.vendors.newest_breaker("nibe", world.now())
        return breaker is not None and breaker.state is BreakerState.CLOSED

    (one,) = await document(world, "oem", "status")
    assert (one["oem"], one["drift_found_within_min"] > 0) == ("nibe", True)
    assert "held" in await words_of(world, "oem", "hold", "nibe", *BY)
    assert "held" in await words_of(world, "oem", "status", "nibe")
    assert (await document(world, "oem", "release", "nibe", *BY))["rate_per_min"] > 0
    assert await acts_on(world, "nibe") == ["oem-hold", "oem-release"]
    assert "no account of steam" in await refusal(world, "oem", "status", "steam")
    await world.until(is_closed, 4 * HOUR)


async def test_without_dead_letters_the_list_is_empty_and_an_unknown_one_is_refused(world: TestWorld) -> None:
    assert await document(world, "dead-letters", "list") == []
    assert await words_of(world, "dead-letters", "list") == "no dead letters\n"
    for verb in ("retry", "discard"):
        assert "p-0001-c00077 is no dead letter" in await refusal(world, "dead-letters", verb, "p-0001-c00077", *BY)
    assert (await document(world, "dead-letters", "retry", "--all", *BY))["retried"] == []


async def test_prices_are_loaded_and_signed(world: TestWorld, tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text(json.dumps(a_day_of_prices()))
    assert (await document(world, "prices", "load", str(file), *BY))["slots"] == 96
    assert "96 slots" in await words_of(world, "prices", "load", str(file), *BY)
    assert await acts_on(world, "DE-LU") == ["load-prices"] * 2
