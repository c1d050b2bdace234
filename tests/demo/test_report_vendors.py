"""The report's figures of each vendor, and the table that shows them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from demo.report.figures import build_report
from demo.report.recording import AccountUse
from demo.report.writes import writes_figures
from domain.homes.enrolment import PumpProfile
from oem_adapters.viessmann.manifest import HEATING_OFFSET
from tests.builders import a_profile
from tests.demo.report_lines import PUMP, a_change, a_run, a_write, an_event, printed

OTHER = "p-0002"


def other_profile() -> PumpProfile:
    profile = a_profile(OTHER, spec=HEATING_OFFSET)
    enrolment = profile.enrolment.model_copy(update={"oem": "viessmann", "account_id": "home-1"})
    return profile.model_copy(update={"enrolment": enrolment})


def test_each_vendor_has_the_fleets_figures_over_its_own_pumps() -> None:
    events = [
        *a_write(5, 3.0, "accepted", 0.2),
        an_event("applied", 8.2),
        an_event("effective", 20),
        *a_write(60, 0.0, "accepted", 0.0, command="c2"),
        an_event("write_ignored", 70, "c2", 1),
        an_event("accepted", 71, "c2", 2),
        an_event("applied", 76, "c2"),
        an_event("applied", 3, "c3", pump=OTHER),
    ]
    run = a_run([a_change(6, 3.0), a_change(66, 0.0)], events=events)
    accounts = [
        AccountUse("nibe", "a", 30, 120.0),
        AccountUse("nibe", "b", 60, 120.0),
        AccountUse("viessmann", "home-1", 9, None),
    ]
    profiles = {**run.profiles, OTHER: other_profile()}
    report = build_report(replace(run, profiles=profiles, accounts=accounts))
    assert report["vendors"] == {
        "nibe": {
            "pumps": 1,
            "calls": 90,
            "quota_pct": 50.0,
            "verify_s_p50": 180.0,
            "verify_s_p95": 300.0,
            "ignored": 1,
            "evidence_pct": 50.0,
            "fidelity_pct": 100.0,
        },
        "viessmann": {
            "pumps": 1,
            "calls": 9,
            "quota_pct": None,
            "verify_s_p50": None,
            "verify_s_p95": None,
            "ignored": 0,
            "evidence_pct": 0.0,
            "fidelity_pct": None,
        },
    }
    page = printed(report)
    assert "nibe" in page
    assert "50.0 %" in page


@pytest.mark.parametrize(("longest_min", "conflicting"), [(7, 0), (9, 1)])
def test_a_lost_write_may_land_for_as_long_as_its_own_vendor_takes(longest_min: int, conflicting: int) -> None:
    events = [*a_write(1, 3.0, "write_lost", 0.1), *a_write(9, 0.0, "accepted", command="c2")]
    figures = writes_figures(events, [], {PUMP: timedelta(minutes=longest_min)})
    assert figures["conflicting"] == conflicting
