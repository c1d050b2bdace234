"""Whom an order is for."""

import pytest

from application.errors import Refused
from application.fleet.homes import band_of
from application.scopes import is_meant, meant, scope_of
from domain.homes.enrolment import PumpProfile
from domain.homes.segments import segment_of
from tests.builders import a_profile


def a_pump(pump_id: str = "p-0001", area_m2: float = 140, grid_area: str = "feeder-1") -> PumpProfile:
    profile = a_profile(pump_id)
    changed = {"heated_area_m2": area_m2, "grid_area": grid_area}
    return profile.model_copy(update={"enrolment": profile.enrolment.model_copy(update=changed)})


def test_a_segment_is_named_in_words_with_the_planners_own_bounds() -> None:
    assert segment_of(a_pump()) == "renovated/radiator/heating_offset/100-140m2/sensed"
    assert segment_of(a_pump(area_m2=90)).split("/")[3] == "below-100m2"
    assert segment_of(a_pump(area_m2=400)).split("/")[3] == "260-up"


@pytest.mark.parametrize(
    ("scope", "is_for_it"),
    [
        ("all", True),
        ("oem:nibe", True),
        ("oem:nib", False),
        ("area:feeder-1", True),
        ("area:feeder-2", False),
        ("segment:renovated", True),
        ("segment:renovated/radiator", True),
        ("segment:renov", False),
        ("plan:12", True),
        ("pump:p-0001", True),
        ("pump:p-0002", False),
        ("whatever", False),
    ],
)
def test_a_scope_means_a_pump_or_not(scope: str, is_for_it: bool) -> None:
    assert is_meant(scope, a_pump()) is is_for_it


def test_a_scope_for_nobody_is_refused_with_those_there_are() -> None:
    pumps = [a_pump(), a_pump("p-0002", grid_area="feeder-2")]
    assert [p.enrolment.pump_id for p in meant("area:feeder-2", pumps)] == ["p-0002"]
    with pytest.raises(Refused, match="feeder-1, feeder-2"):
        meant("area:feeder-9", pumps)
    with pytest.raises(Refused, match="no pump p-0003 is steered"):
        meant("pump:p-0003", pumps)


def test_options_name_one_scope() -> None:
    assert scope_of() == "all"
    assert scope_of(plan=12) == "plan:12"
    assert scope_of(pump="p-0001") == "pump:p-0001"
    with pytest.raises(Refused, match="oem and area"):
        scope_of(oem="nibe", area="feeder-1")
    with pytest.raises(Refused, match="names nothing"):
        scope_of(area=" ")


@pytest.mark.parametrize(
    ("low", "high", "sentence"),
    [
        (20, 80, "room_max_c 80: .* at most 28 C"),
        (2, 22, "room_min_c 2: .* at least 14 C"),
        (22, 22.5, "at least 1 K wide"),
        (float("nan"), 22, "room_min_c nan"),
    ],
)
def test_a_comfort_that_no_home_has_is_refused_with_a_sentence(low: float, high: float, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        band_of(low, high)
