"""The contract of `OemAdapter`, kept by every known vendor's adapter against its fake cloud: levers and readings."""

import httpx
import pytest

from application.access import Access
from application.fleet.lever_trial import TrialFailed, try_lever
from domain.modes import Circuit, HotWaterMode, Mode
from domain.oem.calls import CallFate, CallMade
from domain.oem.errors import Rejected
from domain.oem.lever import Lever, LeverName
from domain.oem.manifest import AuthFlow
from domain.oem.ports import LeverReverter, OemAdapter
from domain.oem.units import PumpAddress
from tests.oem_adapters.contract.vendors import (
    PATIENT,
    VENDORS,
    Units,
    a_vault,
    all_landed,
    build_adapter,
    each_lever,
    fake_cloud,
    forget_access,
    offered,
    other_setting,
    pages_its_lists,
    ranges,
    seen,
)
from tests.oem_adapters.vault import VaultInMemory
from tests.oem_adapters.world import World

pytestmark = pytest.mark.servers

MORE_THAN_A_PAGE = 101


async def test_connections_tell_of_every_unit_over_all_pages(
    oem: str, client: httpx.AsyncClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pumps = MORE_THAN_A_PAGE if pages_its_lists(oem) else 5
    with fake_cloud(oem, tmp_path_factory.mktemp("large"), pumps=pumps, speed=1) as large:
        vault = a_vault(oem, large)
        enrolled = large.pumps(oem)
        account_id = enrolled[0].account_id
        adapter = build_adapter(oem, client, vault, PATIENT)
        connected = await adapter.connections(account_id, large.now())
    assert len(connected) == pumps
    assert connected == {pump.vendor_ref: True for pump in enrolled}


async def test_every_lever_is_offered_with_range_step_and_setting(
    oem: str, units: Units, adapter: OemAdapter, world: World
) -> None:
    assert set(units) == set(offered(oem))
    await all_landed(adapter, world)
    for lever, (pump, _) in units.items():
        capability = await adapter.capability(pump, world.now())
        of_unit = ranges(capability)
        assert capability.heating.circuit is Circuit.HEATING
        assert all(one.spec in VENDORS[oem].manifest.levers for one in of_unit.values())
        assert set(of_unit) == set(world.truth(pump.pump_id)["levers"])
        assert capability.emergency.endswith(".")
        found = of_unit[lever]
        assert found.minimum < found.maximum
        assert found.step > 0
        assert found.baseline == world.truth(pump.pump_id)["levers"][lever]


async def test_a_reading_and_a_look_tell_what_is_so(oem: str, units: Units, adapter: OemAdapter, world: World) -> None:
    shown = VENDORS[oem].manifest.evidence
    assert shown, "without any evidence no command is ever effective"
    await all_landed(adapter, world)
    for lever, (pump, capability) in units.items():
        now = world.now()
        for reading in (await adapter.read(pump, lever, now), await adapter.observe(pump, lever, now)):
            truth = world.truth(pump.pump_id)
            assert now - reading.as_of < adapter.timing.reading_max_age
            assert reading.setting == truth["levers"][lever]
            assert reading.settings == truth["levers"]
            assert (reading.room_c is not None) == capability.has_room_sensor
            assert reading.room_c is None or abs(reading.room_c - truth["room_c"]) < 2.0
            assert all(getattr(reading, quantity) is not None for quantity in shown)


@pytest.mark.parametrize("slow_apply", [0.0, 1.0])
@each_lever
async def test_a_write_is_obeyed_and_seen_in_time(
    lever: LeverName,
    slow_apply: float,
    units: Units,
    adapter: OemAdapter,
    world: World,
) -> None:
    pump, capability = units[lever]
    target = other_setting(ranges(capability)[lever], world.truth(pump.pump_id)["levers"][lever])
    with world.faulty(slow_apply=slow_apply):
        written_at = world.now()
        await adapter.write(pump, lever, target, written_at)
        reading = await seen(adapter, pump, lever, target, world, written_at)
    assert reading.setting == target
    assert reading.as_of >= written_at
    assert world.truth(pump.pump_id)["levers"][lever] == target


@each_lever
async def test_a_write_to_one_lever_leaves_the_others_alone(
    lever: LeverName, units: Units, adapter: OemAdapter, world: World
) -> None:
    pump, capability = units[lever]
    await all_landed(adapter, world)
    before = world.truth(pump.pump_id)["levers"]
    target = other_setting(ranges(capability)[lever], before[lever])
    await adapter.write(pump, lever, target, world.now(), urgent=True)
    await all_landed(adapter, world)
    assert world.truth(pump.pump_id)["levers"] == before | {lever: target}


@each_lever
async def test_a_write_that_is_accepted_and_ignored_is_not_seen(
    lever: LeverName, units: Units, adapter: OemAdapter, world: World
) -> None:
    pump, capability = units[lever]
    await all_landed(adapter, world)
    before = (await adapter.read(pump, lever, world.now())).setting
    assert before is not None
    target = other_setting(ranges(capability)[lever], before)
    with world.faulty(silent_ignore=1.0):
        written_at = world.now()
        await adapter.write(pump, lever, target, written_at)
        reading = await seen(adapter, pump, lever, target, world, written_at)
    assert reading.setting == before


@each_lever
async def test_the_same_setting_written_twice_is_harmless(
    lever: LeverName, units: Units, adapter: OemAdapter, world: World
) -> None:
    pump, capability = units[lever]
    offered = ranges(capability)[lever]
    for _ in range(2):
        await adapter.write(pump, lever, offered.nearest(offered.baseline), world.now())


@each_lever
async def test_what_the_unit_does_not_take_is_refused_before_anything_is_sent(
    lever: LeverName,
    units: Units,
    adapter: OemAdapter,
    world: World,
    sent: list[httpx.Request],
) -> None:
    pump, _ = units[lever]
    offered = ranges(await adapter.capability(pump, world.now()))[lever]
    sent.clear()
    wrong = (offered.minimum - offered.step, offered.maximum + 1.0, offered.minimum + offered.step / 3)
    for setting in wrong:
        with pytest.raises(Rejected):
            await adapter.write(pump, lever, setting, world.now())
    assert sent == []


async def test_every_call_that_leaves_is_told_with_its_grant(
    oem: str,
    client: httpx.AsyncClient,
    vault: VaultInMemory,
    pumps: list[PumpAddress],
    units: Units,
    world: World,
    sent: list[httpx.Request],
) -> None:
    told: list[CallMade] = []
    forget_access(oem, world, vault)
    adapter = build_adapter(oem, client, vault, PATIENT, on_call=told.append)
    sent.clear()
    for lever, (pump, capability) in units.items():
        offered = ranges(capability)[lever]
        await adapter.read(pump, lever, world.now())
        await adapter.write(pump, lever, offered.nearest(offered.baseline), world.now())
    assert len(told) == len(sent)
    # An access token may end in between: its call is refused and repeated.
    assert {CallFate.OK} <= {call.fate for call in told} <= {CallFate.OK, CallFate.REFUSED}
    assert {(call.oem, call.account_id) for call in told} == {(oem, pumps[0].account_id)}
    assert sum(call.is_write and call.fate is CallFate.OK for call in told) == len(units)
    if VENDORS[oem].manifest.authentication.flow is not AuthFlow.ACCESS_TOKEN:
        assert told[0].quotas == ()  # the token's
    granted = {quota.calls for call in told if call.is_write and call.fate is CallFate.OK for quota in call.quotas}
    published = {quota.calls for quota in VENDORS[oem].manifest.quotas}
    assert granted <= world.granted | published, "an answer names what is granted, or nothing"
    assert all(call.at <= world.now() for call in told)


@each_lever
async def test_a_revert_brings_back_what_the_household_set_last(
    oem: str, lever: LeverName, units: Units, client: httpx.AsyncClient, vault: VaultInMemory, world: World
) -> None:
    """Where settings expire by themselves, theirs was as temporary as ours, and the lasting one comes back."""
    pump, _ = units[lever]
    ours, app = build_adapter(oem, client, vault), build_adapter(oem, client, vault)
    await all_landed(ours, world)
    own = ranges(await ours.capability(pump, world.now()))[lever]
    before = own.nearest(own.baseline)
    theirs = other_setting(own, before)
    await _brought_about(app, pump, lever, theirs, world)
    await _brought_about(ours, pump, lever, _raised(own.model_copy(update={"baseline": theirs})), world)
    lasting = before if own.spec.expires_after is not None else theirs
    now = world.now()
    await (ours.revert if isinstance(ours, LeverReverter) else ours.write)(pump, lever, lasting, now, urgent=True)
    assert (await seen(ours, pump, lever, lasting, world, now)).setting == lasting
    assert world.truth(pump.pump_id)["levers"][lever] == lasting


def _raised(lever: Lever) -> float:
    return lever.setting_for(Mode.MAX if lever.circuit is Circuit.HEATING else HotWaterMode.BOOST)


async def _brought_about(
    adapter: OemAdapter, pump: PumpAddress, lever: LeverName, setting: float, world: World
) -> None:
    written_at = world.now()
    await adapter.write(pump, lever, setting, written_at)
    assert (await seen(adapter, pump, lever, setting, world, written_at)).setting == setting


def at_hand(world: World) -> Access:
    """As far as a trial needs it: steered time."""
    return Access(None, None, world.clock)  # type: ignore[arg-type]


async def test_a_unit_that_obeys_is_left_as_it_was(oem: str, units: Units, adapter: OemAdapter, world: World) -> None:
    await all_landed(adapter, world)
    pump, _ = next(iter(units.values()))
    lever = (await adapter.capability(pump, world.now())).heating
    await try_lever(at_hand(world), adapter, pump, lever)
    await all_landed(adapter, world)
    assert world.truth(pump.pump_id)["levers"][lever.name] == lever.baseline
    assert (await adapter.capability(pump, world.now())).heating.baseline == lever.baseline


async def test_a_unit_whose_cloud_accepts_and_ignores_is_found_out(
    oem: str, units: Units, adapter: OemAdapter, world: World
) -> None:
    await all_landed(adapter, world)
    pump, _ = next(iter(units.values()))
    lever = (await adapter.capability(pump, world.now())).heating
    with world.faulty(silent_ignore=1.0), pytest.raises(TrialFailed, match="did not apply it within"):
        await try_lever(at_hand(world), adapter, pump, lever)
    assert world.truth(pump.pump_id)["levers"][lever.name] == lever.baseline
