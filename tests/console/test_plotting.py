"""Pictures of slots: every slot a step of its own, on days of any length, or a sentence why there is none."""

from datetime import date
from pathlib import Path

import pytest

from console.cli.errors import UsageError
from console.cli.plotting import Panel, draw
from console.cli.words import TZ
from domain.slots import market_day_slots

PNG = b"\x89PNG"


@pytest.mark.parametrize("day", [date(2026, 1, 15), date(2026, 3, 29), date(2025, 10, 26)])
def test_a_day_of_any_length_is_drawn_with_its_parts_and_their_sum(tmp_path: Path, day: date) -> None:
    slots = market_day_slots(day, TZ)
    spot = [-50.0 + slot.hour * 10 for slot in slots]
    panel = Panel("a day", "EUR/MWh", {"spot": spot, "fee": [30.0] * len(slots)}, [price + 30 for price in spot])
    file = tmp_path / "day.png"
    draw(file, slots[0], [panel, Panel("the same", "EUR/MWh", line=spot)])
    assert file.read_bytes().startswith(PNG)


def test_a_picture_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    panel = Panel("a day", "EUR/MWh", line=[1.0, 2.0])
    for name in ("no/such/folder.png", "day.nothing"):
        with pytest.raises(UsageError, match="cannot be drawn"):
            draw(tmp_path / name, market_day_slots(date(2026, 1, 15), TZ)[0], [panel])
