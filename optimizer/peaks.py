"""What homes are charged for peak power, and prices per slot that stand for it.

Symbols: P (B, N) power of the heating, base (B, N) of the rest of the home; A (N, H) the mean of each charged interval;
theta, e (B, D) threshold and price by day, k how many intervals of a day can count.

    charge_b(P) = sum_d e_bd  (sum of the k largest over h in d of max(0, (P + base) A - theta)_h)

convex and piecewise linear in P, so each tangent pi'P + r lies below it everywhere, and so does any mean of tangents.
A plan is found at prices p + pi, charged the true charge, and bounded at p + pi with r added: the bound holds for
whatever tangent it is made with, and no binaries are needed. `shaving` looks for tangents that make it high.

Invariant: a tangent never exceeds the charge.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from domain.planning.fleet_plan import PlanningRequest
from domain.slots import SLOT_HOURS
from optimizer.house import Array

NO_LIMIT_KW = 1e6
"""Finite, for compiled loops here may not meet infinities."""
PER_MWH = 1000 / SLOT_HOURS
"""EUR per kW of a slot in EUR/MWh."""


@dataclass(frozen=True)
class Tangent:
    """Prices (B, N) in EUR/MWh and constants (B,) in EUR that together never exceed the charge."""

    price_bn: Array
    constant_eur: Array

    def at(self, power_kw: npt.NDArray[np.floating]) -> Array:
        """Its value at some powers (B, N), EUR (B,)."""
        return np.asarray((self.price_bn * power_kw).sum(axis=1) / PER_MWH + self.constant_eur)

    def part(self, rows: npt.NDArray[np.intp]) -> "Tangent":
        return Tangent(self.price_bn[rows], self.constant_eur[rows])

    def mixed(self, other: "Tangent", share: float) -> "Tangent":
        """So much of another one in it."""
        return Tangent(
            (1 - share) * self.price_bn + share * other.price_bn,
            (1 - share) * self.constant_eur + share * other.constant_eur,
        )

    def where(self, chosen: npt.NDArray[np.bool_], otherwise: "Tangent") -> "Tangent":
        """This one for the chosen homes, another one for the rest."""
        return Tangent(
            np.where(chosen[:, None], self.price_bn, otherwise.price_bn),
            np.where(chosen, self.constant_eur, otherwise.constant_eur),
        )


@dataclass(frozen=True)
class Peaks:
    """The charged intervals of a horizon and the homes' terms."""

    mean_nh: Array
    """A."""
    day: npt.NDArray[np.intp]
    """Day of each interval, (H,)."""
    counted_a_day: int
    base_bn: Array
    above_bd: Array
    eur_per_kw_bd: Array
    """0 for a home that is not charged for power."""

    @property
    def charged(self) -> npt.NDArray[np.bool_]:
        """Which homes pay for peaks at all, (B,)."""
        return np.asarray((self.eur_per_kw_bd > 0).any(axis=1))

    @property
    def reach_eur_per_mwh(self) -> Array:
        """The most that a kilowatt-hour can add by its power, (B,)."""
        return np.asarray(self.eur_per_kw_bd.max(axis=1) * 1000)

    def part(self, rows: npt.NDArray[np.intp]) -> "Peaks":
        """Some of the homes."""
        return Peaks(
            self.mean_nh, self.day, self.counted_a_day,
            self.base_bn[rows], self.above_bd[rows], self.eur_per_kw_bd[rows],
        )  # fmt: skip

    def charge(self, power_kw: npt.NDArray[np.floating]) -> Array:
        """EUR (B,) for these powers (B, N)."""
        over, counts = self._counted(power_kw)
        return np.asarray((over * counts * self.eur_per_kw_bd[:, self.day]).sum(axis=1))

    def tangent(self, power_kw: npt.NDArray[np.floating]) -> Tangent:
        """The tangent at these powers (B, N)."""
        over, counts = self._counted(power_kw)
        slope = counts * self.eur_per_kw_bd[:, self.day]
        per_kw = slope @ self.mean_nh.T
        return Tangent(per_kw * PER_MWH, (over * slope).sum(axis=1) - (per_kw * power_kw).sum(axis=1))

    def beside(self, more_bn: Array) -> "Peaks":
        """The same with so much more of other load (B, N)."""
        return replace(self, base_bn=self.base_bn + more_bn)

    def quiet(self, power_kw: npt.NDArray[np.floating], more_kw: float) -> npt.NDArray[np.bool_]:
        """Slots (B, N) in which so much more power through an interval would raise none of its day's charged peaks."""
        means = (power_kw + self.base_bn) @ self.mean_nh
        is_quiet = np.empty(means.shape, dtype=bool)
        for d in range(self.above_bd.shape[1]):
            of_day = np.flatnonzero(self.day == d)
            counted = np.sort(means[:, of_day], axis=1)[:, -min(self.counted_a_day, len(of_day))]
            is_quiet[:, of_day] = means[:, of_day] + more_kw <= np.maximum(counted, self.above_bd[:, d])[:, None]
        slots = np.ones((len(means), len(self.mean_nh)), dtype=bool)
        charged = np.flatnonzero(self.mean_nh.any(axis=1))
        slots[:, charged] = is_quiet[:, self.mean_nh[charged].argmax(axis=1)]
        return slots

    def levels_kw(self, power_kw: npt.NDArray[np.floating]) -> Array:
        """Highest charged interval of each day, (B, D)."""
        means = (power_kw + self.base_bn) @ self.mean_nh
        days = range(self.above_bd.shape[1])
        return np.stack([means[:, self.day == d].max(axis=1) for d in days], axis=1)

    def free_kw(self, level_bd: Array) -> Array:
        """What a level leaves to the heating by slot, (B, N)."""
        charged = self.mean_nh.sum(axis=1) > 0
        left = level_bd[:, self.day] @ (self.mean_nh > 0).T - self.base_bn
        return np.where(charged, left, NO_LIMIT_KW)

    def _counted(self, power_kw: npt.NDArray[np.floating]) -> tuple[Array, Array]:
        """By how much intervals exceed their threshold, and 1 for those that count, (B, H) each."""
        over = np.maximum((power_kw + self.base_bn) @ self.mean_nh - self.above_bd[:, self.day], 0.0)
        counts = np.zeros_like(over)
        for d in range(self.above_bd.shape[1]):
            of_day = np.flatnonzero(self.day == d)
            largest = np.argsort(-over[:, of_day], axis=1, kind="stable")[:, : self.counted_a_day]
            np.put_along_axis(counts, of_day[largest], 1.0, axis=1)
        return over, counts * (over > 0)


def peaks_of(request: PlanningRequest) -> Peaks | None:
    """The terms of a request's homes; None where none of them pays for peaks."""
    hours = request.peaks
    if hours is None or not any(pump.peaks for pump in request.pumps):
        return None
    slots, days = request.slots, len(hours.days)
    mean = np.zeros((slots, len(hours.day)))
    for t, h in enumerate(hours.interval):
        if h >= 0:
            mean[t, h] = 1.0
    mean /= mean.sum(axis=0)
    nothing = ((0.0,) * slots, (0.0,) * days, (0.0,) * days)
    terms = [(p.peaks.base_kw, p.peaks.above_kw, p.peaks.eur_per_kw) if p.peaks else nothing for p in request.pumps]
    base, above, price = (np.array(column, dtype=float) for column in zip(*terms, strict=True))
    return Peaks(mean, np.array(hours.day, dtype=np.intp), hours.counted_a_day, base, above, price)
