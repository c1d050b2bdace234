"""Vaillant through the API of its app myVAILLANT, which is not made for third parties: off unless it is switched on.

Protects: a room temperature that we ask for ends by itself; nothing in this cloud carries a stamp.
"""

from oem_adapters.vaillant.adapter import VaillantApp
from oem_adapters.vaillant.manifest import MANIFEST
from oem_adapters.vendor import Vendor

VENDOR = Vendor(MANIFEST, VaillantApp)

__all__ = ["MANIFEST", "VENDOR"]
