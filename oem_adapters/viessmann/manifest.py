"""The manifest of Viessmann: its IoT cloud, the quotas of the free plan, its timing, and the levers of its units.

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
    title="shift of the heating curve",
    circuit=Circuit.HEATING,
    # A setting stays until it is changed, so each delta is one that a house can be stuck with for two days at design
    # temperature: four kelvin less supply.
    deltas={Mode.MIN: -4.0, Mode.MID: 2.0, Mode.MAX: 6.0},
    # The same kelvins of supply over the same time as any curve that is shifted by four: tests/simulator/homes.
    stuck=StuckLimits(drop_k=3.0, fall_k=3.7),
    # The vendor's curve is supply = room + shift - slope x f(outdoor - room): a shift counts in kelvin of supply.
    response=ThermalResponse(water_k_per_unit=1.0),
)
"""Parallel shift of the heating curve, in kelvin of supply."""

HOT_WATER_TARGET = LeverSpec(
    name="hot_water_target",
    title="hot-water temperature",
    circuit=Circuit.HOT_WATER,
    # Both are safe to be stuck with: from the usual 48 to 52 C a tank held back is still charged to 45 C, and 3 K more
    # is below the compressor's own limit. The hygiene function of the unit is a setting of its own.
    deltas={HotWaterMode.HOLD: -3.0, HotWaterMode.BOOST: 3.0},
)
"""Temperature to which the tank is charged, in degrees C."""

TIMING = VendorTiming(
    # The cloud shows a write after half a minute to two minutes.
    usual_delay=timedelta(seconds=120),
    # A look costs one of 1450 calls a day: two minutes apart they tell as much as one minute apart.
    look_again=timedelta(seconds=120),
    # Two minutes are usual; seven were the slowest, and the unit's next publication shows them.
    longest_in_flight=timedelta(seconds=540),
    # A value is stamped when it changes. Outdoor and supply temperatures change many times an hour in any weather.
    reading_max_age=timedelta(minutes=40),
    observe_calls=1.0,
)

MANIFEST = Manifest(
    oem="viessmann",
    title="Viessmann IoT",
    api_url="https://api.viessmann-climatesolutions.com/iot/v2",
    authentication=Authentication(
        flow=AuthFlow.AUTHORIZATION_CODE_PKCE,
        token_url="https://iam.viessmann-climatesolutions.com/idp/v3/token",  # noqa: S106 -- an address
        authorize_url="https://iam.viessmann-climatesolutions.com/idp/v3/authorize",
        scopes=("IoT", "User", "offline_access"),
    ),
    # The free plan's, counted per user. A window opens with its first call and blocks until its end.
    quotas=(
        Quota(calls=120, window=timedelta(minutes=10), scope=QuotaScope.ACCOUNT),
        Quota(calls=1450, window=timedelta(days=1), scope=QuotaScope.ACCOUNT),
    ),
    timing=TIMING,
    evidence=frozenset({Evidence.OUTDOOR, Evidence.SUPPLY, Evidence.HOT_WATER}),
    # Who works on a unit cannot be told from remote control being off: both close its commands. A unit whose firmware
    # changes is not reached.
    conditions=frozenset(Condition) - {Condition.INSTALLER, Condition.UPDATING},
    levers=(HEATING_OFFSET, HOT_WATER_TARGET),
)

EMERGENCY = (
    "Emergency heat raises the heating curve as far as mode MAX does; the electric heater joins when the unit's own "
    "control calls for it, because this cloud offers no switch for it."
)
