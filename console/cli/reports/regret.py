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


def regret_section(regrets: Sequence[Regret]) -> str:
    """On the operator's sheet; empty where nothing could be compared."""
    if not regrets:
        return ""
    tables = "".join(_table(name, one) for name, one in by_scope(regrets).items())
    return (
        "<h2>Plan, reality and perfect foresight</h2>"
        f'{tables}<p class="note">The second row is measured and of the whole unit; the others are of the heating '
        "alone, so only the model’s rows may be set against each other. Regret is the third row less the fourth, with "
        "discomfort, lost warmth, changes of mode and heat left over priced as the planner prices them.</p>"
    )


def _table(name: str, one: Comparison) -> str:
    seen = one.hindsight
    rows = (
        ("planned", one.planned),
        ("settled", one.settled),
        ("done", seen.done),
        ("foresight", seen.foresight),
        ("neutral", seen.neutral),
    )
    body = "".join(_row(REGRET_FIGURES[figure], outcome) for figure, outcome in rows)
    heads = "".join(f"<th>{head}</th>" for head in HEADS)
    return (
        f'<h3>{escape(name)}</h3><table class="regret"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'
        f"<p>Regret: <b>{euros(one.regret_eur)}</b>{_kept(one)}; {_compared(one)}.</p>"
    )


def _row(words: str, outcome: Outcome) -> str:
    objective = "–" if outcome.objective_eur is None else f"{outcome.objective_eur:,.2f}"
    text = escape(words[0].upper() + words[1:])
    return f"<tr><th>{text}</th><td>{outcome.kwh:,.1f}</td><td>{outcome.cost_eur:,.2f}</td><td>{objective}</td></tr>"


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
    telling = [name for name in rest if len({getattr(other, name) for other in among}) > 1]
    return ", ".join([scope.price_area, scope.grid_area, *(str(getattr(scope, name)) for name in telling)])
