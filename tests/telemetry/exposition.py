"""Reads what an endpoint or a registry exposes, as Prometheus reads it."""

import urllib.request
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families

from telemetry.catalogue import Metric


def scraped(address: str) -> list[Family]:
    """The families that `/metrics` at host:port serves."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        return list(text_string_to_metric_families(answer.read().decode()))


def exposed(registry: CollectorRegistry) -> list[Family]:
    """The families of a registry."""
    return list(text_string_to_metric_families(generate_latest(registry).decode()))


def names(families: Iterable[Family]) -> set[str]:
    """Names of families that have a sample, as the catalogue writes them."""
    return {f.name + ("_total" if f.type == "counter" else "") for f in families if f.samples}


def value(families: Iterable[Family], name: str, labels: Mapping[str, str] | None = None) -> float | None:
    """The value of one sample; None where there is none."""
    found = [s.value for f in families for s in f.samples if s.name == name and s.labels == (labels or {})]
    return found[0] if found else None


def as_catalogued(families: Iterable[Family], metrics: Iterable[Metric]) -> bool:
    """Whether each family is of its entry's kind, has its help text and no other labels than its entry's."""
    by_name = {metric.name: metric for metric in metrics}
    for family in families:
        metric = by_name[family.name + ("_total" if family.type == "counter" else "")]
        own = {label for sample in family.samples for label in sample.labels} - {"le"}
        if (family.type, family.documentation) != (metric.kind, metric.help) or not own <= set(metric.labels):
            return False
    return True
