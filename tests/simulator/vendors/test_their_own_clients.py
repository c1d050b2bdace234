"""The fakes spoken to by clients that others wrote for the real clouds; skipped where a package is not installed.

    pip install -r requirements/vendor-clients.txt

Protects: a fake that speaks to our adapters only could be wrong in the same way as they are.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.simulator.conftest import CLIENT, Simulator

pytestmark = [
    pytest.mark.servers,
    pytest.mark.filterwarnings("default"),  # their warnings are theirs to mend
]
CONSENT = "a-household"


@pytest.fixture(scope="module")
def world(start_simulator: Callable[..., Simulator]) -> Simulator:
    return start_simulator(vendors=["nibe", "lg", "viessmann"], pumps=12, refresh_tokens=[CONSENT])


@pytest_asyncio.fixture
async def session() -> AsyncIterator[Any]:
    aiohttp = pytest.importorskip("aiohttp", reason="no client that speaks by aiohttp is installed")
    async with aiohttp.ClientSession() as opened:
        yield opened


def unit(world: Simulator, oem: str) -> dict[str, Any]:
    return next(sheet for sheet in world.pumps() if sheet["oem"] == oem)


async def test_the_client_myuplink_reads_and_writes_its_units(world: Simulator, session: Any) -> None:
    package = pytest.importorskip("myuplink", reason="myuplink is not installed")
    token = str(world.ask_token().json()["access_token"])

    class Auth(package.AbstractAuth):  # type: ignore[misc,name-defined]
        async def async_get_access_token(self) -> str:
            return token

    api = package.MyUplinkAPI(Auth(session, world.url))
    assert await api.async_ping()
    systems = await api.async_get_systems()
    devices = [device.deviceId for system in systems for device in system.devices]
    _, device_id = unit(world, "nibe")["vendor_ref"].split("/")
    assert device_id in devices
    device = await api.async_get_device(device_id)
    assert device.id == device_id
    points = {point.parameter_id: point for point in await api.async_get_device_points(device_id)}
    assert len(points) > 10
    assert all(isinstance(zone.zone_id, str) for zone in await api.async_get_smart_home_zones(device_id))
    offset = next((p for p in points.values() if "sh-indoorSpOffsHeat" in p.smart_home_categories), None)
    if offset is not None:
        answer = await api.async_set_device_points(device_id, data={offset.parameter_id: 1})
        assert "modified" in str(answer)


async def test_the_client_thinqconnect_reads_and_controls_its_units(world: Simulator, session: Any) -> None:
    package = pytest.importorskip("thinqconnect", reason="thinqconnect is not installed")

    class Api(package.ThinQApi):  # type: ignore[misc,name-defined]
        """As published, but for the address and the key of an app of its own."""

        def _get_url_from_endpoint(self, endpoint: str) -> str:
            return f"{world.url}/{endpoint}"

    api = Api(session, CLIENT["client_secret"], "DE", "a-client")
    api._api_key = CLIENT["client_id"]
    ref = unit(world, "lg")["vendor_ref"]
    listed = await api.async_get_device_list()
    assert ref in [device["deviceId"] for device in listed]
    profile = await api.async_get_device_profile(ref)
    device = package.SystemBoilerDevice(
        api, ref, "DEVICE_SYSTEM_BOILER", "model", "alias", reportable=False, group_id="", profile=profile
    )
    device.set_status(await api.async_get_device_status(ref))
    assert device.get_status("boiler_operation_mode") is not None
    assert 5 < device.get_status("room_current_temperature_c") < 35
    target_c = device.get_status("room_target_temperature_c")
    if target_c is not None:
        await device.set_room_target_temperature_c(target_c)
    with pytest.raises(package.ThinQAPIException):
        await api.async_get_device_status("nobody")


async def test_the_client_pyvicare_reads_its_units(world: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("PyViCare", reason="PyViCare is not installed")
    from authlib.integrations.requests_client import OAuth2Session
    from PyViCare import PyViCareAbstractOAuthManager as oauth  # noqa: N813
    from PyViCare.PyViCare import PyViCare

    asked = {"grant_type": "refresh_token", "refresh_token": CONSENT, "client_id": CLIENT["client_id"]}
    answer = world.http.post("/idp/v3/token", data=asked)
    assert answer.status_code == 200, answer.text
    monkeypatch.setattr(oauth, "API_BASE_URL", f"{world.url}/iot/v2")

    class Manager(oauth.AbstractViCareOAuthManager):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(OAuth2Session(token={"access_token": answer.json()["access_token"]}))

        def renewToken(self) -> None:  # noqa: N802 -- their name
            raise AssertionError("the token is new")

    vicare = PyViCare()
    vicare.initWithExternalOAuth(Manager())
    (device, *_) = vicare.devices
    pump = device.asHeatPump()
    assert -40 < pump.getOutsideTemperature() < 50
    circuit = pump.circuits[0]
    assert 0.2 <= circuit.getHeatingCurveSlope() <= 3.5
    assert circuit.getHeatingCurveShift() is not None
