"""The report's page: complete by itself, escaped, and honest about what a model says."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from application.savings.report import Act, DayCourse, HomeReport, PowerMonth, Report
from console.cli.errors import UsageError
from console.cli.reports.charts import axis_over
from console.cli.reports.document import document_of
from console.cli.reports.page import page_of
from console.cli.reports.pdf import write_pdf
from console.cli.reports.regret import regret_lines
from console.cli.reports.sheet import Sheets
from console.cli.reports.style import STYLE
from console.cli.reports.words import HOUSE_HEAD, house_sentences
from domain.homes.comfort import ComfortBand, ComfortWeek, week_rules
from domain.homes.settlement import Benefit
from domain.planning.scope import Scope
from domain.savings.claim import ArmFigures, Claim, Interval
from domain.savings.energy import Evidence, Flag
from domain.savings.experiment import Arm
from domain.savings.home_day import HomeDay
from domain.savings.regret import Hindsight, Outcome, Regret
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


def a_report(claim: Claim, band: ComfortBand | None = None, regrets: Sequence[Regret] = ()) -> Report:
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
    accepted = band or ComfortBand()
    home = HomeReport(pump="p-0001", days=[day], acts=[act], acts_by_plan=3, band=accepted, course=course)
    return Report(
        first=DAY,
        last=DAY,
        made_at=datetime(2026, 1, 16, 6, tzinfo=UTC),
        claims=[claim],
        homes=[home],
        evidence_kwh={Evidence.METER: 30.0},
        excluded={Flag.RESET: 1},
        regrets=regrets,
    )


def a_regret(grid_area: str = "feeder-1") -> Regret:
    return Regret(
        day=DAY,
        scope=Scope(price_area="DE-LU", grid_area=grid_area, weather_cell="50.0,10.0", tariff="spot"),
        homes=9,
        left_out=2,
        planned=Outcome(kwh=280, cost_eur=25.0),
        hindsight=Hindsight(
            done=Outcome(kwh=290, cost_eur=26.0, objective_eur=26.5),
            foresight=Outcome(kwh=291, cost_eur=25.2, objective_eur=25.9),
            neutral=Outcome(kwh=300, cost_eur=29.0, objective_eur=28.9),
        ),
        settled=Outcome(kwh=340, cost_eur=31.0),
        modelled_kwh=34.0,
        price_version=1,
        outdoor_measured=1.0,
    )


def test_the_comfort_of_a_home_without_a_room_sensor_is_unknown_and_not_perfect() -> None:
    report = a_report(a_claim())
    (home,) = report.homes
    day = home.days[0].model_copy(update={"room_c": None, "kelvin_hours": 0.0})
    blind = replace(home, days=[day])
    assert (home.kelvin_hours, blind.kelvin_hours) == (0.05, None)
    assert "<td>–</td><td>–</td>" in page_of(replace(report, homes=[blind]), BERLIN)
    assert document_of(replace(report, homes=[blind]))["homes"][0]["kelvin_hours"] is None


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


def test_the_pdf_has_the_operators_sheets_and_one_for_each_household(tmp_path: Path) -> None:
    rules = week_rules("all 06:00-22:00 20.5-23")
    report = a_report(a_claim(), ComfortBand(week=ComfortWeek(tz="Europe/Berlin", rules=rules)), [a_regret()])
    file = tmp_path / "report.pdf"
    write_pdf(file, report, BERLIN)
    written = file.read_bytes()
    assert written.startswith(b"%PDF")
    sheets = len(re.findall(rb"/Type /Page\b", written))
    write_pdf(file, replace(report, homes=[*report.homes, *report.homes]), BERLIN)
    assert len(re.findall(rb"/Type /Page\b", file.read_bytes())) == sheets + 1
    with pytest.raises(UsageError, match="cannot be written"):
        write_pdf(tmp_path / "nowhere" / "report.pdf", report, BERLIN)


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


def test_a_household_with_a_week_reads_it_and_its_chart_shades_each_hours_band() -> None:
    rules = week_rules("mon-fri 06:00-22:00 20.5-23; sat,sun,holiday 08:00-00:00 21-23")
    band = ComfortBand(room_min_c=18, week=ComfortWeek(tz="Europe/Berlin", rules=rules))
    page = page_of(a_report(a_claim(), band), BERLIN)
    assert "Mon–Fri 06:00–22:00: 20.5 to 23 °C" in page
    assert "Sat, Sun, Holiday 08:00–24:00: 21 to 23 °C" in page
    assert "18 to 23.5 °C at all other times" in page
    assert page.count('class="band"') == 3, "night, day and evening of a Thursday"
    assert page_of(a_report(a_claim()), BERLIN).count('class="band"') == 1


def test_regret_stands_with_what_each_figure_is_and_scopes_apart() -> None:
    regrets = [a_regret(), a_regret("feeder-2")]
    page = page_of(a_report(a_claim(), regrets=regrets), BERLIN)
    assert page.count("Regret: 0.60 € (80 % of what foresight gains over own control was kept)") == 2
    assert "9 home-days compared, 2 not (held by others, or without a plan), 90 % of their energy measured" in page
    assert "feeder-2" in page
    document = document_of(a_report(a_claim(), regrets=regrets))["regret"]
    (first, _) = document["days"]
    assert first["regret_eur"] == pytest.approx(0.6)
    assert first.keys() >= document["figures"].keys() - {"done", "foresight", "neutral"}
    assert "regret 1.20 €" not in " ".join(regret_lines(regrets)), "scopes are not added up"
    assert any("regret 1.20 €" in line for line in regret_lines([a_regret(), a_regret()])), "days of one scope are"


def with_house(report: Report, *, power: Sequence[PowerMonth] = (), own_sun_kwh: float = 0.0, panels: bool) -> Report:
    (home,) = report.homes
    day = home.days[0].model_copy(update={"own_sun_kwh": own_sun_kwh})
    return replace(report, homes=[replace(home, days=[day], power=power, has_panels=panels)])


def a_power_month(is_metered: bool) -> PowerMonth:
    return PowerMonth(
        month="2026-01", name="mean <of 3>", level_kw=4.2, eur=12.1, unsteered_eur=13.5, is_metered=is_metered
    )


def test_a_household_reads_what_its_peak_power_costs_and_whether_that_was_metered() -> None:
    metered = page_of(with_house(a_report(a_claim()), power=[a_power_month(True)], panels=False), BERLIN)
    assert f"<h2>{HOUSE_HEAD}</h2>" in metered
    assert "in January 2026 came to 4.20 kW (by its meter), which costs 12.10 € for the month" in metered
    assert "by our model, it would have cost 13.50 €" in metered
    assert "mean &lt;of 3&gt;" in metered
    assert "estimated" not in metered.split(HOUSE_HEAD)[1]
    assumed = page_of(with_house(a_report(a_claim()), power=[a_power_month(False)], panels=False), BERLIN)
    assert "4.20 kW (estimated: it had no meter on some or all of these days)" in assumed


def test_a_household_reads_what_its_pump_used_of_its_own_panels_and_that_it_is_estimated() -> None:
    sunny = page_of(with_house(a_report(a_claim()), own_sun_kwh=7.26, panels=True), BERLIN)
    assert "Of the 30.0 kWh that your heat pump used, 7.3 kWh were surplus of your own panels (estimated" in sunny
    dark = page_of(with_house(a_report(a_claim()), panels=True), BERLIN)
    assert "0.0 kWh were surplus of your own panels" in dark, "none is a figure too where there are panels"


def test_every_kind_of_evidence_has_its_colour_on_the_page() -> None:
    assert [kind for kind in Evidence if f".{kind.value} {{" not in STYLE] == []


def test_a_home_with_neither_charge_nor_panels_is_told_of_neither() -> None:
    report = a_report(a_claim())
    assert HOUSE_HEAD not in page_of(report, BERLIN)
    supplied = with_house(report, panels=True)
    supplied = replace(supplied, homes=[replace(supplied.homes[0], benefit=Benefit.SUPPLIER)])
    assert HOUSE_HEAD not in page_of(supplied, BERLIN), "panels do not count where the supplier alone gains"


def test_the_pdf_says_of_the_house_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    write = Sheets._write

    def keep(sheets: Sheets, x: float, y: float, text: str, **how: Any) -> None:
        written.append(text)
        write(sheets, x, y, text, **how)

    monkeypatch.setattr(Sheets, "_write", keep)
    report = with_house(a_report(a_claim()), power=[a_power_month(False)], own_sun_kwh=7.26, panels=True)
    write_pdf(tmp_path / "report.pdf", report, BERLIN)
    told = " ".join(written)
    for sentence in house_sentences(report.homes[0]):
        assert sentence in told
        assert escape(sentence) in page_of(report, BERLIN)
    written.clear()
    write_pdf(tmp_path / "report.pdf", a_report(a_claim()), BERLIN)
    assert HOUSE_HEAD not in written
