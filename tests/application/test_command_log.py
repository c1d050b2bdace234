"""The log of another system: a bad line is named with its column and the way out."""

import pytest

from application.shadow.command_log import read_log

HEAD = "time,pump,mode,http_status,setting"


def test_a_log_is_read_with_offsets_and_its_own_settings() -> None:
    log = read_log(f"{HEAD}\n2026-01-15T06:40:00+01:00,p-1,max,200,\n2026-01-15T07:00:00Z,p-1,LOW,503,1.5\n", {"p-1"})
    assert log.faults == []
    first, second = log.commands
    assert (f"{first.at:%H:%M}", first.status, first.setting) == ("05:40", 200, None)
    assert (second.status, second.setting, second.is_accepted) == (503, 1.5, False)


@pytest.mark.parametrize(
    ("line", "column", "said"),
    [
        ("soon,p-1,MAX,200,", "time", "no time"),
        ("2026-01-15T06:40:00,p-1,MAX,200,", "time", "offset"),
        ("2026-01-15T06:40:00Z,p-9,MAX,200,", "pump", "not enrolled"),
        ("2026-01-15T06:40:00Z,p-1,TURBO,200,", "mode", "MIN, LOW, MID, MAX"),
        ("2026-01-15T06:40:00Z,p-1,MAX,ok,", "http_status", "no HTTP status"),
        ("2026-01-15T06:40:00Z,p-1,MAX,200,warm", "setting", "no number"),
        ("2026-01-15T06:40:00Z,p-1", "mode", "no mode"),
    ],
)
def test_a_bad_line_is_named(line: str, column: str, said: str) -> None:
    (fault,) = read_log(f"{HEAD}\n{line}\n", {"p-1"}).faults
    assert (fault.line, fault.column) == (2, column)
    assert said in fault.problem


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "\x00"])
def test_what_is_no_log_is_refused_without_a_crash(text: str) -> None:
    assert read_log(text, ()).faults
