"""What makes houses alike for planning, and the name that people call a segment by.

Protects: an order for a segment means the pumps that the planner coordinates together.
"""

from bisect import bisect_left

from domain.homes.enrolment import PumpProfile

AREA_BANDS_M2 = (100.0, 140.0, 190.0, 260.0)
"""Upper bounds of the bands of heated area, which stands for heat loss and storage."""


def area_band(heated_area_m2: float) -> int:
    """The band of a heated area, from 0."""
    return bisect_left(AREA_BANDS_M2, heated_area_m2)


def segment_of(profile: PumpProfile) -> str:
    """The segment a pump is planned in, in words: `renovated/radiator/heating_offset/100-140m2/sensed`."""
    e = profile.enrolment
    band = area_band(e.heated_area_m2)
    above = f"{AREA_BANDS_M2[band]:.0f}m2" if band < len(AREA_BANDS_M2) else "up"
    size = f"{AREA_BANDS_M2[band - 1]:.0f}-{above}" if band else f"below-{above}"
    sensed = "sensed" if profile.has_room_sensor else "unsensed"
    return f"{e.building_class.value}/{e.emitter.value}/{profile.heating.name}/{size}/{sensed}"
