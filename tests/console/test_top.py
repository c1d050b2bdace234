"""`heatsteer top` in a narrow window: everything that matters is there, and nothing is wider than it."""

import io
from datetime import timedelta

import pytest
from rich.console import Console

from application.steering.dead_letters import DeadLetter
from console.cli.watching.picture import WIDTH, picture
from domain.fleet_figures import FleetFigures
from tests.builders import MIDNIGHT
from tests.telemetry.figures import a_fleet, a_vendor


def a_letter(reason: str = "the cloud says that the pump is offline") -> DeadLetter:
    return DeadLetter(
        command="p-0001-c00007",
        pump="p-0001",
        circuit="heating",
        target="MAX",
        authority="plan",
        since=MIDNIGHT - timedelta(hours=3),
        times=1,
        reason=reason,
        owner="household",
        ids=("p-0001-c00007",),
    )


def lines(figures: FleetFigures, *letters: DeadLetter, width: int = WIDTH) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(picture(figures, letters))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_fleet_vendors_plan_prices_and_dead_letters_are_there() -> None:
    shown = "\n".join(lines(a_fleet(), a_letter()))
    assert "10 pumps   1 dead letter" in shown
    assert "LOW 7  MID 0  MAX 2  unknown 1" in shown
    assert "9 plan, 1 override" in shown
    assert "1 dead-letter" in shown
    assert "4 tasks in oem-nibe for up to 2s" in shown
    row = next(line.split() for line in shown.splitlines() if line.startswith("nibe"))
    assert row == ["nibe", "10", "1", "90%", "closed", "25%", "17.5-20.9", "1", "1"]
    row = next(line.split() for line in shown.splitlines() if line.startswith("DE-LU"))
    assert row == ["DE-LU", "-4.50", "82", "to", "214", "1d0h", "3", "10h00m", "9/10", "1.2%", "5.0%"]
    assert "p-0001 heating MAX since" in shown


@pytest.mark.parametrize("width", [80, 60, 40])
def test_nothing_is_wider_than_the_window_whatever_it_is_called(width: int) -> None:
    vendors = tuple(a_vendor(oem=f"a-vendor-with-a-very-long-name-{n}", modes={"MAX": 123456}) for n in range(3))
    figures = a_fleet(vendors=vendors, authorities={f"authority-{n}": 99999 for n in range(9)})
    shown = lines(figures, a_letter("no answer " * 30), a_letter(), width=width)
    assert max(len(line) for line in shown) <= width
    assert len(shown) < 40


def test_what_nobody_knows_is_a_dash() -> None:
    unknown = a_vendor(commands_24h={}, quota_used=None, breaker=None, room_lowest_c=None)
    row = next(line.split() for line in lines(a_fleet(vendors=(unknown,))) if line.startswith("nibe"))
    assert row == ["nibe", "10", "1", "-", "-", "-", "-", "1", "1"]
    assert "no dead letters" in "\n".join(lines(a_fleet()))
