"""The catalogue of metrics: every name, kind, unit, label and help text that heatsteer exposes to Prometheus.

Protects: a metric that is not in here is never exposed; labels have few values, known beforehand (vendors, price areas,
closed sets of words), so no pump, home, account or command is ever a label.

Times called steered run on the fleet's clock: wall time in production, faster in a demo. Ages are exposed as ages and
not as timestamps to be taken from `time()`, which is wall time.
"""

from dataclasses import dataclass
from typing import Literal

PREFIX = "heatsteer_"


@dataclass(frozen=True)
class Metric:
    """One metric family."""

    name: str
    """As Prometheus shows it, a counter's `_total` included."""
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, in the unit of its name."""


# --- exposed by every worker, counted as things happen ---------------------------------------------------------------

VENDOR_CALLS = Metric(
    "heatsteer_vendor_calls_total",
    "counter",
    "Calls that left for a vendor's cloud, by what became of them; kind is read or write.",
    ("oem", "kind", "fate"),
)
VENDOR_CALL_SECONDS = Metric(
    "heatsteer_vendor_call_duration_seconds",
    "histogram",
    "Wall time from a call's start to its whole answer; calls without an answer are not in it.",
    ("oem",),
    (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30),
)
COMMAND_EVENTS = Metric(
    "heatsteer_command_events_total",
    "counter",
    "Lines of commands' lives as the ledger recorded them for the first time, by kind.",
    ("oem", "kind"),
)
COMMAND_SECONDS = Metric(
    "heatsteer_command_latency_seconds",
    "histogram",
    "Steered time from a command's decision until the cloud accepted it, the pump was seen to obey (applied), and "
    "physical evidence was seen (effective).",
    ("oem", "stage"),
    (5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200),
)
DECISIONS = Metric(
    "heatsteer_decisions_total",
    "counter",
    "Decisions on a circuit that changed something, by the event decided upon and by whose authority holds since.",
    ("event", "circuit", "authority"),
)
ACTIVITY_ATTEMPTS = Metric(
    "heatsteer_activity_attempts_total",
    "counter",
    "Attempts of Temporal activities at their end; retry_later is an expected retry, not a failure.",
    ("activity", "outcome"),
)
WORKFLOW_RUNS = Metric(
    "heatsteer_workflow_runs_total",
    "counter",
    "Workflow runs that began or ended on this worker, replays left out.",
    ("workflow", "phase"),
)
BUILD = Metric("heatsteer_build_info", "gauge", "Always 1; the version is its label.", ("version",))

WORKER_METRICS = (
    VENDOR_CALLS,
    VENDOR_CALL_SECONDS,
    COMMAND_EVENTS,
    COMMAND_SECONDS,
    DECISIONS,
    ACTIVITY_ATTEMPTS,
    WORKFLOW_RUNS,
    BUILD,
)

# --- exposed by the fleet exporter, read from the ledger and Temporal -------------------------------------------------

PUMPS = Metric(
    "heatsteer_pumps",
    "gauge",
    "Steered pumps by the heating mode they were last seen in; unknown where the newest command was not seen obeyed.",
    ("oem", "mode"),
)
PUMPS_OFFLINE = Metric(
    "heatsteer_pumps_offline", "gauge", "Steered pumps that their cloud has gone silent on.", ("oem",)
)
PUMPS_BY_AUTHORITY = Metric(
    "heatsteer_pumps_by_authority", "gauge", "Running pump workflows by who steers the pump now.", ("authority",)
)
PUMPS_BY_ALERT = Metric(
    "heatsteer_pumps_by_alert", "gauge", "Running pump workflows by what a person should look at.", ("alert",)
)
COMMANDS_24H = Metric(
    "heatsteer_commands_24h",
    "gauge",
    "Commands decided in the last 24 steered hours, by the state they are in now.",
    ("oem", "state"),
)
VERIFIED_SHARE = Metric(
    "heatsteer_commands_verified_ratio",
    "gauge",
    "Of the commands decided in the last 24 steered hours that ended and were not superseded: the share that was seen "
    "obeyed. Absent where none ended.",
    ("oem",),
)
NOTES_24H = Metric(
    "heatsteer_pump_notes_24h",
    "gauge",
    "Settings found in the last 24 steered hours to have drifted by themselves, or been changed by a person (touched).",
    ("oem", "kind"),
)
DEAD_LETTERS = Metric(
    "heatsteer_dead_letters", "gauge", "Pump circuits with a dead letter that nobody dealt with.", ("oem",)
)
ACCOUNTS_WAITING = Metric(
    "heatsteer_accounts_waiting", "gauge", "Vendor accounts that need new credentials from a person.", ("oem",)
)
BREAKER = Metric(
    "heatsteer_breaker_state",
    "gauge",
    "1 for the state that the vendor's breaker is in, 0 for the others.",
    ("oem", "state"),
)
QUOTA_USED = Metric(
    "heatsteer_quota_used_ratio",
    "gauge",
    "Calls of the last steered hour over what the vendor grants for an hour. Absent where no quota is known.",
    ("oem",),
)
BEYOND_QUOTA = Metric(
    "heatsteer_pumps_beyond_quota",
    "gauge",
    "Steered pumps more than the vendor's quotas, as its answers name them now, carry with the reserve for urgent "
    "calls left alone. Absent where no quota is known.",
    ("oem",),
)
DRIFT_FOUND_WITHIN = Metric(
    "heatsteer_drift_found_within_seconds",
    "gauge",
    "Steered time within which a drifted pump is read again at the pace that the vendor's quota allows.",
    ("oem",),
)
ROOMS_BELOW_FLOOR = Metric(
    "heatsteer_rooms_below_floor",
    "gauge",
    "Steered pumps whose newest room reading, at most three hours old, is below the floor that follows from the "
    "household's band.",
    ("oem",),
)
ROOMS_READ = Metric(
    "heatsteer_rooms_read", "gauge", "Steered pumps with a room reading at most three hours old.", ("oem",)
)
ROOM_LOWEST = Metric("heatsteer_room_lowest_celsius", "gauge", "The coldest of the newest room readings.", ("oem",))
ROOM_MEAN = Metric("heatsteer_room_mean_celsius", "gauge", "The mean of the newest room readings.", ("oem",))

PLAN_AGE = Metric(
    "heatsteer_plan_age_seconds",
    "gauge",
    "Steered time since the newest plan of a price area was made.",
    ("price_area",),
)
PLAN_LEFT = Metric(
    "heatsteer_plan_remaining_seconds",
    "gauge",
    "Steered time until the latest end of a price area's plans; negative once they have run out.",
    ("price_area",),
)
PLAN_PUMPS = Metric(
    "heatsteer_plan_pumps",
    "gauge",
    "Pumps of the newest plan: those it was to be for (wanted), those with a plan (planned), those that took it "
    "(delivered).",
    ("price_area", "stage"),
)
PLAN_GAP = Metric(
    "heatsteer_plan_gap_ratio",
    "gauge",
    "Certified distance of the newest plan from the best possible, as a share of its cost (of=cost) and of its gain "
    "over neutral (of=gain).",
    ("price_area", "of"),
)
PLAN_COST = Metric(
    "heatsteer_plan_cost_euros",
    "gauge",
    "The newest plan's cost, that of staying neutral, and the rigorous lower bound.",
    ("price_area", "of"),
)
PLAN_OVERFLOW = Metric(
    "heatsteer_plan_overflow_watt_hours",
    "gauge",
    "Energy that the newest plan needs above grid areas' power limits.",
    ("price_area",),
)
PLAN_KELVIN_HOURS = Metric(
    "heatsteer_plan_comfort_debt_kelvin_hours",
    "gauge",
    "Kelvin-hours outside households' bands that the newest plan expects.",
    ("price_area",),
)
PLAN_SOLVE = Metric(
    "heatsteer_plan_solve_seconds", "gauge", "Wall time that solving the newest plan took.", ("price_area",)
)
PRICES_AGE = Metric(
    "heatsteer_prices_age_seconds", "gauge", "Steered time since a price version was last stored.", ("price_area",)
)
PRICES_LEFT = Metric(
    "heatsteer_prices_remaining_seconds",
    "gauge",
    "Steered time until the end of the known prices; negative once they have run out.",
    ("price_area",),
)
PRICE_NOW = Metric(
    "heatsteer_price_euros_per_megawatt_hour",
    "gauge",
    "Wholesale price of the present quarter-hour. Absent where none is known.",
    ("price_area",),
)
WEATHER_AGE = Metric(
    "heatsteer_weather_age_seconds",
    "gauge",
    "Steered time since the newest forecast was stored, of the weather cell for which that is longest.",
)
QUARANTINED = Metric(
    "heatsteer_documents_quarantined_total",
    "counter",
    "Documents from markets and weather services that were not believed.",
    ("kind",),
)
QUEUE_BACKLOG = Metric(
    "heatsteer_queue_backlog_tasks",
    "gauge",
    "Tasks that wait in a Temporal task queue, about; kind is activity or workflow.",
    ("queue", "kind"),
)
QUEUE_AGE = Metric(
    "heatsteer_queue_backlog_age_seconds",
    "gauge",
    "Wall time that the oldest task of a task queue has waited, about.",
    ("queue", "kind"),
)
READ_SECONDS = Metric(
    "heatsteer_fleet_read_duration_seconds", "gauge", "Wall time that the newest read of all these figures took."
)
READ_FAILURES = Metric(
    "heatsteer_fleet_read_failures_total",
    "counter",
    "Reads of these figures that failed. Figures that could not be read for a while are not exposed at all.",
)

FLEET_METRICS = (
    PUMPS,
    PUMPS_OFFLINE,
    PUMPS_BY_AUTHORITY,
    PUMPS_BY_ALERT,
    COMMANDS_24H,
    VERIFIED_SHARE,
    NOTES_24H,
    DEAD_LETTERS,
    ACCOUNTS_WAITING,
    BREAKER,
    QUOTA_USED,
    BEYOND_QUOTA,
    DRIFT_FOUND_WITHIN,
    ROOMS_BELOW_FLOOR,
    ROOMS_READ,
    ROOM_LOWEST,
    ROOM_MEAN,
    PLAN_AGE,
    PLAN_LEFT,
    PLAN_PUMPS,
    PLAN_GAP,
    PLAN_COST,
    PLAN_OVERFLOW,
    PLAN_KELVIN_HOURS,
    PLAN_SOLVE,
    PRICES_AGE,
    PRICES_LEFT,
    PRICE_NOW,
    WEATHER_AGE,
    QUARANTINED,
    QUEUE_BACKLOG,
    QUEUE_AGE,
    READ_SECONDS,
    READ_FAILURES,
)

CATALOGUE = (*WORKER_METRICS, *FLEET_METRICS)
