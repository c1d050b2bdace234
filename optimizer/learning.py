"""Learns a house from its past: the parameters that make the planner's own model follow rooms and meter a day ahead.

Symbols: theta the parameters (log capacity factor, authority factor, log aperture factor, room that neutral holds) with
prior N(theta_0, P_0); r residuals, hourly means of room observed less simulated over windows of 24 h, each begun at the
observed room; s their robust scale; rho Huber's loss; k the share of the residuals that counts as independent.

        theta = argmin  k sum rho(r / s)  +  1/2 (theta - theta_0)' P_0^-1 (theta - theta_0)

by Gauss-Newton with reweighting; the posterior's covariance is (k J' W J / s^2 + P_0^-1)^-1. A sensor's steps of 0.1 to
0.5 K are larger than what a slot changes, so nothing is fitted to single slots (a one-step regression is badly biased
by them); Huber's loss bounds what a fireplace or an open window can say.

Electricity is a factor on what the model draws along those simulated days, in logarithms, with the same loss and a
prior of its own. Where no power is seen the fleet's mean takes its place (`with_the_fleet`).

Invariant: a house is planned as learned only if on the newest days, which were not learned from, the error a day ahead
was smaller than the class's and than persistence's; what does not pass is kept with its figures and not used.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from domain.homes.enrolment import PumpProfile
from domain.homes.learned import AheadErrors, Fitted, ForetoldDay, HouseRecord, LearnedHouse, Source
from domain.planning.fleet_plan import PumpForPlanning
from domain.slots import SLOT
from optimizer.house import MODES, Array, House, Houses, house_of
from optimizer.response import Horizon, Responses, respond

WINDOW = 96
APART = 48
"""Windows begin so many slots apart: each observation is in two of them."""
INDEPENDENT_SHARE = 1 / 16
"""Residuals of a window rise and fall together: its 24 count as some three, and each is in two windows."""
LEAST_ROOM_DAYS, LEAST_POWER_DAYS = 6, 6
HELD_OUT_SHARE, LEAST_HELD_OUT = 0.25, 2
"""Newest days that are not learned from but judged by."""
SEEN_SHARE = 2 / 3
"""Of a window's hours, or of a day's power, that must have been observed."""
WARM_C = 13.0
"""Days milder than this on the mean say little of heating."""
HUBER = 1.5
LEAST_SCALE_K = 0.1
MOST_ERROR_K = 0.6
"""Rooms that are foretold worse than this a day ahead follow something else than the heating."""
STEPS = 5
Z95 = 1.96
PRIOR_SD = np.array([0.4, 0.35, 0.7, 0.5])
"""Of log capacity, authority, log aperture, and kelvins of the room that neutral holds."""
NUDGE = np.array([0.1, 0.1, 0.2, 0.1])
LOWEST = np.array([np.log(0.3), 0.0, np.log(0.1), -3.0])
HIGHEST = np.array([np.log(3.0), 2.5, np.log(6.0), 3.0])
POWER_PRIOR_SD = 0.2
LEAST_DAY_SD = 0.05
FLEET_LEAST = 2
"""Houses that must have been learned before their mean says something of others."""
CLASS = np.array([0.0, 1.0, 0.0, 0.0])
"""theta of the class itself."""

Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]


@dataclass(frozen=True)
class _Past:
    """A record as arrays (N,), with the windows that can be judged."""

    room_c: Array
    heating_kw: Array
    modes: Index
    horizon: Horizon
    starts: Index
    room_at_start_c: Array
    hourly_c: Array
    """Observed, (W, 24), NaN where not."""

    def of(self, chosen: Mask) -> "_Past":
        return replace(
            self,
            starts=self.starts[chosen],
            room_at_start_c=self.room_at_start_c[chosen],
            hourly_c=self.hourly_c[chosen],
        )


@dataclass(frozen=True)
class _Rooms:
    theta: Array
    covariance: Array
    centre_c: float


def learn(profile: PumpProfile, record: HouseRecord, now: datetime) -> LearnedHouse:
    """What a record says of a pump's house; never raises for a poor one, whose figures then stay the class's."""
    past = _past(record)
    prior = _house(profile, past)
    blank = LearnedHouse(
        pump_id=profile.enrolment.pump_id,
        learned_at=now,
        since=record.start,
        room_days=_days(past),
        power_days=len(_power_days(past)[0]),
    )
    learned = _with_rooms(blank, prior, past) if profile.has_room_sensor else blank.model_copy(
        update={"reason": "no room sensor"}
    )  # fmt: skip
    return _with_power(learned, prior, past)


def with_the_fleet(learned: Sequence[LearnedHouse]) -> list[LearnedHouse]:
    """The same; what could not be learned of a house is what the others' houses show on the mean.

    The room that neutral holds is each house's own and has no mean.
    """
    scale = _shared([one.power_scale for one in learned if one.power is Source.LEARNED], POWER_PRIOR_SD)
    of_rooms = {
        name: _shared([getattr(one, name) for one in learned if one.rooms is Source.LEARNED], sd)
        for name, sd in zip(("capacity", "authority", "aperture"), PRIOR_SD, strict=False)
    }
    found = []
    for one in learned:
        changed: dict[str, object] = {}
        if one.power is not Source.LEARNED and scale is not None:
            changed |= {"power": Source.FLEET, "power_scale": scale}
        if one.rooms is not Source.LEARNED and all(of_rooms.values()):
            changed |= {"rooms": Source.FLEET, "held_c": None, **of_rooms}
        found.append(one.model_copy(update=changed))
    return found


def _shared(known: Sequence[Fitted | None], prior_sd: float) -> Fitted | None:
    """The mean factor of the houses that were learned, shrunk towards 1, with the interval of another house."""
    logs = np.log([max(one.value, 0.05) for one in known if one is not None])
    if len(logs) < FLEET_LEAST:
        return None
    spread = max(float(np.std(logs, ddof=1)), LEAST_DAY_SD)
    of_mean = len(logs) / spread**2
    mean = float(np.median(logs)) * of_mean / (of_mean + prior_sd**-2.0)
    return _exp_fitted(mean, (spread**2 + 1 / (of_mean + prior_sd**-2.0)) ** 0.5)


def _with_rooms(blank: LearnedHouse, prior: House, past: _Past) -> LearnedHouse:
    fit_on, judge_on = _split(past)
    if blank.room_days < LEAST_ROOM_DAYS or judge_on.sum() < LEAST_HELD_OUT:
        return blank.model_copy(update={"reason": f"{blank.room_days} days of rooms are too few"})
    fitted = _fit(prior, past.of(fit_on))
    judged = past.of(judge_on)
    by_learned = _hours(prior, judged, fitted.theta[None], fitted.centre_c)[0]
    by_class = _hours_of_class(prior, judged)
    errors = AheadErrors(
        learned=_rms(judged.hourly_c - by_learned),
        prior=_rms(judged.hourly_c - by_class),
        persistence=_rms(judged.hourly_c - judged.room_at_start_c[:, None]),
        days=int(judge_on.sum()),
    )
    believed = errors.earned and errors.learned < MOST_ERROR_K
    best = _fit(prior, past) if believed else fitted
    foretold = ForetoldDay(
        start=blank.since + int(judged.starts[-1]) * SLOT,
        seen_c=tuple(None if np.isnan(room) else round(float(room), 2) for room in judged.hourly_c[-1]),
        learned_c=_rounded(by_learned[-1]),
        prior_c=_rounded(by_class[-1]),
    )
    names = ("capacity", "authority", "aperture", "held_c")
    figures = dict(zip(names, _intervals(best), strict=True))
    reason = "" if believed else "rooms a day ahead are not foretold well enough"
    rooms = Source.LEARNED if believed else Source.CLASS
    return blank.model_copy(
        update={**figures, "room_errors_k": errors, "rooms": rooms, "foretold": foretold, "reason": reason}
    )


def _intervals(fitted: _Rooms) -> list[Fitted]:
    sd = np.sqrt(np.diag(fitted.covariance))
    theta, (capacity, authority, aperture, held) = fitted.theta, sd
    return [
        _exp_fitted(theta[0], capacity),
        _fitted(theta[1], authority),
        _exp_fitted(theta[2], aperture),
        _fitted(fitted.centre_c + theta[3], held),
    ]


def _rounded(rooms: Array) -> tuple[float, ...]:
    return tuple(round(float(room), 2) for room in rooms)


def _fitted(value: float, sd: float) -> Fitted:
    return Fitted(value=round(value, 4), low=round(value - Z95 * sd, 4), high=round(value + Z95 * sd, 4))


def _exp_fitted(value: float, sd: float) -> Fitted:
    low, mid, high = (round(float(np.exp(value + z * sd)), 4) for z in (-Z95, 0.0, Z95))
    return Fitted(value=mid, low=low, high=high)


def _past(record: HouseRecord) -> _Past:
    room = np.array([np.nan if one is None else one for one in record.room_c], dtype=float)
    room[~((room > 5.0) & (room < 40.0))] = np.nan  # a broken sensor
    kw = np.array([np.nan if one is None else one for one in record.heating_kw], dtype=float)
    outdoor, sun = np.array(record.outdoor_c, dtype=float), np.array(record.sun_w_per_m2, dtype=float)
    horizon = Horizon(np.zeros(len(outdoor)), outdoor, sun)
    starts, at_start, hourly = [], [], []
    for start in range(2, len(room) - WINDOW + 1, APART):
        near = room[start - 2 : start + 2]
        hours = _hourly(room[start : start + WINDOW])
        is_cold = outdoor[start : start + WINDOW].mean() < WARM_C
        if is_cold and np.isfinite(near).any() and np.isfinite(hours).mean() >= SEEN_SHARE:
            starts.append(start)
            at_start.append(np.nanmean(near))
            hourly.append(hours)
    return _Past(
        room, kw, np.array([MODES.index(mode) for mode in record.modes], dtype=np.intp), horizon,
        np.array(starts, dtype=np.intp), np.array(at_start), np.array(hourly).reshape(-1, WINDOW // 4),
    )  # fmt: skip


def _hourly(slots: Array) -> Array:
    quarters = slots.reshape(-1, 4)
    seen = np.isfinite(quarters).sum(axis=1)
    means = np.nansum(quarters, axis=1) / np.maximum(seen, 1)
    return np.asarray(np.where(seen > 0, means, np.nan))


def _days(past: _Past) -> int:
    return len(past.starts) * APART // WINDOW


def _split(past: _Past) -> tuple[Mask, Mask]:
    """Windows to learn from, and the newest, which do not overlap them."""
    held_out = max(LEAST_HELD_OUT, round(HELD_OUT_SHARE * len(past.starts)))
    judge = np.zeros(len(past.starts), dtype=bool)
    judge[-held_out:] = True
    if not len(past.starts):
        return judge, judge
    first = past.starts[judge].min()
    return past.starts + WINDOW <= first, judge


def _house(profile: PumpProfile, past: _Past) -> House:
    """The class's house, held where the record's rooms lay."""
    seen = past.room_c[np.isfinite(past.room_c)]
    house = house_of(PumpForPlanning(profile=profile, room_c=float(np.median(seen)) if len(seen) else None))
    return replace(house, may_set_back=True)


def _nudged(prior: House, thetas: Array, centre_c: float) -> Houses:
    """The prior's house under parameters (P, 4)."""
    return Houses.of(
        [
            replace(
                prior,
                capacity_kwh_per_k=prior.capacity_kwh_per_k * float(np.exp(theta[0])),
                shift_k=tuple(float(theta[1]) * shift for shift in prior.shift_k),
                aperture_m2=prior.aperture_m2 * float(np.exp(theta[2])),
                room_held_c=centre_c + float(theta[3]),
            )
            for theta in thetas
        ]
    )


def _rooms_ahead(model: Responses, past: _Past, room_c: Array) -> Array:
    """Rooms at the edges of a window's slots, (97, P, W), from rooms (P, W) at its start."""
    drift = model.drift_on_bnm[:, np.arange(past.horizon.slots), past.modes]
    keep_on, keep_off = model.keep_on[:, None], model.keep_off[:, None]
    rooms = np.empty((WINDOW + 1, *room_c.shape))
    rooms[0] = room_c
    for k in range(WINDOW):
        at = past.starts + k
        on = keep_on * rooms[k] + drift[:, at]
        np.maximum(keep_off * rooms[k] + model.drift_off_bn[:, at], on, out=rooms[k + 1])
    return rooms


def _power_ahead(model: Responses, past: _Past, rooms: Array) -> Array:
    """Mean electrical power of the windows, kW (P, W), along the rooms at the edges of their slots."""
    at = past.starts[:, None] + np.arange(WINDOW)
    modes = past.modes[at]
    room = np.moveaxis(rooms[:-1], 0, 2)
    demand = model.power_at_zero_bnm[:, at, modes] + model.power_slope_bnm[:, at, modes] * room
    heat = model.heat_at_zero_bnm[:, at, modes] + model.heat_slope[:, None, None] * room
    rod = np.maximum(heat - model.heat_limit_bn[:, at], 0.0) * model.rod_bn[:, at]
    power = np.clip(demand, 0.0, model.power_limit_bnm[:, at, modes]) + rod
    return np.asarray(power.mean(axis=2) + model.standby_kw[:, None])


def _hours(prior: House, past: _Past, thetas: Array, centre_c: float) -> Array:
    """Simulated rooms, hourly means (P, W, 24), each window begun at the room that was seen."""
    houses = _nudged(prior, thetas, centre_c)
    start = np.broadcast_to(past.room_at_start_c, (len(thetas), len(past.starts)))
    rooms = _rooms_ahead(respond(houses, past.horizon), past, start)[1:]
    return np.asarray(np.moveaxis(rooms.reshape(-1, 4, *start.shape).mean(axis=1), 0, 2))


def _hours_of_class(prior: House, past: _Past) -> Array:
    """As a plan without learning has it: neutral holds the room that is read at the start. (W, 24)"""
    places = np.arange(len(past.starts))
    as_class = np.array([CLASS])
    return np.concatenate(
        [_hours(prior, past.of(places == w), as_class, float(past.room_at_start_c[w]))[0] for w in places]
    )


def _fit(prior: House, past: _Past) -> _Rooms:
    """Gauss-Newton with Huber weights; the Jacobian by differences, all parameters in one simulation."""
    centre = float(np.nanmedian(past.hourly_c))
    theta, precision = CLASS.copy(), np.diag(PRIOR_SD**-2.0)
    information = precision
    for _ in range(STEPS):
        thetas = np.vstack([theta, theta + np.diag(NUDGE)])
        residuals = (past.hourly_c - _hours(prior, past, thetas, centre)).reshape(len(thetas), -1)
        residuals = residuals[:, np.isfinite(residuals[0])]
        r = residuals[0]
        jacobian = ((residuals[1:] - r) / NUDGE[:, None]).T
        scale = max(LEAST_SCALE_K, 1.4826 * float(np.median(np.abs(r))))
        weight = INDEPENDENT_SHARE * np.minimum(1.0, HUBER * scale / np.maximum(np.abs(r), 1e-9)) / scale**2
        information = jacobian.T @ (weight[:, None] * jacobian) + precision
        step = np.linalg.solve(information, -jacobian.T @ (weight * r) - precision @ (theta - CLASS))
        theta = np.clip(theta + step, LOWEST, HIGHEST)
    return _Rooms(theta, np.linalg.inv(information), centre)


def _with_power(learned: LearnedHouse, prior: House, past: _Past) -> LearnedHouse:
    """Learned from all but the newest days, judged on those, and then learned from all."""
    days, seen_kw = _power_days(past)
    if len(days) < LEAST_POWER_DAYS:
        return learned
    modelled_kw = _modelled_kw(learned, prior, past, days)
    ratio = np.log(np.maximum(seen_kw, 0.02) / np.maximum(modelled_kw, 0.02))
    held_out = max(LEAST_HELD_OUT, round(HELD_OUT_SHARE * len(days)))
    mean, sd = _robust_mean(ratio[:-held_out])
    seen, modelled = seen_kw[-held_out:], modelled_kw[-held_out:]
    errors = AheadErrors(
        learned=_off_pct(np.exp(mean) * modelled, seen),
        prior=_off_pct(modelled, seen),
        persistence=_off_pct(seen_kw[-held_out - 1 : -1], seen),
        days=held_out,
    )
    if errors.earned:
        mean, sd = _robust_mean(ratio)
    reason = learned.reason or ("" if errors.earned else "a day's energy is not foretold better than by class")
    return learned.model_copy(
        update={
            "power": Source.LEARNED if errors.earned else Source.CLASS,
            "power_scale": _exp_fitted(mean, sd),
            "power_errors_pct": errors,
            "reason": reason,
        }
    )


def _power_days(past: _Past) -> tuple[Index, Array]:
    """First slots of days on which power was seen nearly always, and their mean, kW."""
    starts, means = [], []
    for start in range(0, len(past.heating_kw) - WINDOW + 1, WINDOW):
        day = past.heating_kw[start : start + WINDOW]
        is_cold = past.horizon.outdoor_c[start : start + WINDOW].mean() < WARM_C
        if is_cold and np.isfinite(day).mean() >= SEEN_SHARE:
            starts.append(start)
            means.append(np.nanmean(day))
    return np.array(starts, dtype=np.intp), np.array(means)


def _modelled_kw(learned: LearnedHouse, prior: House, past: _Past, days: Index) -> Array:
    """What the house as believed draws on those days, mean kW."""
    held = learned.held_c if learned.rooms is Source.LEARNED else None
    if held and learned.capacity and learned.authority and learned.aperture:
        theta = [np.log(learned.capacity.value), learned.authority.value, np.log(learned.aperture.value), 0.0]
        houses = _nudged(prior, np.array([theta]), held.value)
    else:
        houses = Houses.of([prior])
    rooms = past.room_c[np.maximum(days, 1) - 1]
    start = np.where(np.isfinite(rooms), rooms, houses.room_held_c[0])
    model, on_days = respond(houses, past.horizon), replace(past, starts=days)
    return np.asarray(_power_ahead(model, on_days, _rooms_ahead(model, on_days, start[None, :]))[0])


def _robust_mean(ratio: Array) -> tuple[float, float]:
    """Huber's mean of logarithms shrunk to 0, and its standard deviation."""
    mean, precision = float(np.median(ratio)), 1 / POWER_PRIOR_SD**2
    sd = max(LEAST_DAY_SD, 1.4826 * float(np.median(np.abs(ratio - mean))))
    for _ in range(STEPS):
        weight = np.minimum(1.0, HUBER * sd / np.maximum(np.abs(ratio - mean), 1e-9)) / sd**2
        mean = float((weight * ratio).sum() / (weight.sum() + precision))
    return mean, float((weight.sum() + precision) ** -0.5)


def _rms(residuals: Array) -> float:
    known = residuals[np.isfinite(residuals)]
    return round(float(np.sqrt((known**2).mean())), 4) if len(known) else 0.0


def _off_pct(foretold: Array, seen: Array) -> float:
    return round(100 * float(np.sqrt(((foretold / np.maximum(seen, 0.02) - 1) ** 2).mean())), 2)
