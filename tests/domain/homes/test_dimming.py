"""What section 14a leaves to a heat pump: by its connection power, in its country alone."""

import pytest

from domain.homes.dimming import SECTION_14A, problem_with_dimming
from domain.homes.enrolment import Enrolment
from tests.builders import a_profile


def a_pump(rated_heat_kw: float = 8.0, price_area: str = "DE-LU") -> Enrolment:
    return a_profile().enrolment.model_copy(update={"rated_heat_kw": rated_heat_kw, "price_area": price_area})


@pytest.mark.parametrize(
    ("connection_kw", "least_kw"), [(3.0, 4.2), (11.0, 4.2), (11.1, 4.44), (15.0, 6.0), (30.0, 12.0)]
)
def test_the_least_is_four_point_two_kilowatts_or_two_fifths_of_more_than_eleven(
    connection_kw: float, least_kw: float
) -> None:
    assert SECTION_14A.least(connection_kw) == pytest.approx(least_kw)


def test_a_limit_below_what_the_law_leaves_is_refused_with_the_least_and_its_source() -> None:
    assert problem_with_dimming(4.2, a_pump()) is None
    assert "at least 4.2 kW" in (problem_with_dimming(4.0, a_pump()) or "")
    large = problem_with_dimming(4.2, a_pump(rated_heat_kw=40.0)) or ""
    assert "at least 6.4 kW" in large
    assert "of 16.0 kW (BNetzA BK6-22-300" in large
    assert problem_with_dimming(6.4, a_pump(rated_heat_kw=40.0)) is None


def test_a_heater_counts_where_the_connection_power_is_known() -> None:
    assert problem_with_dimming(4.2, a_pump(rated_heat_kw=12.0)) is None
    assert "at least 5.6 kW" in (problem_with_dimming(4.2, a_pump(rated_heat_kw=12.0), connected_kw=14.0) or "")


def test_outside_germany_nobody_is_dimmed_by_its_law() -> None:
    assert "is of price area SE3: section-14a is a rule of DE-LU" in (
        problem_with_dimming(4.2, a_pump(price_area="SE3")) or ""
    )
