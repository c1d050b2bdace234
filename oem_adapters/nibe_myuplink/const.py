"""Fixed values of the myUplink cloud, each with its reason.

Protects: every number that a vendor may change stands in one place.
"""

from datetime import timedelta

from domain.oem import VendorTiming
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

OFFSET_RANGE = (-10.0, 10.0)
"""Range of the heating offset on all known models, for a point that does not tell its own."""

ZONE_RANGE_C = (15.0, 28.0)
"""Room setpoints for a zone that does not tell its range; narrower than any pump's own."""
ZONE_STEP_C = 0.5
"""Zones tell no step; half a kelvin is what room units offer."""
