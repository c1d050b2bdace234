"""The report's page: complete by itself, escaped, and honest about what a model says."""

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from application.savings.report import Act, DayCourse, HomeReport, Report
from console.cli.reports.charts import axis_over
from console.cli.reports.document import document_of
from console.cli.reports.page import page_of
from domain.savings.claim import ArmFigures, Claim, Interval
from domain.savings.energy import Evidence, Flag
from domain.savings.experiment import Arm
from domain.savings.home_day import HomeDay
from domain.slots import market_day_slots

BERLIN, DAY = ZoneInfo("Europe/Berlin"), date(2026, 1, 15)
SLOTS = market_day_slots(DAY, BERLIN)


def a_claim(has_interval: bool = True) -> Claim:
    arm = ArmFigures(home_days=40, cost_eur_per_day=3.2, kwh_per_day=34, room_c=21.0, kelvin_hours_per_day=0.1)
    return Claim(
        price_area="DE-LU",
        first_day=DAY.replace(day=1),
        last_day=DAY,
        homes=12,
        steered_home_days=100,
        left_out={"washout": 5},
        excluded={},
        per_home_day_eur=Interval(mean=0.25, low=0.2, high=0.3) if has_interval else None,
        price_effect_eur=Interval(mean=0.27, low=0.22, high=0.32) if has_interval else None,
        steered=arm,
        neutral=arm,
        reason="" if has_interval else "3 homes were compared",
    )


def a_report(claim: Claim) -> Report:
    day = HomeDay(
        pump_id="p-0001",
        price_area="DE-LU",
        day=DAY,
        arm=Arm.STEERED,
        kwh=30.0,
        cost_eur=2.5,
        flat_cost_eur=2.8,
        expected_eur=3.0,
        unsteered_eur=2.9,
        room_c=21.2,
        outdoor_c=1.0,
        kelvin_hours=0.05,
        evidence={Evidence.METER: 30.0},
        excluded={Flag.RESET: 1},
        price_version=1,
    )
    course = DayCourse(
        slots=SLOTS,
        kwh=[0.3] * 96,
        evidence=[Evidence.METER] * 96,
        price_eur_per_mwh=[-20.0 + n for n in range(96)],
        modes=[(SLOTS[20], "MAX")],
        rooms=[(SLOTS[4], 21.0), (SLOTS[80], 21.4)],
    )
    act = Act(at=SLOTS[20], mode="MAX", authority="override", reason="<script>alert(1)</script>")
    home = HomeReport(pump="p-0001", days=[day], acts=[act], acts_by_plan=3, band=(20.0, 23.5), course=course)
    return Report(
        first=DAY,
        last=DAY,
        made_at=datetime(2026, 1, 16, 6, tzinfo=UTC),
        claims=[claim],
        homes=[home],
        evidence_kwh={Evidence.METER: 30.0},
        excluded={Flag.RESET: 1},
    )


def test_the_page_stands_alone_and_lets_no_text_become_markup() -> None:
    page = page_of(a_report(a_claim()), BERLIN)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(src|href)=|url\(", page)
    assert page.count("<section>") == 2, "one for the operator, one for the household"


def test_what_was_saved_stands_with_its_interval_and_what_the_model_says_under_its_name() -> None:
    page = page_of(a_report(a_claim()), BERLIN)
    assert "25.00 € <small>20.00 € to 30.00 €</small>" in page
    assert "Without steering, by our model" in page
    assert "0.40 € less than the model" in page
    assert "1 counter ran back" in page


def test_without_an_interval_no_saving_is_shown_and_the_reason_is() -> None:
    page = page_of(a_report(a_claim(has_interval=False)), BERLIN)
    assert "No interval can be claimed: 3 homes were compared." in page
    assert "Saved in all" not in page


def test_the_document_names_the_models_figure_as_the_models() -> None:
    document = document_of(a_report(a_claim()))
    (home,) = document["homes"]
    assert (home["cost_eur"], home["model_unsteered_eur"]) == (2.5, 2.9)
    assert document["claims"][0]["total_eur"].mean == 25.0
    assert document["excluded"] == {"reset": 1}


def test_an_axis_holds_all_its_values_and_zero_where_bars_stand_on_it() -> None:
    axis = axis_over([3.0, 7.0], 100, from_zero=True)
    assert axis.low <= 0 < 7 <= axis.high
    assert axis.y(7.0) < axis.y(3.0)
    assert axis_over([5.0, 5.0], 100).ticks, "values that are all alike still make an axis"
