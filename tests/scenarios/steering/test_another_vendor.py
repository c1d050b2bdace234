"""A vendor that is only a folder of tests is steered for a day: its quota is a day's, and its settings expire.

Protects: no other folder knows of it; its manifest is all that the guard, the sweep and the pump's workflow go by.
"""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from application.fleet.enrolment import enrol
from domain.homes.enrolment import Enrolment
from domain.modes import Mode
from domain.oem.breaker import HEADROOM
from oem_adapters.timeouts import WallTimeouts
from tests.builders import a_plan, a_profile, at
from tests.vendors import FOLDER
from tests.vendors.aurora import MANIFEST, VENDOR
from tests.vendors.aurora.fake import ACCOUNT, TOKEN, FakeAurora, FakeUnit, serving
from tests.world import TestWorld, a_world
from workflows.contracts import patience_at
from workflows.observation_sweep import start_sweep
from workflows.oem_guard import start_guard

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]

SPEED = 480.0
PUMP = "a-0001"
A_DAY = 200 / 1440
"""Calls a minute that the quota of a day comes to."""
A_MINUTE = 20
SOON = timedelta(minutes=50)
"""After a plan's edge: its jitter, and the pace of the vendor's queue."""


def the_enrolment() -> Enrolment:
    given = {"pump_id": PUMP, "oem": MANIFEST.oem, "account_id": ACCOUNT, "vendor_ref": "a/1"}
    return a_profile().enrolment.model_copy(update=given)


async def enrolled(world: TestWorld, url: str, http: httpx.AsyncClient) -> None:
    """As an operator would, from the manifest and the installer's sheet."""
    access, patience = world.access, patience_at(SPEED)
    await access.ledger.vault.add_account(MANIFEST.at(url).account(ACCOUNT, "nobody", SecretStr(TOKEN)))
    adapter = VENDOR.build(http, access.ledger.vault, WallTimeouts(), None)
    assert (await enrol(access, [the_enrolment()], adapter, patience)).pumps == (PUMP,)
    await start_guard(access.client, access.clock, MANIFEST.oem, patience)
    await start_sweep(access.client, access.clock, MANIFEST.oem, patience)


def share_between(unit: FakeUnit, begin_h: float, end_h: float, setting: float) -> float:
    """In which share of these hours, but for what follows their first edge soon, the unit truly had a setting."""
    minutes = range(int((at(end_h) - at(begin_h) - SOON) / timedelta(minutes=1)))
    held = [unit.setting_at(at(begin_h) + SOON + timedelta(minutes=minute)) == setting for minute in minutes]
    return sum(held) / len(held)


async def test_a_vendor_with_a_daily_quota_and_an_expiring_lever_is_steered_for_a_day(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=1, speed=SPEED, workers=()) as world, httpx.AsyncClient() as http:
        fake = FakeAurora(world.access.clock, units=1)
        unit = fake.units["a/1"]
        with serving(fake) as url:
            await enrolled(world, url, http)
            await world.stack.start_worker("pumps,oem:aurora", {**world.extra, "PYTHONPATH": str(FOLDER)})
            await world.send(PUMP, a_plan(1, {(4, 12): Mode.MAX, (14, 18): Mode.MIN}))
            await world.until(lambda: world.now() >= at(22), within=timedelta(hours=24))
            profile = await world.profile(PUMP)
            state = await world.state(PUMP)
            events = await world.events(PUMP)
            (vendor,) = [v for v in await world.access.ledger.vendors.status(world.now()) if v.oem == MANIFEST.oem]

    assert profile.heating.spec == MANIFEST.levers[0], "the ledger keeps the lever's declaration with the pump"
    own = profile.heating.baseline
    # Renewed before each expiry; a machine that is very busy may be a moment late now and then.
    assert share_between(unit, 4, 12, own + 1.5) > 0.95
    assert share_between(unit, 12, 14, own) == 1
    assert share_between(unit, 14, 18, own - 2.5) > 0.95, "a deep set-back is safe where it ends by itself"
    assert share_between(unit, 18, 22, own) == 1
    assert state.heating.drift is None
    kinds = {event["event"] for event in events}
    assert kinds <= {"planned", "sent", "accepted", "applied", "effective"}, kinds

    writes, reads = (sum(n for key, n in fake.calls.items() if key.endswith(method)) for method in ("PUT", "GET"))
    assert 6 <= writes <= 9, "three times MAX, twice MIN, and back twice"
    assert writes + reads <= 200, "the day's quota holds for the sweep and the commands together"
    assert reads >= 60, "and the sweep uses its share of it"
    assert vendor.granted_per_min == pytest.approx(A_DAY)
    assert vendor.rate_per_min == pytest.approx(A_MINUTE * HEADROOM), "a day's quota is spent in bursts"
