"""The manifest of NIBE and its sister brands: their myUplink cloud, its quota and timing, and the levers of its units.

Protects: every figure that the vendor may change stands here, with its reason.
"""

from datetime import timedelta

from domain.modes import Circuit, HotWaterMode, Mode
from domain.oem.lever import LeverSpec, StuckLimits, ThermalResponse
from domain.oem.manifest import Authentication, AuthFlow, Evidence, Manifest
from domain.oem.quota import Quota, QuotaScope
from domain.oem.timing import VendorTiming

HEATING_OFFSET = LeverSpec(
    name="heating_offset",
    title="heating offset",
    circuit=Circuit.HEATING,
    # A setting stays until it is changed, so each delta is one that a house can be stuck with for two days at design
    # temperature: two steps are about four kelvin less supply.
    deltas={Mode.MIN: -2.0, Mode.MID: 1.0, Mode.MAX: 3.0},
    # From houses of every class and emitter at -12 and -16 C, with a margin (tests/simulator/homes/test_stuck.py). The
    # fall is of those houses at rest as warm as their band or cooler, own control's fall in two dark days included.
    stuck=StuckLimits(drop_k=3.0, fall_k=3.7),
    response=ThermalResponse(water_k_per_unit=2.0),
)
"""Parallel shift of the heating curve, in steps."""

ROOM_SETPOINT = LeverSpec(
    name="room_setpoint",
    title="room setpoint",
    circuit=Circuit.HEATING,
    # Once everything has settled, a room is about 2.5 K cooler in MIN at most.
    deltas={Mode.MIN: -1.0, Mode.MID: 0.5, Mode.MAX: 1.5},
    stuck=StuckLimits(drop_k=1.5, fall_k=2.0),
    # Of the 3.5 K per kelvin of setpoint, 2 K come from the curve and 1.5 K from room influence, which also acts on
    # the room temperature.
    response=ThermalResponse(water_k_per_unit=3.5, feedback_k_per_k=1.5),
)
"""Room temperature that a heat zone aims at, in degrees C."""

HOT_WATER_COMFORT = LeverSpec(
    name="hot_water_comfort",
    title="hot-water comfort step",
    circuit=Circuit.HOT_WATER,
    # Both are safe to be stuck with: economy still makes hot water, and the hygiene cycle runs at every step.
    settings={HotWaterMode.HOLD: 0.0, HotWaterMode.BOOST: 2.0},
)
"""0 economy, 1 normal, 2 luxury."""

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

MANIFEST = Manifest(
    oem="nibe",
    title="NIBE myUplink",
    api_url="https://api.myuplink.com",
    authentication=Authentication(
        flow=AuthFlow.CLIENT_CREDENTIALS,
        # Discovery advertises /connect/token, which answers 404 on the public API.
        token_url="https://api.myuplink.com/oauth/token",  # noqa: S106 -- an address
        # offline_access would be refused with client credentials: there is no refresh token to be had.
        scopes=("READSYSTEM", "WRITESYSTEM"),
    ),
    # Whether it counts per client or per account is not known; its answers name it per account so far.
    quotas=(Quota(calls=25, window=timedelta(minutes=1), scope=QuotaScope.ACCOUNT),),
    timing=TIMING,
    evidence=frozenset({Evidence.OUTDOOR, Evidence.SUPPLY, Evidence.HOT_WATER}),
    levers=(HEATING_OFFSET, ROOM_SETPOINT, HOT_WATER_COMFORT),
)

EMERGENCY = (
    "Emergency heat raises the heating lever as far as mode MAX does; the immersion heater joins when the unit's own "
    "degree minutes call for it, because this cloud offers no remote switch to aid or additional heat."
)
"""The only known call for aid mode is a GET."""
