"""The words of reports: for people who never saw a name of the code."""

from collections.abc import Mapping, Sequence
from datetime import date, time

from application.savings.report import HomeReport, PowerMonth
from domain.homes.comfort import WEEK, Accepted, ComfortWeek, DayKind
from domain.savings.claim import Claim
from domain.savings.energy import Evidence, Flag

EVIDENCE_WORDS = {
    Evidence.METER: "meter",
    Evidence.COUNTER: "counter of the unit, as the vendor shows it",
    Evidence.POWER: "power as the vendor shows it",
    Evidence.TOTAL: "total of hours or a day, spread by mode",
    Evidence.MODEL: "not measured: model",
}
FLAG_WORDS = {
    Flag.NOT_A_NUMBER: "no number",
    Flag.NEGATIVE: "negative",
    Flag.RESET: "counter ran back",
    Flag.TOO_HIGH: "more than the pump can draw",
    Flag.FUTURE: "stamped in the future",
    Flag.DUPLICATE: "reported twice",
    Flag.COPY: "copied from the day before",
    Flag.CONTRADICTED: "total below what was measured",
}
LEFT_OUT_WORDS = {
    "no-experiment": "on days without an experiment",
    "modelled": "mostly not measured",
    "washout": "just after a change of arm",
    "not-steerable": "where moving would earn nobody anything",
}
MODE_WORDS = {"MIN": "set back", "LOW": "neutral", "MID": "raised", "MAX": "forced"}

REGRET_FIGURES = {
    "planned": "expected by the plans in force: heating alone, at the prices and forecasts they were made with",
    "settled": "settled: the whole unit with hot water, measured as far as it was, at the newest prices",
    "done": "model: the heating in the modes that were asked for, in the weather and at the prices that came",
    "foresight": "model: the same planner, had it known weather, prices and the rooms of that morning",
    "neutral": "model: own control throughout",
    "regret_eur": "done less foresight, with discomfort, lost warmth, changes of mode and heat left over priced",
    "kept_share": "share of what foresight gains over own control that was kept",
}
"""What each figure of the regret is."""

ARM_HEADS = ("", "home-days", "kWh a day", "EUR a day", "room", "K h outside")
HOUSE_HEAD = "Your whole house"
"""Over peak power, panels and dimming, which are the house's and not the pump's alone."""
HOME_HEADS = ("home", "kWh", "paid", "model: unsteered", "room", "K h outside", "days neutral")


def arm_rows(claim: Claim) -> list[tuple[str, ...]]:
    """Both arms of a claim under `ARM_HEADS`."""
    return [
        (
            name,
            f"{arm.home_days:,}",
            f"{arm.kwh_per_day:.1f}",
            f"{arm.cost_eur_per_day:.2f}",
            degrees(arm.room_c),
            f"{arm.kelvin_hours_per_day:.2f}",
        )
        for name, arm in (("steered", claim.steered), ("left neutral", claim.neutral))
        if arm is not None
    ]


def home_row(home: HomeReport) -> tuple[str, ...]:
    """A home under `HOME_HEADS`."""
    return (
        home.pump,
        f"{home.kwh:.1f}",
        euros(home.cost_eur),
        euros(home.unsteered_eur),
        degrees(home.room_c),
        outside(home.kelvin_hours),
        f"{home.neutral_days} of {len(home.days)}",
    )


def house_sentences(home: HomeReport) -> list[str]:
    """What a household is told of peak power, of its own panels and of dimming; nothing where it has none of them."""
    sentences = [_peak_power(month) for month in home.power]
    if home.own_sun_kwh is not None:
        sentences.append(
            f"Of the {home.kwh:.1f} kWh that your heat pump used, {home.own_sun_kwh:.1f} kWh were surplus of your "
            "own panels (estimated from the weather: not metered). They are in what you paid, at what feeding them in "
            "would have earned."
        )
    if home.dimmed_year_h:
        sentences.append(
            f"Your grid operator dimmed your heat pump under section 14a for {home.dimmed_year_h:.1f} hours from the "
            f"beginning of {home.days[-1].day:%Y} on. Meanwhile it was left to its own control and not raised."
        )
    return sentences


def _peak_power(month: PowerMonth) -> str:
    basis = "by its meter" if month.is_metered else "estimated: it had no meter on some or all of these days"
    return (
        f"The peak power of your whole house in {date.fromisoformat(f'{month.month}-01'):%B %Y} came to "
        f"{month.level_kw:.2f} kW ({basis}), which costs {euros(month.eur)} for the month ({month.name}), on top of "
        "what you paid for energy. It goes by the days of this report. Without steering, by our model, it would have "
        f"cost {euros(month.unsteered_eur)}."
    )


def evidence_rows(kwh: Mapping[Evidence, float]) -> list[tuple[str, str, str]]:
    """Energy and its share of the whole, by what it rests on."""
    total = sum(kwh.values()) or 1.0
    return [
        (EVIDENCE_WORDS[kind], f"{kwh.get(kind, 0.0):,.1f} kWh", f"{100 * kwh.get(kind, 0.0) / total:.0f} %")
        for kind in Evidence
    ]


def euros(amount: float) -> str:
    """An amount of money."""
    return f"{amount:,.2f} €"


def degrees(room_c: float | None) -> str:
    """A room temperature; a dash where none was measured."""
    return "–" if room_c is None else f"{room_c:.1f} °C"


def outside(kelvin_hours: float | None) -> str:
    """Kelvin-hours outside a band; a dash where no room was measured."""
    return "–" if kelvin_hours is None else f"{kelvin_hours:.2f}"


def span_of(first: date, last: date) -> str:
    """Days in words."""
    if first == last:
        return f"{first:%A, %d %B %Y}"
    if first.replace(day=1) == last.replace(day=1):
        return f"{first.day} to {last:%d %B %Y}"
    return f"{first:%d %B %Y} to {last:%d %B %Y}"


def band_of(accepted: Accepted) -> str:
    """A comfort band."""
    return f"{accepted.room_min_c:g} to {accepted.room_max_c:g} °C"


def week_of(week: ComfortWeek) -> list[str]:
    """A household's week, rule by rule; the first that holds counts."""
    return [
        f"{_days_of(rule.days)} {rule.start:%H:%M}–{'24:00' if rule.end == time() else f'{rule.end:%H:%M}'}: "
        f"{band_of(rule.accepts)}"
        for rule in week.rules
    ]


def _days_of(days: Sequence[DayKind]) -> str:
    """Days of the week as people write them: runs of three and more as from-to."""
    if set(WEEK) <= set(days):
        return "every day"
    names, runs = [], [[0]]
    found = [kind for kind in DayKind if kind in days]
    for n in range(1, len(found)):
        follows = found[n] in WEEK and WEEK.index(found[n]) == WEEK.index(found[n - 1]) + 1
        runs[-1].append(n) if follows else runs.append([n])
    for run in runs:
        first, last = found[run[0]].value.capitalize(), found[run[-1]].value.capitalize()
        names += [f"{first}–{last}"] if len(run) > 2 else [found[n].value.capitalize() for n in run]
    return ", ".join(names)
