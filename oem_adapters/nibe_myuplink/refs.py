"""How a unit of this cloud is referred to: by its system and its device, in one opaque text."""

from urllib.parse import quote, unquote

from domain.oem.cloud import PumpAddress


def ref_of(system_id: str, device_id: str) -> str:
    """The reference of a device of a system."""
    return f"{quote(system_id, safe='')}/{quote(device_id, safe='')}"


def system_id_of(pump: PumpAddress) -> str:
    """The system that a reference names."""
    return unquote(pump.vendor_ref.partition("/")[0])


def device_id_of(pump: PumpAddress) -> str:
    """The device that a reference names."""
    return unquote(pump.vendor_ref.partition("/")[2])
