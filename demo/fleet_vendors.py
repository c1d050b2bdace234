"""The vendors that a simulated fleet can be of, and how they are named in an option.

Protects: no list of vendors is kept here; one that has an adapter and a fake can be chosen.
"""

from oem_adapters.registry import known_oems
from simulator.vendors.registry import VENDORS

ALL = "all"


def simulated_vendors() -> tuple[str, ...]:
    """Every vendor with an adapter and a fake cloud."""
    return tuple(oem for oem in VENDORS if oem in known_oems())


def chosen_vendors(text: str) -> tuple[str, ...]:
    """The vendors that an option names, `all` or some by commas; raises ValueError with half a sentence."""
    known = simulated_vendors()
    if text.strip() == ALL:
        return known
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in known:
            raise ValueError(f"there is no simulated vendor {name!r}: write {ALL}, or some of {', '.join(known)}")
    return tuple(dict.fromkeys(names))
