"""LG air-to-water heat pumps through ThinQ Connect.

Protects: an answer of this cloud has no stamp of the unit: it is only as fresh as the unit is known to be connected.
"""

from oem_adapters.lg.adapter import LgThinq
from oem_adapters.lg.manifest import MANIFEST
from oem_adapters.vendor import Vendor

VENDOR = Vendor(MANIFEST, LgThinq)

__all__ = ["MANIFEST", "VENDOR", "LgThinq"]
