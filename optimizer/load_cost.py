"""What the load of an area costs beside its energy: overflow of its limit, and deviation from what was nominated.

Symbols, per slot: L load; c limit (infinite for none), O `OVERFLOW_EUR_PER_MWH`; n nominated power, u and d >= 0 what a
MWh above and below it costs beside the day's price; mu dual of the load; E = dt/1000 h k; x+ = max(x, 0).

    phi(L) = O (L - c)+ + u (L - n)+ + d (n - L)+
    psi(mu) = min over all L of [ phi(L) - mu L ]

*Claim.* For -d <= mu <= u, and up to u + O where c is finite, psi(mu) is the lesser of phi - mu L at L = n and L = c.
*Proof.* phi - mu L is convex and piecewise linear with kinks at n and c alone. Left of both its slope is -d - mu <= 0,
right of both u - mu (and + O where c is finite) >= 0; so it is least at a kink. Where c is infinite n is the only one.
Without a nomination d = u = 0 and c is the only kink: psi(mu) = -mu c for 0 <= mu <= O.

*Bound.* For schedules x_i of all pumps with loads L_t: sum_i cost_i(x_i) + sum_t phi(L_t) E
= sum_i [cost_i(x_i) + sum_t mu_t P_it E] + sum_t [phi(L_t) - mu_t L_t] E >= sum_i least_i(mu) + sum_t psi(mu_t) E.

Invariant: phi is convex, so that one dual a slot says all there is to say; a nomination at no price is none.
"""

from dataclasses import dataclass, replace

import numpy as np

from domain.slots import SLOT_HOURS
from optimizer.house import Array
from optimizer.kernels import OVERFLOW_EUR_PER_MWH

ENERGY = SLOT_HOURS / 1000
"""MWh per kW and slot."""


@dataclass(frozen=True)
class Nominated:
    """Power that an area is to draw, and the prices of drawing more and less, EUR/MWh, not both zero."""

    kw: Array
    """(N,)."""
    up: float
    down: float

    def above_below_kwh(self, load_kw: Array) -> tuple[float, float]:
        """Energy beyond what was nominated, and missing of it, of loads (N,)."""
        more = load_kw - self.kw
        return float(np.maximum(more, 0.0).sum()) * SLOT_HOURS, float(np.maximum(-more, 0.0).sum()) * SLOT_HOURS


@dataclass(frozen=True)
class LoadCost:
    """phi of one area in every slot."""

    cap_kw: Array
    """(N,); infinite where there is no limit."""
    nominated: Nominated | None = None

    @property
    def is_free(self) -> bool:
        """Does no load cost anything?"""
        return self.nominated is None and not np.isfinite(self.cap_kw).any()

    @property
    def lowest_mu(self) -> float:
        """Least dual that a slot can have, EUR/MWh."""
        return 0.0 if self.nominated is None else -self.nominated.down

    @property
    def highest_mu(self) -> Array | float:
        """Largest dual of each slot, (N,)."""
        if self.nominated is None:
            return OVERFLOW_EUR_PER_MWH
        return np.where(np.isfinite(self.cap_kw), OVERFLOW_EUR_PER_MWH, 0.0) + self.nominated.up

    def eur(self, load_kw: Array) -> float:
        """sum phi E of loads (N,)."""
        return overflow_eur(load_kw, self.cap_kw) + self.deviation_eur(load_kw)

    def deviation_eur(self, load_kw: Array) -> float:
        """The part of it that is for deviation."""
        if self.nominated is None:
            return 0.0
        above, below = self.nominated.above_below_kwh(load_kw)
        return (above * self.nominated.up + below * self.nominated.down) / 1000

    def least_eur(self, mu: Array) -> float:
        """sum psi(mu) E, mu (N,) within its limits."""
        cap = np.where(np.isfinite(self.cap_kw), self.cap_kw, 0.0)
        if self.nominated is None:
            return -(float(mu @ cap) * ENERGY)
        kw = self.kink_kw(mu)
        return self.eur(kw) - float(mu @ kw) * ENERGY

    def kink_kw(self, mu: Array) -> Array:
        """A load at which phi - mu L is least, (N,)."""
        if self.nominated is None:
            return self.cap_kw
        n, up, down = self.nominated.kw, self.nominated.up, self.nominated.down
        cap = np.where(np.isfinite(self.cap_kw), self.cap_kw, n)
        at_n = OVERFLOW_EUR_PER_MWH * np.maximum(n - cap, 0.0) - mu * n
        at_cap = up * np.maximum(cap - n, 0.0) + down * np.maximum(n - cap, 0.0) - mu * cap
        return np.where(at_cap < at_n, cap, n)

    def up_to(self, most_kw: Array) -> "LoadCost":
        """The same for loads that stay below `most_kw` (N,), its limit finite where there is no nomination."""
        if self.nominated is None:
            return replace(self, cap_kw=np.minimum(self.cap_kw, most_kw))
        return replace(self, cap_kw=np.where(self.cap_kw < most_kw, self.cap_kw, np.inf))

    @property
    def ends_kw(self) -> tuple[Array, Array]:
        """Loads (N,) below and above which phi goes on straight."""
        if self.nominated is None:
            return self.cap_kw, self.cap_kw
        cap = np.where(np.isfinite(self.cap_kw), self.cap_kw, self.nominated.kw)
        return np.minimum(cap, self.nominated.kw), np.maximum(cap, self.nominated.kw)


def overflow_eur(load_kw: Array, cap_kw: Array) -> float:
    """Price of what lies above the cap."""
    return float(np.maximum(load_kw - cap_kw, 0.0).sum()) * ENERGY * OVERFLOW_EUR_PER_MWH
