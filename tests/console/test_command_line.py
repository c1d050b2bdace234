"""The command's words: bad input gets one sentence on stderr that names the thing, and exit code 2."""

import json
from pathlib import Path
from typing import Any

import pytest

from console.access import VAR, running_folder, stack_folders
from console.cli.errors import UsageError
from console.cli.main import _main
from console.cli.time_parsing import parse_duration, parse_until
from demo.up import kept_world
from tests.builders import at
from tests.demo.files import a_day_of_prices

BERLIN = "Europe/Berlin"


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run a command that must be refused and return its one sentence."""
    code = _main(list(words))
    said = capsys.readouterr()
    assert code == 2
    assert said.out == ""
    assert said.err.startswith("heatsteer: ")
    assert said.err.count("\n") == 1
    return said.err


ROOF = ("--kwp", "9", "--feed-in", "80", "--who", "a", "--why", "b")
DIMMED = ("--section-14a", "4.2", "--for", "1h", "--who", "a", "--why", "b")
BAND = ("p-1", "--min", "20", "--max", "23", "--who", "a", "--why", "b")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["demo", "--pumps", "many"], "--pumps"),
        (["demo", "--nonsense"], "--nonsense"),
        (["demo", "--fault", "gremlins=0.1"], "silent-ignore"),
        (["demo", "--fault", "http-500=7"], "between 0 and 1"),
        (["demo", "--fault", "http-500"], "NAME=RATE"),
        (["demo", "--hours", "1.1"], "quarter-hours"),
        (["demo", "--date", "soon"], "YYYY-MM-DD"),
        (["demo", "--prices", "no-such-file.json"], "no-such-file.json does not exist"),
        (["pumps", "override", "p-0001", "TURBO", "--who", "a", "--why", "b", "--for", "1h"], "TURBO"),
        (["pumps", "override", "p-0001", "MAX", "--who", "a", "--why", "b"], "--until"),
        (["pumps", "override", "p-0001", "MAX", "--who", "a"], "--why"),
        (["pumps", "override", "p-1", "MAX", "--who", "a", "--why", "b", "--for", "-1h"], "--for"),
        (["pumps", "override", "p-1", "MAX", "--who", " ", "--why", "b", "--for", "1h"], "--who: must not be empty"),
        (["pumps", "override", "p-1", "MAX", "--who", "a", "--why", "b", "--until", "0001-01-01"], "out of reach"),
        (["demo", "--date", "9999-12-31"], "YYYY-MM-DD"),
        (["demo", "--out", "/proc/nowhere"], "--out /proc/nowhere"),
        (["demo", "--out", ""], "--out ''"),
        (["pumps", "override", "p-1", "MAX", "--who", "a", "--why", "b", "--for", ""], "--for ''"),
        (["pumps", "override", "p-1", "MAX", "--who", "a", "--why", "b", "--for", "٣h"], "--for"),
        (["pumps", "vacation", "p-1", "--who", "a", "--why", "b", "--for", "200d"], "120 days"),
        (["pumps", "pause", "p-1", "--who", "a", "--why", "b"], "--until"),
        (["pumps", "boost", "p-1", "--who", "a", "--why", "b", "--for", "1h", "--until", "18:30"], "one end"),
        (["homes", "comfort", "set", "p-1", "--min", "20", "--max", "80", "--who", "a", "--why", "b"], "28 C"),
        (["homes", "comfort", "set", *BAND, "--week", "mon 6-7 20-22"], "is no rule of a week"),
        (["homes", "comfort", "set", *BAND, "--week", "all 6:00-7:00 20-22", "--week-file", "x"], "not by both"),
        (["homes", "comfort", "set", *BAND, "--week-file", "no/such/week"], "no/such/week"),
        (["homes", "comfort", "set", *BAND, "--week", "# nothing"], "without a rule"),
        (["homes", "comfort", "set", *BAND, "--holidays", "DE"], "--week"),
        (["dead-letters", "retry", "--who", "a", "--why", "b"], "--all"),
        (["dead-letters", "retry", "p-1-c1", "--over", "5m", "--who", "a", "--why", "b"], "--over"),
        (["dead-letters", "retry", "--all", "--at-most-kw", "-3", "--who", "a", "--why", "b"], "--at-most-kw"),
        (["area", "limit", "feeder-1", "--cap", "MAX", "--for", "1h", "--who", "a", "--why", "b"], "--cap"),
        (["area", "limit", "feeder-1", "--for", "1h", "--who", "a", "--why", "b"], "--section-14a KW"),
        (["area", "limit", "feeder-1", *DIMMED, "--cap", "LOW"], "either --cap"),
        (["area", "limit", "feeder-1", *DIMMED, "--connection-kw", "12"], "one pump (--pump)"),
        (["area", "limit", *DIMMED], "with --pump"),
        (["area", "blackout", "--who", "a", "--why", "b"], "either a grid area or one pump with --pump"),
        (["area", "release", "feeder-1", "--pump", "p-1", "--who", "a", "--why", "b"], "with --pump"),
        (["area", "backup", "--pump", "", "--who", "a", "--why", "b"], "--pump ''"),
        (["fleet", "stop", "--oem", "nibe", "--area", "feeder-1", "--who", "a", "--why", "b"], "--oem and --area"),
        (["fleet", "stop", "--wait", "long", "--who", "a", "--why", "b"], "--wait"),
        (["why", "p-1", "--at", "late"], "--at"),
        (["prices", "load", "no-such-file.json", "--who", "a", "--why", "b"], "no-such-file.json does not exist"),
        (["prices", "load", "prices.json", "--who", "a"], "--why"),
        (["prices", "load", __file__, "--source", "acme", "--who", "a", "--why", "b"], "known are csv-table"),
        (["prices", "load", __file__, "--price-area", "XX", "--who", "a", "--why", "b"], "known are AT"),
        (["prices", "load", __file__, "--market", "gas", "--who", "a", "--why", "b"], "--market"),
        (["homes", "panels", "set", "p-1", *ROOF, "--facing", "up"], "--facing up"),
        (["accounts", "connect", "nibe", "--host", "0.0.0.0", "--who", "a", "--why", "b"], "--host 0.0.0.0"),
        (["accounts", "disconnect", "home-1", "--who", "a"], "--why"),
        (["pumps", "hand-back", "p-1", "--wait", "long", "--who", "a", "--why", "b"], "--wait"),
        (["shadow", "import", "log.csv", "--who", "a"], "--why"),
        (["enrol", "no-such.csv", "--who", "a"], "--why"),
        (["up", "--no-simulator", "--pumps", "3", "--dir", "/tmp/nowhere/no-stack"], "--pumps, --seed and --oem"),
        (["up", "--oem", "acme", "--dir", "/tmp/nowhere/no-stack"], "there is no simulated vendor 'acme'"),
        (["fly"], "fly"),
    ],
)
def test_wrong_words_get_one_sentence_and_exit_2(
    words: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert named in refused(capsys, *words)


@pytest.mark.parametrize("words", [[], ["pumps"], ["fleet"], ["homes", "comfort"]])
def test_a_command_without_words_shows_its_help_line_by_line(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith("Usage: heatsteer")
    assert len([line for line in said.splitlines() if line.startswith("  ")]) >= 3


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert _main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("heatsteer 0.")


def test_a_spoilt_stack_file_hides_no_other_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("spoilt", "empty"):
        (tmp_path / "var" / name).mkdir(parents=True)
    (tmp_path / "var" / "spoilt" / "stack.json").write_text("{")
    assert stack_folders() == [VAR, VAR / "spoilt"]
    assert running_folder(None) == VAR


def test_without_a_stack_a_command_says_how_to_start_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _main(["pumps", "list", "--dir", str(tmp_path)]) == 1
    assert "heatsteer up" in capsys.readouterr().err


def spoilt(day: dict[str, Any], how: str) -> bytes:
    """The day's document with one thing wrong."""
    match how:
        case "missing column":
            del day["price"]
        case "wrong unit by 1000":
            day["price"] = [p / 1000 for p in day["price"]]
        case "a thousand times too much":
            day["price"] = [p * 1000 for p in day["price"]]
        case "duplicate slot":
            day["unix_seconds"][5] = day["unix_seconds"][4]
        case "missing slot":
            del day["unix_seconds"][40], day["price"][40]
        case "another zone":
            day["unix_seconds"] = [t - 3600 for t in day["unix_seconds"]]
        case "not JSON":
            return b"<html>busy</html>"
        case "10 MB of brackets":
            return b"[" * 10_000_000
    return json.dumps(day).encode()


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ("missing column", '"price"'),
        ("wrong unit by 1000", "kWh"),
        ("a thousand times too much", "slot 2026-01-15"),
        ("duplicate slot", "slot 2026-01-15 01:00"),
        ("missing slot", "slot 2026-01-15 10:00"),
        ("another zone", "midnight"),
        ("not JSON", "not JSON"),
        ("10 MB of brackets", "MB"),
    ],
)
def test_a_bad_price_file_is_named_with_its_slot_before_anything_is_started(
    how: str, named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "prices.json"
    file.write_bytes(spoilt(a_day_of_prices(), how))
    sentence = refused(capsys, "demo", "--prices", str(file))
    assert str(file) in sentence
    assert named in sentence


def test_a_weather_file_that_does_not_cover_the_day_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    times = [f"2026-01-16T{hour:02}:00" for hour in range(24)]
    hourly = {"time": times, "temperature_2m": [1.0] * 24, "shortwave_radiation": [0.0] * 24}
    units = {"time": "iso8601", "temperature_2m": "°C", "shortwave_radiation": "W/m²"}
    document = {"latitude": 50.0, "longitude": 10.0, "timezone": "GMT", "utc_offset_seconds": 0}
    file = tmp_path / "weather.json"
    file.write_text(json.dumps(document | {"hourly": hourly, "hourly_units": units}))
    assert "2026-01-1" in refused(capsys, "demo", "--weather", str(file))


def test_durations_and_ends_are_read_as_people_write_them() -> None:
    from datetime import timedelta
    from zoneinfo import ZoneInfo

    assert parse_duration("1d12h") == timedelta(hours=36)
    assert parse_duration("90m") == timedelta(minutes=90)
    now = at(12)
    assert parse_until("18:30", now, ZoneInfo(BERLIN)) == at(17, 30)
    assert parse_until("08:00", now, ZoneInfo(BERLIN)) == at(31)
    assert parse_until("2026-01-15T18:30+00:00", now, ZoneInfo(BERLIN)) == at(18, 30)
    for wrong in ("", "soon", "25:00"):
        with pytest.raises(UsageError):
            parse_until(wrong, now, ZoneInfo(BERLIN))
    with pytest.raises(UsageError):
        parse_duration("2 weeks")


def test_a_world_made_with_other_options_is_refused_with_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept_world(tmp_path, 2, None)
    assert "made with --pumps 2: leave --pumps out" in refused(capsys, "up", "--dir", str(tmp_path), "--pumps", "3")
