"""Public holidays as a household's week holds them: a country's, or those of a part of one."""

from datetime import date

import pytest

from application.errors import Refused
from application.fleet.holiday_dates import holiday_dates


def test_holidays_are_those_of_the_country_or_the_part_for_three_years() -> None:
    epiphany, unity = date(2026, 1, 6), date(2026, 10, 3)
    assert unity in holiday_dates("DE", date(2026, 1, 15))
    assert epiphany not in holiday_dates("DE", date(2026, 1, 15))
    bavarian = holiday_dates("de-by", date(2026, 1, 15))
    assert epiphany in bavarian
    assert bavarian == tuple(sorted(bavarian))
    assert {day.year for day in bavarian} == {2026, 2027, 2028}


@pytest.mark.parametrize("country", ["XX", "DE-XX", "", "Germany"])
def test_a_country_that_is_not_known_is_a_sentence(country: str) -> None:
    with pytest.raises(Refused, match="has no holidays that are known: give a country such as DE"):
        holiday_dates(country, date(2026, 1, 15))
