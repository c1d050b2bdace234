"""The files a demo leaves, and the last words of a process that died in it.

Protects: a file that cannot be written is its own sentence and never hides how the run itself ended.
"""

import contextlib
import json
import re
import shutil
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from demo.errors import DemoFailed
from demo.report.recording import Lines
from embedded.errors import StackError

LAST_WORDS = 3
_DEATH = re.compile(r"(?P<what>.+?); see (?P<log>.+?), which (ends: |is empty)", re.DOTALL)
_LONGEST_LINE = 240


def leave_files(out: Path, folder: Path, report: Mapping[str, Any], events: Lines) -> None:
    """Write what DIR is promised to hold; raises DemoFailed with a sentence."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
        (out / "truth.jsonl").write_bytes((folder / "truth.jsonl").read_bytes())
        with (out / "commands.jsonl").open("w") as file:
            for event in events:
                file.write(json.dumps(event, default=_plain) + "\n")
        shutil.copytree(folder / "logs", out / "logs", dirs_exist_ok=True)
    except OSError as error:
        raise DemoFailed(
            f"the report is complete, but --out {out} was not: {error.strerror or error}; "
            "make room or name another folder"
        ) from error


def leave_logs(out: Path, folder: Path) -> None:
    """Keep the children's logs of a run that failed, as far as that is possible: the failure itself matters more."""
    with contextlib.suppress(OSError):
        shutil.copytree(folder / "logs", out / "logs", dirs_exist_ok=True)


def last_words(error: StackError, out: Path | None) -> DemoFailed:
    """The stack's sentence on a child that died, with the child's last lines below: its log goes with the stack."""
    found = _DEATH.match(str(error))
    if found is None:
        return DemoFailed(str(error))
    log = Path(found["log"])
    kept = f"; its whole log is {out / 'logs' / log.name}" if out is not None else ""
    said = [f"  {line}" for line in readable_tail(log)] or ["  (it had said nothing)"]
    return DemoFailed("\n".join([f"{found['what']}{kept}; it last said:", *said]))


def readable_tail(log: Path) -> list[str]:
    """The last lines of a log as a person reads them: of a structured line, what happened and why."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return []
    return [_readable(line)[:_LONGEST_LINE] for line in lines if line.strip()][-LAST_WORDS:]


def _readable(line: str) -> str:
    try:
        said = json.loads(line)
    except json.JSONDecodeError:
        return line.strip()
    if not isinstance(said, dict):
        return line.strip()
    what = str(said.get("event") or said.get("message") or said.get("msg") or "")
    # The last line of a traceback is the error itself.
    why = [str(said[name]).strip().splitlines()[-1] for name in ("reason", "error", "exception") if said.get(name)]
    return ": ".join([str(said.get("level", "said")), what.splitlines()[0] if what else "", *why])


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSON-lines file; a last line still being written is left out."""
    lines = []
    for text in path.read_text().splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            lines.append(json.loads(text))
    return lines


def _plain(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise DemoFailed(f"{type(value).__name__} cannot be written as JSON")
