"""What of a power limit is kept back from the heating's plan: tanks, and raised houses that draw more than told.

Symbols: cap the limit of the request; w_t expected power of all tanks in slot t, from their planned modes; d the share
of the cap kept back for model error; n_t power of the heating under neutral.

    heating cap_t = max( cap (1 - d) - w_t,  min(cap, n_t) )

Invariant: the reserve never asks for more than the limit itself would: a fleet that may stay neutral under the limit
may stay neutral under what is left of it. The cap stays soft, so there is always a plan.
"""

from collections.abc import Sequence

import numpy as np

from domain.modes import HotWaterMode
from optimizer.house import Array

DOUBT_SHARE = 0.2
"""Of the cap: raised houses draw more than the class priors say, in the slots in which all of them are raised. Played
in houses of another physics, winter fleets so exceed a tight limit about as rarely as under their own control."""
CHARGE_KWH = 1.5
"""Electricity of one charge of a tank."""
TANK_KW = {HotWaterMode.BOOST: 1.0, HotWaterMode.NORMAL: 0.1, HotWaterMode.HOLD: 0.0}
"""Mean electrical power of one home's tank: a charge within a boost, 2.5 kWh a day for the rest."""


def tanks_kw(modes_by_pump: Sequence[Sequence[HotWaterMode]], slots: int) -> Array:
    """Expected power of all tanks per slot, (N,); a pump without modes counts as none."""
    total = np.zeros(slots)
    for modes in modes_by_pump:
        if modes:
            total += [TANK_KW[mode] for mode in modes]
    return total


def cap_for_heating(cap_kw: float | None, tank_kw: Array, neutral_kw: Array) -> Array:
    """What of the cap the heating may be planned to draw, kW (N,); infinite without a cap."""
    if cap_kw is None:
        return np.full(len(tank_kw), np.inf)
    return np.asarray(np.maximum(cap_kw * (1 - DOUBT_SHARE) - tank_kw, np.minimum(cap_kw, neutral_kw)))
