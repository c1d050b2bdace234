"""A report as one JSON document."""

from dataclasses import asdict
from typing import Any

from application.savings.report import HomeReport, Report
from console.cli.reports.words import REGRET_FIGURES
from domain.savings.regret import Regret


def document_of(report: Report) -> dict[str, Any]:
    """`schema` 1; keys are only ever added."""
    return {
        "schema": 1,
        "first": report.first.isoformat(),
        "last": report.last.isoformat(),
        "made_at": report.made_at.isoformat(),
        "kwh": round(report.kwh, 3),
        "cost_eur": round(report.cost_eur, 4),
        "claims": [
            claim.model_dump(mode="json") | {"total_eur": claim.total_eur, "per_day_eur": claim.per_day_eur}
            for claim in report.claims
        ],
        "evidence_kwh": {kind.value: round(kwh, 3) for kind, kwh in report.evidence_kwh.items()},
        "excluded": {flag.value: count for flag, count in report.excluded.items()},
        "commands": report.commands,
        "revised_home_days": report.revised_home_days,
        "regret": {"figures": REGRET_FIGURES, "days": [_regret(one) for one in report.regrets]},
        "homes": [_home(home) for home in report.homes],
    }


def _regret(one: Regret) -> dict[str, Any]:
    return one.model_dump(mode="json") | {"regret_eur": one.regret_eur, "kept_share": one.kept_share}


def _home(home: HomeReport) -> dict[str, Any]:
    return {
        "pump": home.pump,
        "kwh": round(home.kwh, 3),
        "cost_eur": round(home.cost_eur, 4),
        "model_unsteered_eur": round(home.unsteered_eur, 4),
        "benefit": home.benefit.value,
        "household_eur": round(home.household_eur, 4),
        "supplier_cost_eur": round(home.supplier_cost_eur, 4),
        "supplier_billed_eur": round(home.supplier_billed_eur, 4),
        "power": [asdict(month) for month in home.power],
        "room_c": home.room_c,
        "kelvin_hours": None if home.kelvin_hours is None else round(home.kelvin_hours, 3),
        "dimmed_year_h": round(home.dimmed_year_h, 2),
        "neutral_days": home.neutral_days,
        "days": [day.model_dump(mode="json") for day in home.days],
        "acts_by_plan": home.acts_by_plan,
        "acts": [asdict(act) for act in home.acts],
    }
