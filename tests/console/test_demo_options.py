"""A demo's options become an order, or one sentence before anything is started."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.cli.demo.options import demo_order
from console.cli.errors import UsageError
from demo.order import DemoOrder
from workflows.contracts import SPED_UP, UNDISTURBED, Patience


def an_order(**given: Any) -> DemoOrder:
    """An order of the default day."""
    options: dict[str, Any] = {
        "pumps": 4,
        "hours": None,
        "speed": None,
        "seed": 1,
        "prices": None,
        "weather": None,
        "day": None,
        "faults": (),
        "out": None,
        "keep": False,
    }
    return demo_order(**(options | given))


def test_an_outage_is_given_in_local_time_of_the_day_and_may_be_given_twice() -> None:
    order = an_order(outages=["nibe@02:00+2h", "nibe@13:30+45m"])
    first, second = order.staging.outages
    assert first.starts == datetime(2026, 1, 15, 1, tzinfo=UTC)
    assert first.ends - first.starts == timedelta(hours=2)
    assert second.starts == datetime(2026, 1, 15, 12, 30, tzinfo=UTC)
    assert order.given()["outages"][0]["oem"] == "nibe"


def test_a_summer_outage_is_in_summer_time() -> None:
    (outage,) = an_order(day=date(2026, 7, 1), outages=["nibe@02:00+2h"]).staging.outages
    assert outage.starts == datetime(2026, 7, 1, tzinfo=UTC)


def test_faults_of_our_own_processes_are_named_like_others_and_leave_time_to_get_over_them() -> None:
    order = an_order(faults=["hung-worker=0.1", "no-figures=1"], keep=True)
    assert order.staging.faults == {"hung-worker": 0.1, "no-figures": 1.0}
    assert order.staging.patience == SPED_UP
    assert an_order(faults=["http-500=0.1"]).staging.patience == UNDISTURBED


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"outages": ["nibe@2+2h"]}, "nibe@02:00+2h"),
        ({"outages": ["nibe@25:00+2h"]}, "VENDOR@TIME"),
        ({"outages": ["acme@02:00+2h"]}, "acme"),
        ({"outages": ["nibe@02:00+soon"]}, "90m"),
        ({"outages": ["nibe@23:00+2h"]}, "within the run"),
        ({"outages": ["nibe@02:00+2h"], "hours": 3}, "to 15 Jan 03:00 local"),
        ({"outages": ["nibe@02:00+2h"], "speed": 61.0}, "--speed 61"),
        ({"kill_every": "60m", "speed": 720.0}, "at most 60 times"),
        ({"faults": ["no-figures=1"]}, "--keep"),
        ({"kill_every": "hourly"}, "--kill-worker-every"),
        ({"kill_every": "5m"}, "10 min"),
        ({"faults": ["touched=21"]}, "times per pump and day"),
        ({"faults": ["silent-ignore=2"]}, "between 0 and 1"),
        ({"faults": ["drift=nan"]}, "drift=nan"),
    ],
)
def test_what_cannot_be_run_is_refused_with_a_sentence(given: dict[str, Any], word: str) -> None:
    with pytest.raises(UsageError, match=re.escape(word)) as refusal:
        an_order(**given)
    assert "\n" not in str(refusal.value)


def test_a_run_may_go_on_for_some_market_days_whatever_their_length() -> None:
    assert an_order().market_days == (date(2026, 1, 15),)
    assert an_order(hours=24).market_days == (date(2026, 1, 15),)
    two = an_order(hours=24.25)
    assert two.end - two.staging.epoch == timedelta(hours=24, minutes=15)
    assert two.market_days == (date(2026, 1, 15), date(2026, 1, 16))
    assert an_order(day=date(2026, 10, 25), hours=25).market_days == (date(2026, 10, 25),)
    assert len(an_order(day=date(2026, 3, 29), hours=24).market_days) == 2


def test_a_file_of_one_days_prices_ends_with_that_day(tmp_path: Path) -> None:
    start = int(datetime(2026, 1, 14, 23, tzinfo=UTC).timestamp())
    seconds = list(range(start, start + 86400, 900))
    prices = tmp_path / "prices.json"
    prices.write_text(
        json.dumps({"unix_seconds": seconds, "price": [80.0 + n for n in range(96)], "unit": "EUR / MWh"})
    )
    assert an_order(prices=prices, hours=24).market_days == (date(2026, 1, 15),)
    with pytest.raises(UsageError, match=r"--hours 48 .*prices\.json"):
        an_order(prices=prices, hours=48)


def test_a_run_is_as_fast_as_what_it_does_allows() -> None:
    assert an_order().staging.speed == 480
    assert an_order(pumps=50).staging.speed == 115, "a larger fleet has more to do in each second of the wall"
    assert an_order(pumps=1000).staging.speed == 60
    assert an_order(kill_every="60m").staging.speed == 60
    assert an_order(outages=["nibe@02:00+2h"]).staging.speed == 60
    assert an_order(kill_every="2h", speed=30.0).staging.speed == 30


def test_attempts_are_given_up_soon_only_where_workers_are_killed() -> None:
    assert an_order(pumps=50).staging.patience == UNDISTURBED
    assert an_order(speed=1.0).staging.patience == Patience()
    assert an_order(kill_every="60m").staging.patience == SPED_UP


def test_people_and_drift_are_given_as_times_a_pump_and_day() -> None:
    order = an_order(faults=["touched=0.2", "drift=3"])
    assert order.staging.faults == {"touched": 0.2, "drift": 3.0}
