"""Grafana's dashboards as code: `python -m ops.grafana.boards` writes the JSON files beside this module.

Protects: a panel says what it shows and in which unit; nobody edits the JSON files themselves (a test compares them).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
HEIGHT = 8


@dataclass(frozen=True)
class Panel:
    """One panel: its queries by what their legend says."""

    title: str
    queries: Mapping[str, str]
    unit: str = "short"
    """Grafana's name of the unit."""
    kind: str = "timeseries"
    about: str = ""
    width: int = 12


@dataclass(frozen=True)
class Board:
    """One dashboard."""

    uid: str
    title: str
    panels: Sequence[Panel]


RATE = "[$__rate_interval]"
HOUR = "[1h]"

FLEET = Board(
    "heatsteer-fleet",
    "heatsteer: fleet today",
    [
        Panel("Pumps", {"steered": "sum(heatsteer_pumps)"}, kind="stat", width=4),
        Panel(
            "Commands seen obeyed",
            {"{{oem}}": "heatsteer_commands_verified_ratio"},
            "percentunit",
            "stat",
            "Of the commands of 24 hours that ended and were not superseded.",
            width=5,
        ),
        Panel("Dead letters", {"{{oem}}": "heatsteer_dead_letters"}, kind="stat", width=5),
        Panel("Homes below their floor", {"{{oem}}": "heatsteer_rooms_below_floor"}, kind="stat", width=5),
        Panel("Pumps offline", {"{{oem}}": "heatsteer_pumps_offline"}, kind="stat", width=5),
        Panel(
            "Heating modes, as last seen",
            {"{{mode}}": "sum by (mode) (heatsteer_pumps)"},
            about="unknown: the newest command was not seen obeyed.",
        ),
        Panel("Who steers", {"{{authority}}": "heatsteer_pumps_by_authority"}),
        Panel("What a person should look at", {"{{alert}}": 'heatsteer_pumps_by_alert{alert!="none"}'}),
        Panel(
            "Commands of a day by state",
            {"{{state}}": "sum by (state) (heatsteer_commands_24h)"},
        ),
        Panel(
            "Rooms",
            {"coldest, {{oem}}": "heatsteer_room_lowest_celsius", "mean, {{oem}}": "heatsteer_room_mean_celsius"},
            "celsius",
        ),
        Panel(
            "From decision to obeyed",
            {
                "p50, {{oem}}": 'oem_stage:heatsteer_command_latency_seconds:p50_1h{stage="applied"}',
                "p90, {{oem}}": 'oem_stage:heatsteer_command_latency_seconds:p90_1h{stage="applied"}',
            },
            "s",
            about="Steered time.",
        ),
        Panel("Price now", {"{{price_area}}": "heatsteer_price_euros_per_megawatt_hour"}, "suffix: EUR/MWh"),
        Panel("Overrides per pump and day", {"overrides": "heatsteer:overrides_per_pump:increase1d"}),
    ],
)

VENDORS = Board(
    "heatsteer-vendors",
    "heatsteer: vendors",
    [
        Panel(
            "Breaker",
            {"{{oem}} {{state}}": "heatsteer_breaker_state == 1"},
            kind="stat",
            about="The state that each vendor's breaker is in.",
            width=8,
        ),
        Panel("Quota spent", {"{{oem}}": "heatsteer_quota_used_ratio"}, "percentunit", "stat", "Of an hour.", 8),
        Panel("Accounts that need a person", {"{{oem}}": "heatsteer_accounts_waiting"}, kind="stat", width=8),
        Panel(
            "Honesty",
            {"{{oem}}": "oem:heatsteer_vendor_honesty:ratio1h"},
            "percentunit",
            about="Of the writes that the cloud accepted within an hour: the share that was seen obeyed.",
        ),
        Panel(
            "Calls by what became of them",
            {"{{oem}} {{fate}}": f"sum by (oem, fate) (rate(heatsteer_vendor_calls_total{RATE}))"},
            "reqps",
        ),
        Panel(
            "Calls that failed by the vendor's fault",
            {"{{oem}}": "oem:heatsteer_vendor_calls_failed:ratio5m"},
            "percentunit",
        ),
        Panel(
            "Time to answer",
            {
                "p90, {{oem}}": "histogram_quantile(0.9, sum by (oem, le) "
                f"(rate(heatsteer_vendor_call_duration_seconds_bucket{HOUR})))"
            },
            "s",
        ),
        Panel(
            "From decision to each stage, p90",
            {"{{stage}}, {{oem}}": "oem_stage:heatsteer_command_latency_seconds:p90_1h"},
            "s",
            about="Steered time.",
        ),
        Panel(
            "Lines of commands' lives in an hour",
            {"{{oem}} {{kind}}": f"sum by (oem, kind) (increase(heatsteer_command_events_total{HOUR}))"},
        ),
        Panel("Drifts and manual changes of a day", {"{{oem}} {{kind}}": "heatsteer_pump_notes_24h"}),
        Panel(
            "Pumps beyond the quota",
            {"{{oem}}": "heatsteer_pumps_beyond_quota"},
            about="More than the calls that are granted carry, with the reserve for urgent ones left alone.",
        ),
        Panel("Drift is found within", {"{{oem}}": "heatsteer_drift_found_within_seconds"}, "s"),
    ],
)

PLANNER = Board(
    "heatsteer-planner",
    "heatsteer: planner",
    [
        Panel("Plans reach", {"{{price_area}}": "heatsteer_plan_remaining_seconds"}, "s", "stat", width=6),
        Panel("Prices reach", {"{{price_area}}": "heatsteer_prices_remaining_seconds"}, "s", "stat", width=6),
        Panel("Age of the oldest forecast", {"weather": "heatsteer_weather_age_seconds"}, "s", "stat", width=6),
        Panel("Documents not believed", {"{{kind}}": "heatsteer_documents_quarantined_total"}, kind="stat", width=6),
        Panel("Pumps of the newest plan", {"{{price_area}} {{stage}}": "heatsteer_plan_pumps"}),
        Panel("Certified gap", {"{{price_area}} of {{of}}": "heatsteer_plan_gap_ratio"}, "percentunit"),
        Panel("Cost of the newest plan", {"{{price_area}} {{of}}": "heatsteer_plan_cost_euros"}, "currencyEUR"),
        Panel("Above power limits", {"{{price_area}}": "heatsteer_plan_overflow_watt_hours"}, "watth"),
        Panel("Comfort debt expected (kelvin-hours)", {"{{price_area}}": "heatsteer_plan_comfort_debt_kelvin_hours"}),
        Panel("Time to solve", {"{{price_area}}": "heatsteer_plan_solve_seconds"}, "s"),
        Panel(
            "Age of plan and prices",
            {
                "plan, {{price_area}}": "heatsteer_plan_age_seconds",
                "prices, {{price_area}}": "heatsteer_prices_age_seconds",
            },
            "s",
        ),
    ],
)

PLATFORM = Board(
    "heatsteer-platform",
    "heatsteer: platform",
    [
        Panel("Processes that answer", {"{{job}}": "sum by (job) (up)"}, kind="stat", width=8),
        Panel(
            "Time of a read of the figures", {"seconds": "heatsteer_fleet_read_duration_seconds"}, "s", "stat", width=8
        ),
        Panel("Versions", {"{{version}}": "count by (version) (heatsteer_build_info)"}, kind="stat", width=8),
        Panel("Oldest task that waits", {"{{queue}} {{kind}}": "heatsteer_queue_backlog_age_seconds"}, "s"),
        Panel("Tasks that wait", {"{{queue}} {{kind}}": "heatsteer_queue_backlog_tasks"}),
        Panel(
            "Attempts of activities",
            {"{{activity}} {{outcome}}": f"sum by (activity, outcome) (rate(heatsteer_activity_attempts_total{RATE}))"},
            "ops",
        ),
        Panel(
            "Workflow runs in an hour",
            {"{{workflow}} {{phase}}": f"sum by (workflow, phase) (increase(heatsteer_workflow_runs_total{HOUR}))"},
        ),
        Panel(
            "From schedule to start, p90",
            {
                "{{task_queue}}": "histogram_quantile(0.9, sum by (task_queue, le) "
                f"(rate(temporal_activity_schedule_to_start_latency_seconds_bucket{HOUR})))"
            },
            "s",
        ),
        Panel("Slots in use", {"{{worker_type}}": "sum by (worker_type) (temporal_worker_task_slots_used)"}),
        Panel("Decisions in an hour", {"{{event}}": f"sum by (event) (increase(heatsteer_decisions_total{HOUR}))"}),
        Panel("Failed reads of the figures", {"failures": "heatsteer_fleet_read_failures_total"}),
    ],
)

BOARDS = {"fleet": FLEET, "vendors": VENDORS, "planner": PLANNER, "platform": PLATFORM}
"""By the name of the file."""


def document(board: Board) -> dict[str, Any]:
    """The board as Grafana imports it."""
    return {
        "uid": board.uid,
        "title": board.title,
        "tags": ["heatsteer"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-24h", "to": "now"},
        "timezone": "browser",
        "templating": {
            "list": [{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}]
        },
        "panels": _laid_out(board.panels),
    }


def _laid_out(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    """Panels from left to right, a new row where one does not fit."""
    laid, x, y = [], 0, 0
    for number, panel in enumerate(panels, start=1):
        if x + panel.width > COLUMNS:
            x, y = 0, y + HEIGHT
        laid.append(_panel(panel, number, {"x": x, "y": y, "w": panel.width, "h": HEIGHT}))
        x += panel.width
    return laid


def _panel(panel: Panel, number: int, place: Mapping[str, int]) -> dict[str, Any]:
    is_stat = panel.kind == "stat"
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "gridPos": dict(place),
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "options": {"textMode": "value_and_name", "reduceOptions": {"calcs": ["lastNotNull"]}} if is_stat else {},
        "targets": [
            {
                "refId": chr(ord("A") + i),
                "expr": query,
                "legendFormat": legend,
                "datasource": SOURCE,
                "instant": is_stat,
            }
            for i, (legend, query) in enumerate(panel.queries.items())
        ],
    }


def text_of(board: Board) -> str:
    """The board's file."""
    return json.dumps(document(board), indent=2) + "\n"


if __name__ == "__main__":
    for name, board in BOARDS.items():
        (HERE / f"{name}.json").write_text(text_of(board))
