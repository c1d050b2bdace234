"""Regret in reports: plan, reality and perfect foresight of each scope, every figure with what it is.

Protects: what is measured and what is a model's are never added up, nor set beside each other without their names.
"""

from collections.abc import Mapping, Sequence
from html import escape

from console.cli.reports.words import REGRET_FIGURES, euros
from console.cli.words import counted
from domain.planning.scope import Scope
from domain.savings.regret import Comparison, Outcome, Regret, together

HEADS = ("", "kWh", "EUR", "with comfort priced")
REGRET_NOTE = (
    "The second row is measured and of the whole unit; the others are of the heating alone, so only the model’s rows "
    "may be set against each other. Regret is the third row less the fourth, with discomfort, lost warmth, changes of "
    "mode and heat left over priced as the planner prices them."
)


def by_scope(regrets: Sequence[Regret]) -> Mapping[str, Comparison]:
    """Each scope's days together, by a name that tells the scopes of these apart."""
    found: dict[Scope, list[Regret]] = {}
    for one in regrets:
        found.setdefault(one.scope, []).append(one)
    return {_name(scope, list(found)): together(days) for scope, days in found.items()}


def regret_lines(regrets: Sequence[Regret]) -> list[str]:
    """On the terminal."""
    lines = []
    for name, one in by_scope(regrets).items():
        seen = one.hindsight
        lines.append(
            f"{name}: plans expected {euros(one.planned.cost_eur)} of heating, {euros(one.settled.cost_eur)} were "
            f"settled (whole units); by the model {euros(seen.done.cost_eur)} as it was done, "
            f"{euros(seen.foresight.cost_eur)} had the planner known the day, {euros(seen.neutral.cost_eur)} under own "
            f"control"
        )
        lines.append(f"  regret {euros(one.regret_eur)} with comfort priced{_kept(one)}; {_compared(one)}")
    return lines


def regret_rows(one: Comparison) -> list[tuple[str, ...]]:
    """Every figure with what it is: words, kWh, EUR, EUR with comfort priced."""
    seen = one.hindsight
    outcomes = {
        "planned": one.planned,
        "settled": one.settled,
        "done": seen.done,
        "foresight": seen.foresight,
        "neutral": seen.neutral,
    }
    return [
        (REGRET_FIGURES[name][0].upper() + REGRET_FIGURES[name][1:], *_figures(outcome))
        for name, outcome in outcomes.items()
    ]


def _figures(outcome: Outcome) -> tuple[str, str, str]:
    objective = "–" if outcome.objective_eur is None else f"{outcome.objective_eur:,.2f}"
    return f"{outcome.kwh:,.1f}", f"{outcome.cost_eur:,.2f}", objective


def regret_sentence(one: Comparison) -> str:
    """What was missed."""
    return f"Regret: {euros(one.regret_eur)}{_kept(one)}; {_compared(one)}."


def regret_section(regrets: Sequence[Regret]) -> str:
    """On the operator's sheet; empty where nothing could be compared."""
    if not regrets:
        return ""
    tables = "".join(_table(name, one) for name, one in by_scope(regrets).items())
    return f'<h2>Plan, reality and perfect foresight</h2>{tables}<p class="note">{REGRET_NOTE}</p>'


def _table(name: str, one: Comparison) -> str:
    rows = "".join(
        f"<tr><th>{escape(words)}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        for words, *cells in regret_rows(one)
    )
    heads = "".join(f"<th>{head}</th>" for head in HEADS)
    return (
        f'<h3>{escape(name)}</h3><table class="regret"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
        f"<p>{escape(regret_sentence(one))}</p>"
    )


def _kept(one: Comparison) -> str:
    share = one.kept_share
    if share is None:
        return " (next to nothing was to be gained)"
    return f" ({100 * share:.0f} % of what foresight gains over own control was kept)"


def _compared(one: Comparison) -> str:
    left_out = f", {one.left_out:,} not (held by others, or without a plan)" if one.left_out else ""
    measured = 100 * (1 - one.modelled_kwh / one.settled.kwh) if one.settled.kwh else 0.0
    return f"{counted(one.homes, 'home-day')} compared{left_out}, {measured:.0f} % of their energy measured"


def _name(scope: Scope, among: Sequence[Scope]) -> str:
    """Price and grid area, and what else differs between the scopes shown."""
    rest = ("weather_cell", "tariff", "settlement", "benefit")
    distinguishing = [name for name in rest if len({getattr(other, name) for other in among}) > 1]
    return ", ".join([scope.price_area, scope.grid_area, *(str(getattr(scope, name)) for name in distinguishing)])
