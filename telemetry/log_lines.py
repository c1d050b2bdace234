"""What every log line goes through, ours and the libraries': the ids of what it is about, and nothing secret.

Protects: a token, password, key or query of an address is in no line, whoever wrote it and in whatever field, in a
traceback as little as in a sentence.
"""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

from temporalio import activity, workflow

HIDDEN = "***"
_SECRET_NAME = re.compile(
    r"(?i)(authorization|(^|_|-)token|secret|passw(or)?d|cookie|api_?key|(^|_)code$|(^|_)code_verifier$)"
)
_IN_TEXT = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"(\w+://)[^\s/@\"']+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(\w+://[^\s?\"'<>]+)\?[^\s\"'<>]+"), rf"\1?{HIDDEN}"),
    (
        re.compile(
            r"(?i)\b([\w-]*(?:token|secret|password|api_?key|code_verifier))([\"']?\s*[=:]\s*[\"']?)[^\s\"',&}]+"
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"\bgAAAAA[\w=-]{20,}"), HIDDEN),
)
"""Credentials in a header, a name and password in an address, an address' query, a named secret, a sealed one."""
_OF_ACTIVITY = {"workflow_id": "workflow_id", "activity_type": "activity", "attempt": "attempt"}
_OF_WORKFLOW = {"workflow_id": "workflow_id", "workflow_type": "workflow", "attempt": "attempt"}


def without_secrets(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor, the last one before a line becomes JSON."""
    return {name: hidden(name, value) for name, value in line.items()}


def hidden(name: str, value: Any) -> Any:
    """A field's value without what must not be seen."""
    if _SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: hidden(str(key), one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [hidden("", one) for one in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _without(str(value))


def _without(text: str) -> str:
    for pattern, instead in _IN_TEXT:
        text = pattern.sub(instead, text)
    return text


def with_temporal_ids(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor for lines of the Temporal SDK: its ids as fields, named as ours are."""
    record = line.get("_record")
    for source, names in (("temporal_activity", _OF_ACTIVITY), ("temporal_workflow", _OF_WORKFLOW)):
        given = getattr(record, source, None)
        if isinstance(given, Mapping):
            for name, ours in names.items():
                if name in given:
                    line.setdefault(ours, given[name])
    return line


def keep_temporal_ids_out_of_sentences() -> None:
    """The SDK's loggers say them in `extra` only, where `with_temporal_ids` finds them."""
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False
