"""Several vendors over one fleet: homes in turn, each at its own cloud, an outage for one of them alone."""

from datetime import timedelta
from pathlib import Path

import pytest

from simulator.app import build_fleet
from simulator.config import ConfigError
from tests.simulator.builders import EPOCH, ManualClock, a_config
from tests.simulator.conftest import CLIENT, MakeFleet
from tests.simulator.vendors.nibe.wire import NibeWire


def test_homes_take_their_vendors_in_turn_and_an_outage_fells_one_cloud_alone(
    make_fleet: MakeFleet, tmp_path: Path
) -> None:
    clock = ManualClock()
    outage = {"oem": "viessmann", "starts": EPOCH, "ends": EPOCH + timedelta(days=1), "kind": "http-500"}
    fleet = make_fleet(clock, folder=tmp_path, pumps=5, vendors=["nibe", "viessmann"], outages=[outage], **CLIENT)
    assert [home.unit.oem for home in fleet.homes] == ["nibe", "viessmann", "nibe", "viessmann", "nibe"]
    wire = NibeWire(fleet, clock, tmp_path)
    wire.wait(minutes=5)
    assert wire.call("GET", "/v2/systems/me").json()["numItems"] == 3
    assert wire.ask("GET", "/iot/v2/equipment/installations").status_code == 503
    accounts = {sheet["oem"]: sheet["account_id"] for sheet in wire.ask("GET", "/_world/enrolment").json()}
    assert accounts == {"nibe": "nibe-main", "viessmann": "viessmann-home-0002"}, "the second consents for itself"


def test_an_unknown_vendor_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there are nibe, viessmann, daikin, lg"):
        build_fleet(a_config(tmp_path, vendors=["acme"]))
