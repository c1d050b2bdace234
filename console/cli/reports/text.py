"""A report on the terminal: what was saved, what it rests on, and a line for each home."""

from application.savings.report import Report
from console.cli.reports.regret import regret_lines
from console.cli.reports.words import EVIDENCE_WORDS, FLAG_WORDS, HOME_HEADS, euros, home_row, span_of
from console.cli.terminal import table_of, terminal
from console.cli.words import counted
from domain.homes.settlement import Benefit
from domain.savings.claim import Claim, Interval

MOST_HOMES = 40


def print_report(report: Report) -> None:
    """The operator's part; households' sheets are in the HTML."""
    console = terminal()
    console.print(
        f"[bold]{span_of(report.first, report.last)}[/bold]: {len(report.homes)} homes used "
        f"{report.kwh:,.1f} kWh and paid {euros(report.cost_eur)}"
    )
    if not report.claims:
        console.print("no saving was estimated for these days yet")
    for claim in report.claims:
        for line in _lines_of(claim):
            console.print(line)
    rests = ", ".join(f"{kwh:,.1f} kWh {EVIDENCE_WORDS[kind]}" for kind, kwh in report.evidence_kwh.items())
    console.print(f"rests on: {rests or 'nothing'}")
    if report.excluded:
        told = "; ".join(f"{count} {FLAG_WORDS[flag]}" for flag, count in sorted(report.excluded.items()))
        console.print(f"not believed, in no figure: {told}")
    for line in regret_lines(report.regrets):
        console.print(line)
    table = table_of(*HOME_HEADS)
    for home in report.homes[:MOST_HOMES]:
        table.add_row(*home_row(home))
    console.print(table)
    for line in _two_ledgers(report):
        console.print(line)
    dimmed = [home.dimmed_year_h for home in report.homes if home.dimmed_year_h]
    if dimmed:
        console.print(
            f"dimmed by a grid operator (section 14a) in {report.last:%Y} until then: {counted(len(dimmed), 'home')}, "
            f"{sum(dimmed):.1f} h together, {max(dimmed):.1f} h at most"
        )
    if len(report.homes) > MOST_HOMES:
        console.print(f"and {len(report.homes) - MOST_HOMES} homes more: --json or --html has them all")


def _two_ledgers(report: Report) -> list[str]:
    """Households' and suppliers' euros apart, by whom the plans save for, and charges for peak power."""
    lines = []
    for whose in Benefit:
        homes = [home for home in report.homes if home.benefit is whose and any(day.ledgers for day in home.days)]
        if homes:
            paid, bought, billed = (
                sum(getattr(home, name) for home in homes)
                for name in ("household_eur", "supplier_cost_eur", "supplier_billed_eur")
            )
            lines.append(
                f"{len(homes)} homes planned for the {whose.value}: households paid {euros(paid)}; suppliers bought "
                f"for {euros(bought)} and billed {euros(billed)} of it for themselves, without VAT"
            )
    for home in report.homes[:MOST_HOMES]:
        for month in home.power:
            basis = "by the house's meter" if month.is_metered else "estimated: no meter of the whole house"
            lines.append(
                f"{home.pump}, {month.month}: {month.name}: {month.level_kw:.2f} kW, {euros(month.eur)} as far as "
                f"settled (model: unsteered {euros(month.unsteered_eur)}); {basis}"
            )
    return lines


def _lines_of(claim: Claim) -> list[str]:
    head = f"{claim.price_area}, {span_of(claim.first_day, claim.last_day)}"
    total, per_day = claim.total_eur, claim.per_day_eur
    if total is None or per_day is None:
        return [f"{head}: no saving can be claimed: {claim.reason}"]
    lines = [f"{head}: saved {_told(total)} in all, {_told(per_day)} a day (95 % intervals)"]
    parts = {
        "cheaper times": claim.price_effect_eur,
        "less energy": claim.volume_effect_eur,
        "colder rooms": claim.temperature_effect_eur,
    }
    split = ", ".join(f"{name} {100 * part.mean:+.1f} ct" for name, part in parts.items() if part is not None)
    return [*lines, f"  of a mean steered home-day: {split}"]


def _told(interval: Interval) -> str:
    return f"{euros(interval.mean)} ({euros(interval.low)} to {euros(interval.high)})"
