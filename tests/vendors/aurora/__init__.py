"""Aurora: a vendor of tests, with a daily quota, a token from its portal and a heating lever that expires by itself."""

from oem_adapters.vendor import Vendor
from tests.vendors.aurora.adapter import Aurora
from tests.vendors.aurora.manifest import MANIFEST

VENDOR = Vendor(MANIFEST, Aurora)

__all__ = ["MANIFEST", "VENDOR"]
