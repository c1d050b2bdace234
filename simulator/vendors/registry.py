"""The vendors that can be simulated, by name.

Protects: this is the only place that names them; a new vendor is a folder and a line here.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulator.clouds.cloud import VendorCloud
from simulator.config import ConfigError, SimulatorConfig
from simulator.homes.fleet import SimulatedFleet
from simulator.homes.make import Make
from simulator.vendors.daikin.cloud import DaikinCloud
from simulator.vendors.daikin.make import DaikinMake
from simulator.vendors.lg.cloud import LgCloud
from simulator.vendors.lg.make import LgMake
from simulator.vendors.nibe.cloud import NibeCloud
from simulator.vendors.nibe.make import NibeMake
from simulator.vendors.vaillant.cloud import VaillantCloud
from simulator.vendors.vaillant.make import VaillantMake
from simulator.vendors.viessmann.cloud import ViessmannCloud
from simulator.vendors.viessmann.make import ViessmannMake


@dataclass(frozen=True)
class Vendor:
    """One vendor: the units it sells and the cloud they hang on."""

    make: Make
    cloud: Callable[[Make, SimulatedFleet, asyncio.Event], VendorCloud]


_VENDORS = (
    Vendor(NibeMake(), NibeCloud),
    Vendor(ViessmannMake(), ViessmannCloud),
    Vendor(DaikinMake(), DaikinCloud),
    Vendor(LgMake(), LgCloud),
    Vendor(VaillantMake(), VaillantCloud),
)
VENDORS: dict[str, Vendor] = {vendor.make.oem: vendor for vendor in _VENDORS}


def chosen(config: SimulatorConfig) -> Sequence[Vendor]:
    """The vendors of a configuration, the first known one where it names none; raises ConfigError."""
    unknown = [name for name in config.vendors if name not in VENDORS]
    if unknown:
        raise ConfigError(f"vendors: there is no vendor {unknown[0]!r}; there are {', '.join(VENDORS)}")
    return [VENDORS[name] for name in config.vendors] or [_VENDORS[0]]
