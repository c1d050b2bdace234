"""The headline: what steering saved, from the difference between two randomised arms, with a 95 % interval.

Protects: the interval is honest about homes. Days of one home resemble each other, so the home is what is counted, and
nothing but the draw decides who is compared with whom.

Model, for home i on day d:  y_id = alpha_i + gamma_d + Z_id (delta + kappa (x_id - xbar)) + beta x_id + error, with Z 1
where the home is steered and x the cost that the model of such a house expects in that weather (ANCOVA as in switchback
trials; the interaction after Lin, 2013, so that large and small homes may save differently). xbar is the mean over
steered days, which makes delta the effect on a mean steered home-day. alpha_i is swept out of every column.

The error of delta is clustered by home (CR2), its interval Student's t at Bell and McCaffrey's degrees of freedom
(`savings.clustered`): as wide as it should be with sixteen homes as with a thousand.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from domain.savings.claim import ArmFigures, Claim, Interval
from domain.savings.experiment import Arm
from domain.savings.home_day import HomeDay
from savings.clustered import first_coefficient

Array = npt.NDArray[np.float64]

LEAST_HOMES = 8
"""With fewer homes that were in both arms an error has too few degrees of freedom to be worth telling."""
LEVEL = 0.05
GAINS_K = 3.0
"""By how much people, appliances and sun warm a house without its heating."""
LEAST_LIFT_K = 5.0


def estimate(price_area: str, days: Sequence[HomeDay]) -> Claim:
    """Make the claim of a price area's home-days; `domain.savings.claim.Estimator`."""
    compared = [day for day in days if day.left_out is None and day.arm is not None]
    in_both = _in_both_arms(compared)
    left_out = Counter(day.left_out.value for day in days if day.left_out is not None)
    excluded: Counter[str] = Counter()
    for day in days:
        excluded.update({flag.value: count for flag, count in day.excluded.items()})
    claim = Claim(
        price_area=price_area,
        first_day=min(day.day for day in days),
        last_day=max(day.day for day in days),
        homes=len({day.pump_id for day in compared}),
        steered_home_days=sum(day.arm is Arm.STEERED for day in days),
        left_out=dict(sorted(left_out.items())),
        excluded=dict(sorted(excluded.items())),
        per_home_day_eur=None,
        steered=_figures(compared, Arm.STEERED),
        neutral=_figures(compared, Arm.NEUTRAL),
    )
    if in_both < LEAST_HOMES:
        reason = f"{in_both} homes were compared both steered and neutral: an interval needs {LEAST_HOMES}"
        return claim.model_copy(update={"reason": reason})
    return claim.model_copy(update=_effects(compared))


def _in_both_arms(days: Sequence[HomeDay]) -> int:
    arms: dict[str, set[Arm | None]] = {}
    for day in days:
        arms.setdefault(day.pump_id, set()).add(day.arm)
    return sum(len(seen) == len(Arm) for seen in arms.values())


def _effects(days: Sequence[HomeDay]) -> dict[str, Interval]:
    cost = np.array([day.cost_eur for day in days])
    volume = np.array([day.flat_cost_eur for day in days])
    regress = regression(days)
    found = {"per_home_day_eur": regress(-cost), "price_effect_eur": regress(volume - cost)}
    rooms = [day.room_c for day in days]
    if any(room is None for room in rooms):
        return found | {"volume_effect_eur": regress(-volume)}
    room_c = np.array(rooms, dtype=float)
    outdoor_c = np.array([day.outdoor_c for day in days])
    per_k = float(np.mean(volume / np.maximum(room_c - outdoor_c - GAINS_K, LEAST_LIFT_K)))
    return found | {
        "volume_effect_eur": regress(per_k * room_c - volume),
        "temperature_effect_eur": regress(-per_k * room_c),
        "room_k": regress(room_c),
    }


def regression(days: Sequence[HomeDay]) -> Callable[[Array], Interval]:
    """The design of these days, ready for any outcome (one value a day): the effect of being steered on it."""
    from scipy.stats import t  # here: it takes a while to import, and a worker that settles nothing need not wait

    homes, home = np.unique([day.pump_id for day in days], return_inverse=True)
    dates, date = np.unique([day.day.toordinal() for day in days], return_inverse=True)
    steered = np.array([day.arm is Arm.STEERED for day in days], dtype=float)
    x = np.array([day.expected_eur for day in days])
    around = x - x[steered > 0].mean()
    columns = [steered, steered * around, x, *(date == n for n in range(1, len(dates)))]
    design = _swept(np.column_stack(columns).astype(float), home, len(homes))
    coefficient = first_coefficient(design, home)
    errors = float(t.ppf(1 - LEVEL / 2, coefficient.degrees_of_freedom))

    def effect(outcome: Array) -> Interval:
        mean, error = coefficient.of(_swept(outcome[:, None], home, len(homes))[:, 0])
        return Interval(mean=mean, low=mean - errors * error, high=mean + errors * error)

    return effect


def _swept(columns: Array, home: npt.NDArray[np.intp], homes: int) -> Array:
    """Columns (rows, k) less their mean over each home."""
    counts = np.bincount(home, minlength=homes)[:, None]
    sums = np.zeros((homes, columns.shape[1]))
    np.add.at(sums, home, columns)
    return np.asarray(columns - (sums / counts)[home])


def _figures(days: Sequence[HomeDay], arm: Arm) -> ArmFigures | None:
    mine = [day for day in days if day.arm is arm]
    if not mine:
        return None
    rooms = [day.room_c for day in mine if day.room_c is not None]
    outside = [day.kelvin_hours for day in mine if day.room_c is not None]
    return ArmFigures(
        home_days=len(mine),
        cost_eur_per_day=sum(day.cost_eur for day in mine) / len(mine),
        kwh_per_day=sum(day.kwh for day in mine) / len(mine),
        room_c=sum(rooms) / len(rooms) if rooms else None,
        kelvin_hours_per_day=sum(outside) / len(outside) if outside else 0.0,
    )
