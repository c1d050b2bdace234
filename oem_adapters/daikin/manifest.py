"""The manifest of Daikin: its Onecta cloud, its small quota, its timing, and the levers of its units.

Protects: every figure that the vendor may change stands here, with its reason.
"""

from datetime import timedelta

from domain.modes import Circuit, HotWaterMode, Mode
from domain.oem.lever import LeverSpec, StuckLimits, ThermalResponse
from domain.oem.manifest import Authentication, AuthFlow, Evidence, Manifest
from domain.oem.quota import Quota, QuotaScope
from domain.oem.readings import Condition
from domain.oem.timing import VendorTiming

HEATING_OFFSET = LeverSpec(
    name="heating_offset",
    title="leaving-water offset",
    circuit=Circuit.HEATING,
    # A setting stays until it is changed, so each delta is one that a house can be stuck with for two days at design
    # temperature: four kelvin less supply. MIN is never the unit's off switch.
    deltas={Mode.MIN: -4.0, Mode.MID: 2.0, Mode.MAX: 6.0},
    # The same kelvins of supply over the same time as any curve that is shifted by four: tests/simulator/homes.
    stuck=StuckLimits(drop_k=3.0, fall_k=3.7),
    # The offset is added to the leaving water that the weather curve asks for.
    response=ThermalResponse(water_k_per_unit=1.0),
)
"""Kelvin added to a weather-dependent leaving-water temperature."""

LEAVING_WATER = LeverSpec(
    name="leaving_water",
    title="leaving-water temperature",
    circuit=Circuit.HEATING,
    # As far down as the offset goes, and less far up: what a floor bears is known to the installer's range alone.
    deltas={Mode.MIN: -4.0, Mode.MID: 2.0, Mode.MAX: 4.0},
    # The same kelvins of supply over the same time as the offset's.
    stuck=StuckLimits(drop_k=3.0, fall_k=3.7),
    response=ThermalResponse(water_k_per_unit=1.0),
)
"""Leaving-water temperature of a unit that follows no weather curve, in degrees C."""

ROOM_SETPOINT = LeverSpec(
    name="room_setpoint",
    title="room setpoint",
    circuit=Circuit.HEATING,
    # Once everything has settled, a room is about 2.5 K cooler in MIN at most.
    deltas={Mode.MIN: -1.0, Mode.MID: 0.5, Mode.MAX: 1.5},
    stuck=StuckLimits(drop_k=1.5, fall_k=2.0),
    # The unit modulates its leaving water by room temperature; about as other makers' room control does.
    response=ThermalResponse(water_k_per_unit=3.5, feedback_k_per_k=1.5),
)
"""Room temperature that the unit's own thermostat aims at, in degrees C."""

HOT_WATER_TARGET = LeverSpec(
    name="hot_water_target",
    title="hot-water temperature",
    circuit=Circuit.HOT_WATER,
    # Both are safe to be stuck with, and leave the unit's disinfection cycle alone, which is a setting of its own.
    deltas={HotWaterMode.HOLD: -3.0, HotWaterMode.BOOST: 3.0},
)
"""Temperature to which the tank is charged, in degrees C."""

TIMING = VendorTiming(
    # The cloud goes on showing the old value for up to half a minute; clients of a small quota wait 1 to 2 minutes.
    usual_delay=timedelta(seconds=120),
    # Each look is one of 200 calls a day: an impatient one is a change less.
    look_again=timedelta(seconds=180),
    # Five minutes were the slowest; the unit's next publication shows them, and a first write reads the account before.
    longest_in_flight=timedelta(seconds=540),
    # A unit that is connected stamps its state every few minutes; the flag of its connection flaps.
    reading_max_age=timedelta(minutes=40),
    # One call reads a whole account.
    observe_calls=1.0,
    reads_accounts=True,
)

MANIFEST = Manifest(
    oem="daikin",
    title="Daikin Onecta",
    api_url="https://api.onecta.daikineurope.com",
    authentication=Authentication(
        flow=AuthFlow.AUTHORIZATION_CODE,
        token_url="https://idp.onecta.daikineurope.com/v1/oidc/token",  # noqa: S106 -- an address
        authorize_url="https://idp.onecta.daikineurope.com/v1/oidc/authorize",
        scopes=("openid", "onecta:basic.integration"),
    ),
    # Any 60 seconds and any 24 hours, and a call that is refused counts. Whether they are a user's or an application's,
    # the vendor's guideline and its clients say differently: an account may be added with either scope.
    quotas=(
        Quota(calls=20, window=timedelta(minutes=1), scope=QuotaScope.ACCOUNT, slides=True),
        Quota(calls=200, window=timedelta(days=1), scope=QuotaScope.ACCOUNT, slides=True),
    ),
    timing=TIMING,
    evidence=frozenset({Evidence.OUTDOOR, Evidence.SUPPLY, Evidence.HOT_WATER}),
    # What cannot be set for a while looks like what may never be set from afar.
    conditions=frozenset(Condition) - {Condition.REMOTE_DISABLED},
    levers=(HEATING_OFFSET, LEAVING_WATER, ROOM_SETPOINT, HOT_WATER_TARGET),
)

EMERGENCY = (
    "Emergency heat raises the heating lever as far as mode MAX does; the back-up heater joins when the unit's own "
    "control calls for it, because this cloud offers no switch for it."
)
