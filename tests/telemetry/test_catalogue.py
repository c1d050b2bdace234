"""The catalogue keeps Prometheus's conventions, and nothing that grows with the fleet is a label."""

import pytest

from telemetry.catalogue import CATALOGUE, PREFIX, Metric

UNITS = ("_seconds", "_ratio", "_celsius", "_euros", "_watt_hours", "_kelvin_hours", "_tasks", "_info", "_total")
_COUNTED_OF_PUMPS = ("_pumps", "_24h", "_offline", "_quota", "_read", "_floor", "_by_alert", "_by_authority")
COUNTED = (*_COUNTED_OF_PUMPS, "_letters", "_waiting")
"""Endings of gauges that count things, which have no unit; `_state` is a set of flags."""
LABELS = {"oem", "kind", "fate", "stage", "event", "circuit", "authority", "activity", "outcome", "workflow", "phase"}
LABELS |= {"version", "mode", "alert", "state", "price_area", "of", "queue"}


def test_names_are_there_once() -> None:
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_a_metric_is_named_by_convention_and_explained(metric: Metric) -> None:
    assert metric.name.startswith(PREFIX)
    assert (metric.kind == "counter") == metric.name.endswith("_total")
    assert metric.name.endswith((*UNITS, *COUNTED, "_state", "_per_megawatt_hour"))
    assert metric.help.endswith(".")
    assert set(metric.labels) <= LABELS, "a label that is new here needs few values, known beforehand"
    assert bool(metric.buckets) == (metric.kind == "histogram")
    assert list(metric.buckets) == sorted(metric.buckets)
