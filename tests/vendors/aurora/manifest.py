"""The manifest of a vendor that is unlike the real one in every respect that a manifest has."""

from datetime import timedelta

from domain.modes import Circuit, Mode
from domain.oem.lever import LeverSpec, ThermalResponse
from domain.oem.manifest import Authentication, AuthFlow, Evidence, Manifest
from domain.oem.quota import Quota, QuotaScope
from domain.oem.timing import VendorTiming

QUICK_VETO = LeverSpec(
    name="quick_veto",
    title="quick veto",
    circuit=Circuit.HEATING,
    deltas={Mode.MIN: -2.5, Mode.MID: 0.5, Mode.MAX: 1.5},
    response=ThermalResponse(water_k_per_unit=3.5, feedback_k_per_k=1.5),
    expires_after=timedelta(hours=3),
)
"""A room temperature for three hours, in degrees C."""

MANIFEST = Manifest(
    oem="aurora",
    title="Aurora",
    api_url="https://api.aurora.invalid/cloud",
    authentication=Authentication(flow=AuthFlow.ACCESS_TOKEN),
    quotas=(
        Quota(calls=20, window=timedelta(minutes=1), scope=QuotaScope.CLIENT),
        Quota(calls=200, window=timedelta(days=1), scope=QuotaScope.CLIENT),
    ),
    timing=VendorTiming(
        usual_delay=timedelta(minutes=3),
        look_again=timedelta(minutes=3),
        longest_in_flight=timedelta(minutes=7),
        reading_max_age=timedelta(minutes=40),
    ),
    evidence=frozenset({Evidence.ROOM, Evidence.SUPPLY}),
    levers=(QUICK_VETO,),
)
