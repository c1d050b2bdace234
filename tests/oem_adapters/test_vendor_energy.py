"""A day of a simulated house as its vendor counts it: over the wire, through the adapter, to a settled day."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import yaml

import oem_adapters
from domain.oem.energy import EnergyReading
from domain.oem.ports import EnergyReader
from domain.oem.units import PumpAddress
from domain.savings.energy import CounterReading, Evidence, Flag, Reported, Total, energy_course
from domain.savings.vendor_energy import reported_by_vendor
from domain.slots import market_day_slots
from oem_adapters.registry import build_adapter, vendors
from simulator.app import build_app
from simulator.homes.fleet import Home, SimulatedFleet
from simulator.levers import Lever
from tests.oem_adapters.vault import VaultInMemory, a_token
from tests.simulator.builders import DAY, EPOCH, ManualClock
from tests.simulator.conftest import MakeFleet, make_fleet

__all__ = ["make_fleet"]

HOURS = 28
"""From midnight to four on the next morning."""
TZ = ZoneInfo("Europe/Berlin")
SLOTS = market_day_slots(DAY, TZ)
CONSENTED = "a-refresh-token"
RULES: Mapping[str, Any] = {
    oem: yaml.safe_load((Path(oem_adapters.__path__[0]) / oem / "quality.yaml").read_text())["rules"]
    for oem in vendors()
}
COUNTING = [oem for oem, rules in RULES.items() if rules["energy-of-the-vendor"] == "done"]


@dataclass
class Counted:
    """What was reported of a unit until the morning after a day, and its house."""

    home: Home
    readings: list[EnergyReading]
    reported: Reported
    """As the ledger keeps it: the same report once."""
    calls_for_energy: int
    calls_declared: int

    @property
    def step_kwh(self) -> float:
        return max(one.step_kwh for one in self.readings)


async def counted(
    oem: str, fleet: SimulatedFleet, clock: ManualClock, happening: Mapping[int, Callable[[Home], None]] | None = None
) -> Counted:
    """Observe a unit every half an hour, as a sweep would, and ask for its energy; `happening` by the hour."""
    homes = fleet.homes
    home = next((one for one in homes if one.unit.heating_lever is Lever.ROOM_SETPOINT), homes[0])
    account = fleet.account_of(home)
    pump = PumpAddress(pump_id=home.unit.pump_id, oem=oem, account_id=account, vendor_ref=home.unit.identity.vendor_ref)
    vault = VaultInMemory("http://simulator", "tester", "s3cret", vendors()[oem].manifest)
    vault.tokens[account] = a_token("dead", CONSENTED)
    calls: list[str] = []

    async def note(request: httpx.Request) -> None:
        calls.append(request.url.path)

    transport = httpx.ASGITransport(build_app(fleet, asyncio.Event()))
    found: list[EnergyReading] = []
    counters: dict[CounterReading, None] = {}
    totals: dict[Total, None] = {}
    extra = 0
    async with httpx.AsyncClient(transport=transport, event_hooks={"request": [note]}) as client:
        adapter = build_adapter(oem, client, vault)
        assert isinstance(adapter, EnergyReader)
        lever = (await adapter.capability(pump, clock())).heating.name
        for half in range(2 * HOURS):
            clock.forward(minutes=30)
            fleet.advance()
            await adapter.observe(pump, lever, clock())
            if half % 2 == 0 and half // 2 in (happening or {}):
                (happening or {})[half // 2](home)
            if adapter.energy_calls and half != 2 * HOURS - 1:
                continue
            before = len(calls)
            readings = await adapter.energy(pump, TZ, clock())
            extra = max(extra, len(calls) - before)
            found += readings
            reported = reported_by_vendor(readings)
            counters |= dict.fromkeys(reported.own_counters)
            totals |= dict.fromkeys(reported.own_totals)
    kept = Reported(own_counters=tuple(counters), own_totals=tuple(totals))
    return Counted(home, found, kept, extra, adapter.energy_calls)


def a_fleet(make: MakeFleet, oem: str) -> tuple[SimulatedFleet, ManualClock]:
    clock = ManualClock(EPOCH + timedelta(minutes=7))
    given: dict[str, Any] = {"client_id": "tester", "client_secret": "s3cret", "refresh_tokens": [CONSENTED]}
    fleet = make(clock, pumps=4, vendors=[oem], units_per_account=4, token_life_s=10**6, **given)
    fleet.advance()
    return fleet, clock


@pytest.mark.parametrize("oem", COUNTING)
async def test_a_day_is_settled_by_what_the_vendor_counted_within_its_rounding(make_fleet: MakeFleet, oem: str) -> None:
    fleet, clock = a_fleet(make_fleet, oem)
    found = await counted(oem, fleet, clock)
    model = [0.5] * len(SLOTS)
    course = energy_course(SLOTS, found.reported, model, 20.0, clock())
    circuits = max(len(one.kwh) for one in found.readings)
    of_day = [n for n, kind in enumerate(course.evidence) if kind is not Evidence.MODEL]
    modelled_kwh = 0.5 * (len(SLOTS) - len(of_day))
    assert len(of_day) >= 88, "of a counter the slots before its first reading are the model's"
    truth_kwh = sum(found.home.history.get(int(SLOTS[n].timestamp() // 900)).kwh for n in of_day)
    assert truth_kwh > 3
    reads_lie_beside_slots_kwh = 0.0 if found.reported.own_totals else 1.0
    slots_rounded_kwh = len(SLOTS) * 0.00001
    within_kwh = found.step_kwh * circuits + slots_rounded_kwh + reads_lie_beside_slots_kwh
    assert sum(course.kwh) - modelled_kwh == pytest.approx(truth_kwh, abs=within_kwh)
    assert not course.excluded
    assert found.calls_for_energy <= found.calls_declared


async def test_a_counter_that_begins_anew_is_counted_as_a_reset_and_moves_no_other_slot(make_fleet: MakeFleet) -> None:
    model = [0.5] * len(SLOTS)

    def begin_anew(home: Home) -> None:
        home.unit.total_kwh = 0.0

    whole = await counted("nibe", *a_fleet(make_fleet, "nibe"))
    reset = await counted("nibe", *a_fleet(make_fleet, "nibe"), {12: begin_anew})
    sound, spoilt = (
        energy_course(SLOTS, found.reported, model, 20.0, EPOCH + timedelta(days=2)) for found in (whole, reset)
    )
    assert [(one.flag, one.source) for one in spoilt.excluded] == [(Flag.RESET, Evidence.COUNTER)]
    lost = [n for n, kind in enumerate(spoilt.evidence) if kind is Evidence.MODEL and sound.evidence[n] is not kind]
    assert 2 <= len(lost) <= 4, "the slots of the one rise that is not known"
    others = [n for n in range(len(SLOTS)) if n not in lost]
    assert [spoilt.kwh[n] for n in others] == pytest.approx([sound.kwh[n] for n in others], abs=0.11)


@pytest.mark.parametrize("oem", vendors())
def test_every_vendor_gives_energy_or_says_why_not(oem: str) -> None:
    adapter = build_adapter(oem, httpx.AsyncClient(), VaultInMemory("http://simulator"))
    reads = isinstance(adapter, EnergyReader)
    assert reads == (RULES[oem]["energy-of-the-vendor"] == "done")
    text = (Path(oem_adapters.__path__[0]) / oem / "quality.yaml").read_text()
    (line,) = [line for line in text.splitlines() if "energy-of-the-vendor" in line]
    assert reads or "#" in line, "what is not done has its reason beside it"
