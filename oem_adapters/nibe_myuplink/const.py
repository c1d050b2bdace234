"""Fixed values of the myUplink cloud, each with its reason.

Protects: every number that a vendor may change stands in one place.
"""

from datetime import timedelta

from domain.oem.cloud import VendorTiming
from oem_adapters.tokens import TokenEndpoint

TIMING = VendorTiming(
    # The cloud shows a write after 1 to 5 minutes; most within the first two and a half.
    usual_delay=timedelta(seconds=150),
    # The cloud's own picture changes about once a minute at best; more looks only spend calls.
    look_again=timedelta(seconds=90),
    # The slowest writes seen took 5 minutes; two minutes more for a write that the cloud still held back.
    longest_in_flight=timedelta(seconds=420),
    # Values change about every 5 minutes; six missed rounds are a silence.
    reading_max_age=timedelta(minutes=30),
    # One call for the points; every other hour the away switch of an S-series more.
    observe_calls=1.05,
)

TOKENS = TokenEndpoint(
    # Discovery advertises /connect/token, which answers 404 on the public API.
    path="/oauth/token",
    # offline_access would be refused with client credentials: there is no refresh token to be had.
    scopes=("READSYSTEM", "WRITESYSTEM"),
)

HEADERS = {
    # Parameter names come in the asked language, and some points are found by name.
    "Accept-Language": "en-GB",
}

WRITE_CONTENT_TYPE = "application/json-patch+json"
"""What this cloud's clients send, although the body is a plain object and no JSON Patch."""

ITEMS_PER_PAGE = 99
MOST_PAGES = 500
"""A guard against a cloud that never reports an end; far beyond any fleet under one account."""

ABSENT = -32768
"""The value of a sensor that is not connected."""

CLOCK_AHEAD = timedelta(minutes=15)
"""A stamp this far in the future comes from a wrong clock and would make a pump look fresh for ever."""

MEMORY_LIFE = timedelta(hours=24)
"""How long ids and ranges are remembered; an installer or a firmware update changes them rarely."""

DEVICE_LIFE = timedelta(minutes=10)
"""How long a connection and a firmware state are believed: about two rounds of looking at a fleet."""

AWAY_ASKED_EVERY = timedelta(hours=2)
"""People leave for days, and the switch costs a call of its own."""
AWAY_BELIEVED = timedelta(hours=4)
"""How long an away switch is remembered while it cannot be asked."""

OFFSET_RANGE = (-10.0, 10.0)
"""Range of the heating offset on all known models, for a point that does not tell its own."""

ZONE_RANGE_C = (15.0, 28.0)
"""Room setpoints for a zone that does not tell its range; narrower than any pump's own."""
ZONE_STEP_C = 0.5
"""Zones tell no step; half a kelvin is what room units offer."""

HOT_WATER_RANGE = (0.0, 2.0)
"""Economy to luxury, in the order of the vendor's numbers; its 4 ("smart") is a choice and no comfort step."""
HOT_WATER_STEP = 1.0

EMERGENCY = (
    "Emergency heat raises the heating lever as far as mode MAX does; the immersion heater joins when the unit's own "
    "degree minutes call for it, because this cloud offers no remote switch to aid or additional heat."
)
"""The only known call for aid mode is a GET."""
