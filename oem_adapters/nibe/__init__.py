"""NIBE and its sister brands through the myUplink cloud.

Protects: a "modified" of this cloud is an acceptance and never evidence; some writes it confirms are never applied.
"""

from oem_adapters.nibe.adapter import NibeMyUplink
from oem_adapters.nibe.manifest import MANIFEST
from oem_adapters.vendor import Vendor

VENDOR = Vendor(MANIFEST, NibeMyUplink)

__all__ = ["MANIFEST", "VENDOR"]
