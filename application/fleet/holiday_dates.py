"""Public holidays of a country or a part of one, looked up when a household's week is set.

Protects: what steers by holidays holds their dates, not a library's opinion of them that may change with its version.
"""

from datetime import date

import holidays

from application.errors import ErrorCode, Refused

YEARS_AHEAD = 2
"""A week is set again sooner than that, or its holidays count as the weekdays they are."""


def holiday_dates(country: str, from_day: date) -> tuple[date, ...]:
    """The holidays of "DE" or "DE-BY" from a day's year on; raises Refused for a country that is not known."""
    name, _, part = country.upper().partition("-")
    years = range(from_day.year, from_day.year + YEARS_AHEAD + 1)
    try:
        found = holidays.country_holidays(name, subdiv=part or None, years=years)
    except NotImplementedError as error:
        sentence = f"{country!r} has no holidays that are known: give a country such as DE, or a part of one, DE-BY"
        raise Refused(ErrorCode.INVALID_REQUEST, sentence) from error
    return tuple(sorted(found))
