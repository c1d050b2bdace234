"""What the text and the page of a backtest say alike."""

from typing import Any

from console.cli.words import counted

NAMES = {
    "curve": "own control",
    "flat": "a step lower",
    "threshold": "price threshold",
    "plan": "heatsteer",
    "perfect": "perfect forecasts",
}
"""Controllers by the key of `figures`."""
HEADS = (
    "", "cost, EUR", "kWh", "price paid, EUR/MWh", "mean room, °C", "K h a day too cold", "too warm", "starts a day",
    "heating rod, kWh",
)  # fmt: skip
METHOD = (
    "All controllers live the same days in the same simulated houses, whose physics is not the planner's. Gains are "
    "compared at the mean room of own control: what a colder room saves is no gain. Intervals are over homes, which "
    "all lived these days, and say nothing of another winter. The plan is made at 13:15 the day before, with a "
    "forecast that is wrong by 1.5 K after 24 hours. “A step lower” is own control with every lever one "
    "step down; “perfect forecasts” is the same planner knowing what comes: what better forecasts would be worth, and "
    "no bound on what a better model could earn."
)


def controller_rows(found: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row of `HEADS` for every controller."""
    return [
        (
            NAMES[name],
            f"{one['cost_eur']:,.0f}",
            f"{one['kwh']:,.0f}",
            f"{1000 * one['cost_eur'] / one['kwh']:.1f}" if one["kwh"] else "–",
            f"{one['mean_room_c']:.2f}",
            f"{one['kelvin_hours_below']:.3f}",
            f"{one['kelvin_hours_above']:.3f}",
            f"{one['starts_per_day_mean']:.1f}",
            f"{one['backup_kwh']:,.0f}",
        )
        for name, one in found["controllers"].items()
    ]


def headline(found: dict[str, Any]) -> str:
    """What the plan was worth, in one sentence."""
    gain, pct = found["gain_eur"], found["gain_pct"]
    share = "" if pct is None else f", {pct:.1f} % of what own control costs"
    return (
        f"Over {counted(found['days'], 'day')} the plan was worth {gain['mean']:.2f} EUR a home "
        f"({gain['low']:.2f} to {gain['high']:.2f}) over own control at the same mean room{share}."
    )


def sentences(found: dict[str, Any]) -> list[str]:
    """What else is to be known."""
    over = found["gain_over_threshold_eur"]
    said = [
        f"Over a price threshold it was worth {over['mean']:.2f} EUR a home ({over['low']:.2f} to {over['high']:.2f})."
    ]
    if found["share_of_perfect_pct"] is not None:
        said.append(f"Of what the planner earns with perfect forecasts it kept {found['share_of_perfect_pct']:.1f} %.")
    off = found["forecast_cost_error_pct"]
    if off is not None:
        late = found["forecast_cost_error_from_day_15_pct"]
        later = "" if late is None else f", {_off(late)} from the 15th day on, once houses are learned"
        said.append(f"It expected {_off(off)} than heating came to{later}.")
    arms = found["two_unsteered_arms_eur_per_mwh"]
    said.append(
        f"A check on the method: two random halves of the houses under own control paid {arms['mean']:+.2f} EUR/MWh "
        f"apart ({arms['low']:+.2f} to {arms['high']:+.2f}), where nothing is the truth."
    )
    return said


def _off(percent: float) -> str:
    return f"{abs(percent):.1f} % {'less' if percent < 0 else 'more'}"
