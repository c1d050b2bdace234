"""What a pump may use of its home's roof, by the forecast of its weather cell: the same for planning, bills and people.

Protects: a supplier's cost knows nothing of a roof: behind the meter nothing is bought from anybody.
"""

from domain.homes.enrolment import Enrolment
from domain.homes.panels import OwnSun, own_sun
from domain.homes.settlement import Benefit
from domain.planning.series import WeatherSeries


def own_sun_of(enrolment: Enrolment, weather: WeatherSeries) -> OwnSun | None:
    """One pump's part of the surplus in the slots of the series; None without panels, or where they do not count."""
    if enrolment.panels is None or enrolment.benefit is Benefit.SUPPLIER:
        return None
    pumps = 1 if enrolment.home is None else enrolment.home.pumps
    return own_sun(enrolment.panels, weather.cell, weather.start, weather.radiation_w_per_m2, pumps)
