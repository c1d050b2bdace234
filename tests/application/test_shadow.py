"""Shadow mode: the report on a system that fires and forgets finds what the truth log of the simulated homes says."""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from application.access import Access
from application.audit_log import Actor
from application.shadow.command_log import read_log
from application.shadow.reporting import import_log, shadow_report
from demo.files import read_jsonl
from domain.homes.enrolment import Enrolment, PumpProfile
from domain.modes import Mode
from domain.oem.errors import OemError
from domain.oem.ports import OemAdapter
from oem_adapters.registry import build_adapter, manifest_of
from simulator.app import build_app, build_fleet
from tests.oem_adapters.vault import VaultInMemory
from tests.simulator.builders import ManualClock, a_config

pytestmark = pytest.mark.servers

BY = Actor("onboarding", "the old system's log")
OEM = "nibe"
HOURS = 18
LOOK_EVERY = timedelta(minutes=30)


class OldSystem:
    """Writes modes and believes every success; and beside it, somebody who reads the units and writes nothing."""

    def __init__(self, adapter: OemAdapter, profiles: Sequence[PumpProfile], clock: ManualClock) -> None:
        self.adapter = adapter
        self.profiles = profiles
        self.clock = clock
        self.rng = random.Random(5)
        self.lines = ["time,pump,mode,http_status"]

    async def command(self, profile: PumpProfile) -> None:
        mode, now = self.rng.choice((Mode.LOW, Mode.MID, Mode.MAX)), self.clock.now
        lever = profile.heating
        try:
            await self.adapter.write(profile.address, lever.name, lever.setting_for(mode), now)
            status = 200
        except OemError:
            status = 503
        self.lines.append(f"{now.isoformat()},{profile.enrolment.pump_id},{mode.value},{status}")


async def test_the_report_finds_what_the_truth_log_says_within_a_point(access: Access, tmp_path: Path) -> None:
    clock = ManualClock()
    faults = {"silent-ignore": 0.1, "offline": 0.05, "http-500": 0.03}
    world = a_config(
        tmp_path, pumps=16, faults=faults, rate_limit_per_min=10_000, token_life_s=10_000_000, vendors=(OEM,)
    )
    fleet = build_fleet(world, wall=clock)
    clock.forward(minutes=5)
    fleet.advance()
    transport = httpx.ASGITransport(build_app(fleet, asyncio.Event()))
    async with httpx.AsyncClient(transport=transport, base_url="http://fake") as http:
        adapter = build_adapter(OEM, http, VaultInMemory("http://fake", "heatsteer", "not-a-secret"))
        sheet = [Enrolment.model_validate(row) for row in (await http.get("/_world/enrolment")).json()]
        await access.ledger.vault.add_account(
            manifest_of(OEM).at("http://fake").account(sheet[0].account_id, "heatsteer", SecretStr("x"))
        )
        profiles = []
        for enrolment in sheet:
            profiles.append(PumpProfile.of(enrolment, await _patiently(adapter, enrolment, clock)))
            await access.ledger.pumps.enrol(profiles[-1], clock.now)
        old = OldSystem(adapter, profiles, clock)
        for step in range(HOURS * 2 + 4):
            for number, profile in enumerate(profiles):
                if 0 < step < HOURS * 2 and (step + number) % 2 == 0:
                    await old.command(profile)
                try:
                    reading = await adapter.observe(profile.address, profile.heating.name, clock.now)
                except OemError:
                    continue
                await access.ledger.observations.store([(profile.enrolment.pump_id, reading)], clock.now)
            clock.forward(seconds=LOOK_EVERY.total_seconds())
            fleet.advance()
    fleet.truth.close()
    log = read_log("\n".join(old.lines), {profile.enrolment.pump_id for profile in profiles})
    assert log.faults == []
    assert (await import_log(access, log, BY)).new == len(log.commands)
    assert (await import_log(access, log, BY)).new == 0
    (found,) = await shadow_report(access, lambda oem: manifest_of(oem).timing.longest_in_flight)
    ignored, obeyed = truth_of(tmp_path / "truth.jsonl")
    assert ignored > 10, "a report on nothing shows nothing"
    assert found.never_applied_pct == pytest.approx(100 * ignored / (ignored + obeyed), abs=1.0)
    assert found.refused == {503: found.commands - found.accepted}
    assert found.unseen <= 0.05 * found.accepted
    assert found.delay_s_p50 is not None
    assert found.delay_s_p50 <= LOOK_EVERY.total_seconds()


def truth_of(file: Path) -> tuple[int, int]:
    """Accepted requests that were never applied, and those that were; of those that would have changed the lever."""
    stands: dict[tuple[str, str], float] = {}
    ignored = obeyed = 0
    for line in read_jsonl(file):
        if line["kind"] == "state":
            stands[line["pump"], line["lever"]] = line["value"]
        elif line["kind"] == "request" and stands[line["pump"], line["lever"]] != line["value"]:
            ignored += line["cause"] == "ignored"
            obeyed += line["cause"] == "accepted"
    return ignored, obeyed


async def _patiently(adapter: OemAdapter, enrolment: Enrolment, clock: ManualClock):  # type: ignore[no-untyped-def]
    for _ in range(20):
        try:
            return await adapter.capability(enrolment.address, clock.now)
        except OemError:
            continue
    raise AssertionError("the fake never answered")
