"""Hours under a grid operator's dimming: of the year and by home, on the terminal, in JSON and on the sheet."""

from zoneinfo import ZoneInfo

import pytest

from application.access import Access
from application.savings.report import make_report
from console.cli.reports.document import document_of
from console.cli.reports.text import print_report
from console.cli.reports.words import house_sentences
from domain.steering.orders import Order, OrderKind
from market.tariff_files import tariffs_in
from tests.builders import at
from tests.ledger.builders import enrol_pumps, prices
from tests.ledger.savings.test_savings import DAY, a_home_day

pytestmark = pytest.mark.servers


def a_dimming(name: str, scope: str, start: float, end: float) -> Order:
    return Order(
        order_id=name,
        kind=OrderKind.SECTION_14A,
        scope=scope,
        limit_kw=4.2,
        since=at(start),
        until=at(end),
        who="grid operator",
        why="a transformer",
    )


async def test_a_homes_hours_of_dimming_in_the_year_are_in_its_report_and_its_neighbours_are_not(
    access: Access, capsys: pytest.CaptureFixture[str]
) -> None:
    await enrol_pumps(access.ledger.engine, "p-0001", "p-0002")
    await access.ledger.series.store_prices(prices(start=at(-1)), at(1))
    day, energy = a_home_day()
    await access.ledger.savings.keep(
        [(day.model_copy(update={"pump_id": p}), energy) for p in ("p-0001", "p-0002")], at(9)
    )
    orders = access.ledger.orders
    await orders.give(a_dimming("last-year", "pump:p-0001", -24 * 20, -24 * 20 + 8), at(0))
    await orders.give(a_dimming("lifted", "pump:p-0001", -48, -40), at(0))
    await orders.lift("lifted", at(-46))
    await orders.give(a_dimming("whole", "pump:p-0001", 1, 2.5), at(0))
    await orders.give(a_dimming("later", "pump:p-0001", 48, 50), at(0))
    report = await make_report(access, DAY, DAY, tariffs_in(), lambda _: ZoneInfo("Europe/Berlin"))
    assert {home.pump: home.dimmed_year_h for home in report.homes} == {"p-0001": 3.5, "p-0002": 0.0}
    assert [home["dimmed_year_h"] for home in document_of(report)["homes"]] == [3.5, 0.0]
    print_report(report)
    said = " ".join(capsys.readouterr().out.split())
    assert "dimmed by a grid operator (section 14a) in 2026 until then: 1 home, 3.5 h together, 3.5 h at most" in said
    (sentence,) = house_sentences(report.homes[0])
    assert "dimmed your heat pump under section 14a for 3.5 hours" in sentence
    assert house_sentences(report.homes[1]) == []
