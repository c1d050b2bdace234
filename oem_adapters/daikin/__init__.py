"""Daikin Altherma units through the Onecta cloud.

Protects: a 204 of this cloud is an acceptance and never evidence; each read serves all units of an account, because a
day has few calls.
"""

from oem_adapters.daikin.adapter import DaikinOnecta
from oem_adapters.daikin.manifest import MANIFEST
from oem_adapters.vendor import Vendor

VENDOR = Vendor(MANIFEST, DaikinOnecta)

__all__ = ["MANIFEST", "VENDOR", "DaikinOnecta"]
