"""Viessmann through its IoT cloud, features and commands of one device at a time.

Protects: a command's "success" is a delivery and never evidence; what may be commanded is said anew with every answer.
"""

from oem_adapters.vendor import Vendor
from oem_adapters.viessmann.adapter import ViessmannIot
from oem_adapters.viessmann.manifest import MANIFEST

VENDOR = Vendor(MANIFEST, ViessmannIot)

__all__ = ["MANIFEST", "VENDOR"]
