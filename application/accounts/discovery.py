"""What an account reaches, as a sheet to be filled in.

Protects: an id made here says nothing of the home, and is the same each time.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from application.access import Access
from application.accounts.connecting import account_named
from application.errors import ErrorCode, Failed
from application.fleet.sheet import write_sheet
from domain.oem.errors import OemError
from domain.oem.ports import FleetReader


@dataclass(frozen=True)
class Unit:
    """A unit that an account reaches."""

    vendor_ref: str
    pump_id: str
    online: bool
    enrolled: bool


@dataclass(frozen=True)
class Discovered:
    """All units of an account, and the sheet of those that are not enrolled."""

    account: str
    oem: str
    units: Sequence[Unit]
    sheet: str
    """CSV."""


async def oem_of(access: Access, account_id: str) -> str:
    """The vendor of an account; raises Refused where there is none of that id."""
    return (await account_named(access, account_id)).oem


async def discover(access: Access, account_id: str, cloud: FleetReader) -> Discovered:
    """Ask an account's cloud what it reaches; raises Refused for an unknown account, Failed where nobody answers."""
    record = await account_named(access, account_id)
    try:
        connections = await cloud.connections(account_id, access.now())
    except OemError as error:
        sentence = f"{record.oem} does not say what account {account_id} reaches: {error}"
        raise Failed(ErrorCode.NOT_CONNECTED, sentence, account=account_id) from error
    enrolled = await access.ledger.accounts.units(record.oem)
    units = []
    for ref, online in sorted(connections.items()):
        _, pump_id = enrolled.get(ref, ("", _pump_id(record.oem, ref)))
        units.append(Unit(ref, pump_id, online, enrolled=ref in enrolled))
    rows = [
        {
            "pump_id": unit.pump_id,
            "oem": record.oem,
            "account_id": account_id,
            "vendor_ref": unit.vendor_ref,
            "online": "yes" if unit.online else "no",
        }
        for unit in units
        if not unit.enrolled
    ]
    return Discovered(account_id, record.oem, units, write_sheet(rows))


def _pump_id(oem: str, ref: str) -> str:
    return f"{oem[:20]}-{hashlib.sha256(f'{oem}/{ref}'.encode()).hexdigest()[:12]}"
