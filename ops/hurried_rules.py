"""The alert rules for a world whose time runs faster than the wall: the same rules, their durations divided.

Protects: nothing of a rule is changed but how long it looks back and waits, and the one threshold that is wall time.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

RULES = "heatsteer.rules.yml"
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LEAST_LOOK_BACK_S = 5.0
"""A rate needs two scrapes, and one may be late."""
LEAST_BACKLOG_S = 15.0
"""A task that waits so long on the wall waits for nobody, whatever the speed."""
_RANGE = re.compile(r"\[(\d+)([smhd])\]")
_DURATION = re.compile(r"(\d+)([smhd])")
_BACKLOG = re.compile(r"(heatsteer_queue_backlog_age_seconds.*?> )(\d+)", re.DOTALL)


def hurried(rules: str, speed: float) -> str:
    """The text of a rule file for a world at `speed`."""
    document: dict[str, Any] = yaml.safe_load(rules)
    for rule in (rule for group in document["groups"] for rule in group["rules"]):
        rule["expr"] = _BACKLOG.sub(
            lambda m: f"{m[1]}{max(LEAST_BACKLOG_S, int(m[2]) / speed):g}", _ranges(rule, speed)
        )
        if "for" in rule:
            found = _DURATION.fullmatch(rule["for"])
            assert found is not None, rule["for"]
            rule["for"] = _wall(found[1], found[2], speed, 0.0)
    return yaml.safe_dump(document, sort_keys=False)


def _ranges(rule: Mapping[str, Any], speed: float) -> str:
    return _RANGE.sub(lambda m: f"[{_wall(m[1], m[2], speed, LEAST_LOOK_BACK_S)}]", rule["expr"])


def _wall(number: str, unit: str, speed: float, least_s: float) -> str:
    return f"{round(1000 * max(least_s, int(number) * SECONDS[unit] / speed))}ms"


def reaching(firing: Iterable[Mapping[str, str]], inhibitions: Sequence[Mapping[str, Any]]) -> set[str]:
    """Names of the alerts that Alertmanager would pass on to a person, of those that fire.

    `inhibitions` are `inhibit_rules` of its configuration.
    """
    alerts = list(firing)
    return {alert["alertname"] for alert in alerts if not any(_explains(rule, alert, alerts) for rule in inhibitions)}


def _explains(rule: Mapping[str, Any], alert: Mapping[str, str], alerts: Sequence[Mapping[str, str]]) -> bool:
    if not _matches(rule["target_matchers"], alert):
        return False
    return any(
        source is not alert
        and _matches(rule["source_matchers"], source)
        and all(source.get(label) == alert.get(label) for label in rule.get("equal", ()))
        for source in alerts
    )


def _matches(matchers: Sequence[str], alert: Mapping[str, str]) -> bool:
    for matcher in matchers:
        label, sign, value = re.fullmatch(r'(\w+)\s*(=~|=)\s*"(.*)"', matcher).groups()  # type: ignore[union-attr]
        if not re.fullmatch(value if sign == "=~" else re.escape(value), alert.get(label, "")):
            return False
    return True
