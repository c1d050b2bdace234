"""The files a demo leaves, and what it says of a process that died."""

from pathlib import Path

import pytest

from demo.errors import DemoFailed
from demo.files import last_words, leave_files, leave_logs
from embedded.errors import StackError


def test_the_last_words_of_a_dead_child_are_quoted_and_readable(tmp_path: Path) -> None:
    log = tmp_path / "worker-1.log"
    log.write_text(
        "starting\n\n"
        '{"event": "worker ready", "level": "info", "timestamp": "2026-01-15T00:00:00Z"}\n'
        '{"event": "sent", "level": "info", "reason": "saw 3.0"}\n'
        '{"event": "it broke", "level": "error", "exception": "Traceback\\n  File x\\nValueError: no such pump"}\n'
    )
    death = StackError(f"worker-1-pumps ended with exit code 1; see {log}, which ends: a | b")
    said = str(last_words(death, None)).splitlines()
    assert said[0] == "worker-1-pumps ended with exit code 1; it last said:"
    assert said[1:] == ["  info: worker ready", "  info: sent: saw 3.0", "  error: it broke: ValueError: no such pump"]
    kept = str(last_words(death, tmp_path / "out")).splitlines()[0]
    assert str(tmp_path / "out" / "logs" / "worker-1.log") in kept


def test_other_sentences_of_the_stack_are_left_as_they_are(tmp_path: Path) -> None:
    assert str(last_words(StackError("the port is taken: free it"), tmp_path)) == "the port is taken: free it"


def test_files_that_cannot_be_left_are_a_sentence_of_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "stack"
    (folder / "logs").mkdir(parents=True)
    (folder / "truth.jsonl").write_text("{}\n")
    blocked = tmp_path / "out"
    (blocked / "report.json").mkdir(parents=True)
    with pytest.raises(DemoFailed, match=f"the report is complete, but --out {blocked}"):
        leave_files(blocked, folder, {"schema": 1}, [])
    leave_logs(blocked, tmp_path / "nowhere")
