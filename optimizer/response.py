"""What a mode does to a room and to a meter: one slow state per house, discretised exactly.

Symbols (N slots of `SLOT_HOURS`, M modes in the order of `MODES`, B houses; UA, C, K, s_m, g as in `house`):

    T      room temperature at a slot's start, degrees C (the one state); T_held what neutral holds
    To, G  outdoor temperature and heat gains (people, appliances, sun) in the slot
    Tw_m   mean water temperature the pump's own control holds in mode m; Tf the outdoor temperature its curve follows

        C dT/dt = Q - UA (T - To) + G,      Q = max(K (Tw_m - T), 0),
        Tw_m = Tw_0(Tf) + s_m - g (T - T_held)

Exact zero-order hold per regime, never Euler (for 2 h houses Euler is 6 % off): with a = exp(-dt (K(1+g)+UA)/C) while
the control regulates and a0 = exp(-dt UA/C) while it is off,

        T+ = max( a0 T + c_off,  a T + c_m )

so T+ is increasing, piecewise affine and contracting in T, the same a for all modes of a house, c_m per mode and slot.
Electricity of a slot is standby + clip(e_m(T), 0, Qmax/COP_m), with e_m(T) the tangent at T_held of q_m(T)/COP_m(T) and
q_m the exact slot mean of K (Tw_m - T). COP depends on outdoor and water temperature and on part load, so hotter water
costs more, also the hotter water and the higher load that a cold room asks for. A heating rod supplies what the
compressor cannot, at COP 1 and whatever the weather: a back-up is a consequence of deficit, never a choice. Qmax is
what defrosts and the tank leave of the compressor's output.

Invariant: neutral is calibrated so that the own control holds the room where it was observed, for every steady outdoor
temperature, without sun; so a plan is judged against what this household has, not against a target of ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from domain.slots import SLOT_HOURS
from optimizer.house import LOW, MIN, Array, Houses, cop, left_by_defrosts
from optimizer.kernels import rooms_ahead

TANK_SHARE = 0.2
"""Of the compressor's time that the tank takes where it matters: a charge of three quarters of an hour in a raise, or
in a cold evening, of four. Units call the rod when the rooms have missed that much, well before the compressor's limit:
in houses of another physics under their own control a share of 0 foretells a sixtieth of what rods draw in a winter,
0.06 (a day's mean) a twelfth, 0.2 half of it."""
FILTER_H = 6.0
"""Played in houses of another physics on 2026-03-03 (clear, prices and weather of the day): 3 h leaves twice the
kelvin-hours, 10 h hardly fewer."""
FILTER_RUN_IN_SLOTS = 96
HEATING_LIMIT_C = 16.0
"""Above this mean outdoor temperature a pump's own control does not heat, whatever its offset."""
NO_HEATING_C = -50.0
"""Water so cold that nothing heats."""


@dataclass(frozen=True)
class Horizon:
    """Prices and weather on the N slots of a request."""

    price_eur_per_mwh: Array
    outdoor_c: Array
    sun_w_per_m2: Array
    outdoor_before_c: Array = field(default_factory=lambda: np.empty(0))
    """Outdoor temperatures of the slots before the horizon, newest last, as far as they are known."""

    @cached_property
    def curve_outdoor_c(self) -> Array:
        """The outdoor temperature that a unit's heating curve follows: filtered, since sensors sit on walls and units
        damp them on purpose, over 3 to 10 h; run from the day before, which counts as like the day itself where it is
        not known. (N,)"""
        day = self.outdoor_c[:FILTER_RUN_IN_SLOTS]
        run_in = np.concatenate([np.resize(day, FILTER_RUN_IN_SLOTS), self.outdoor_before_c])[-FILTER_RUN_IN_SLOTS:]
        if len(day) < FILTER_RUN_IN_SLOTS and not len(self.outdoor_before_c):
            run_in = np.full(1, float(day.mean()))  # a piece of a day says little of the hours before it
        keep, seen, value = float(np.exp(-SLOT_HOURS / FILTER_H)), np.empty(self.slots), float(run_in[0])
        for outdoor_c in run_in:
            value = keep * value + (1 - keep) * float(outdoor_c)
        for t in range(self.slots):
            value = keep * value + (1 - keep) * float(self.outdoor_c[t])
            seen[t] = value
        return seen

    @property
    def slots(self) -> int:
        return len(self.price_eur_per_mwh)


@dataclass(frozen=True)
class Responses:
    """Affine responses of B houses over N slots; `_bn` arrays are (B, N), `_bnm` (B, N, M), plain ones (B,)."""

    keep_on: Array
    """a: share of a room's excess left after a slot under regulation."""
    keep_off: Array
    """a0: the same with the heat off."""
    drift_on_bnm: Array
    drift_off_bn: Array
    power_at_zero_bnm: Array
    """e_m for T = 0 at the slot's start, kW."""
    power_slope_bnm: Array
    """d of that by T, kW/K (negative)."""
    power_limit_bnm: Array
    """Electrical power at full output, kW."""
    heat_at_zero_bnm: Array
    """q_m for T = 0, kW."""
    heat_slope: Array
    heat_limit_bn: Array
    """Qmax."""
    rod_bn: Array
    """1 where a heating rod supplies the excess of q_m over `heat_limit_bn`, 0 where nothing does."""
    standby_kw: Array
    room_start_c: Array

    @property
    def size(self) -> tuple[int, int, int]:
        """(B, N, M)."""
        b, n, m = self.drift_on_bnm.shape
        return b, n, m

    def part(self, rows: Sequence[int] | npt.NDArray[np.intp]) -> "Responses":
        """The responses of some of the houses."""
        index = np.asarray(rows, dtype=np.intp)
        return Responses(**{name: getattr(self, name)[index] for name in self.__dataclass_fields__})

    def floored(self, rows: npt.NDArray[np.bool_]) -> "Responses":
        """The responses where the lowest mode of some houses acts as neutral does: it is not to be had there.

        A plan that names it for them says neutral; the bound stays one, since nothing that was allowed got dearer.
        """
        if not rows.any():
            return self
        changed = {}
        for name in ("drift_on_bnm", "power_at_zero_bnm", "power_slope_bnm", "power_limit_bnm", "heat_at_zero_bnm"):
            values = getattr(self, name).copy()
            values[rows, :, MIN] = values[rows, :, LOW]
            changed[name] = values
        return replace(self, **changed)

    def rooms(self, slot: int, room_c: Array) -> Array:
        """Rooms at the slot's end under every mode: (M, B, k) for rooms (B, k) at its start."""
        off = self.keep_off[:, None] * room_c + self.drift_off_bn[:, slot, None]
        on = self.keep_on[:, None] * room_c + self.drift_on_bnm[:, slot].T[:, :, None]
        return np.maximum(off, on)

    def powers(self, slot: int, room_c: Array) -> Array:
        """Mean electrical power of the slot in kW under every mode: (M, B, k) for rooms (B, k) at its start."""
        demand = self.power_at_zero_bnm[:, slot].T[:, :, None] + self.power_slope_bnm[:, slot].T[:, :, None] * room_c
        compressor = np.clip(demand, 0.0, self.power_limit_bnm[:, slot].T[:, :, None])
        heat = self.heat_at_zero_bnm[:, slot].T[:, :, None] + self.heat_slope[:, None] * room_c
        excess = np.maximum(heat - self.heat_limit_bn[:, slot, None], 0.0) * self.rod_bn[:, slot, None]
        return self.standby_kw[:, None] + compressor + excess


def ahead_of(responses: Responses) -> tuple[Array, Array, Array]:
    """Rooms at the slots' ends with every pump LOW, (B, N), and the coldest and warmest any modes lead to, (B,)."""
    b, n, _ = responses.size
    path, least, most = np.empty((b, n)), np.empty(b), np.empty(b)
    on, off = (np.ascontiguousarray(drift) for drift in (responses.drift_on_bnm, responses.drift_off_bn))
    rooms_ahead(responses.keep_on, responses.keep_off, on, off, responses.room_start_c, LOW, path, least, most)
    return path, least, most


def respond(houses: Houses, horizon: Horizon) -> Responses:
    """Responses of houses to the horizon's weather; time in hours, power in kW."""
    loss, capacity, emitter = houses.loss_kw_per_k, houses.capacity_kwh_per_k, houses.emitter_kw_per_k
    feedback, held, internal, aperture = houses.feedback, houses.room_held_c, houses.gains_kw, houses.aperture_m2
    outdoor = horizon.outdoor_c[None, :]
    gains = internal[:, None] + aperture[:, None] * horizon.sun_w_per_m2[None, :] / 1000
    own = emitter * (1 + feedback)
    rate_on, rate_off = (own + loss) / capacity * SLOT_HOURS, loss / capacity * SLOT_HOURS
    keep_on, keep_off = np.exp(-rate_on), np.exp(-rate_off)
    mean_share = (1 - keep_on) / rate_on

    water = _water_at_held(houses, horizon)
    heat_limit = _heat_limit(houses, horizon)
    pull = emitter[:, None, None] * (water + (feedback * held)[:, None, None])
    settled = (pull + (loss[:, None] * outdoor + gains)[:, :, None]) / (own + loss)[:, None, None]
    heat_at_zero = pull - (own * (1 - mean_share))[:, None, None] * settled
    heat_slope = -own * mean_share
    per_heat, power_slope = _power_tangent(houses, horizon, water, heat_limit, heat_slope)
    heat_at_held = heat_at_zero + (heat_slope * held)[:, None, None]
    off = (1 - keep_off)[:, None] * (outdoor + gains / loss[:, None])
    responses = Responses(
        keep_on=keep_on,
        keep_off=keep_off,
        drift_on_bnm=(1 - keep_on)[:, None, None] * settled,
        drift_off_bn=off,
        power_at_zero_bnm=heat_at_held * per_heat - power_slope * held[:, None, None],
        power_slope_bnm=power_slope,
        power_limit_bnm=heat_limit[:, :, None] * per_heat,
        heat_at_zero_bnm=heat_at_zero,
        heat_slope=heat_slope,
        heat_limit_bn=heat_limit,
        rod_bn=np.ones_like(heat_limit),
        standby_kw=houses.standby_kw,
        room_start_c=houses.room_start_c.copy(),
    )
    return responses.floored(~houses.may_set_back)


def _water_at_held(houses: Houses, horizon: Horizon) -> Array:
    """Mean water temperature of every mode with the room at T_held, (B, N, M)."""
    held, loss, internal, emitter = (
        values[:, None]
        for values in (houses.room_held_c, houses.loss_kw_per_k, houses.gains_kw, houses.emitter_kw_per_k)
    )
    neutral = held + (loss * (held - horizon.curve_outdoor_c[None, :]) - internal) / emitter
    water = neutral[:, :, None] + houses.shift_k[:, None, :]
    if horizon.outdoor_c.mean() > HEATING_LIMIT_C:
        return np.full_like(water, NO_HEATING_C)
    return np.asarray(water)


def _heat_limit(houses: Houses, horizon: Horizon) -> Array:
    """Heat that rooms get at full output, kW (B, N): an air source gives about 2 % more per kelvin."""
    rated, design = houses.rated_heat_kw[:, None], houses.design_outdoor_c[:, None]
    dry = rated * np.clip(1 + 0.02 * (horizon.outdoor_c[None, :] - design), 0.8, 1.5)
    return np.asarray(dry * left_by_defrosts(horizon.outdoor_c)[None, :] * (1 - TANK_SHARE))


def _power_tangent(
    houses: Houses, horizon: Horizon, water_c: Array, heat_limit: Array, heat_slope: Array
) -> tuple[Array, Array]:
    """1/COP with the room at T_held, and how power answers to the room there, kW/K; (B, N, M) each."""
    emitter, feedback, held, scale = (
        values[:, None, None]
        for values in (houses.emitter_kw_per_k, houses.feedback, houses.room_held_c, houses.power_scale)
    )
    outdoor, limit = horizon.outdoor_c[None, :, None], heat_limit[:, :, None]
    colder_by_k = 1.0

    def per_heat(water: Array, room: Array) -> tuple[Array, Array]:
        heat = np.clip(emitter * (water - room), 0.0, limit)
        return scale / cop(outdoor, water, heat / limit), heat

    now, heat = per_heat(water_c, held)
    then, _ = per_heat(water_c + feedback * colder_by_k, held - colder_by_k)
    return now, heat_slope[:, None, None] * now - heat * (then - now) / colder_by_k
