"""The manifest of Vaillant: the API of its app, what is known of its quota and timing, and the levers of its units.

Protects: every figure that the vendor may change stands here, with its reason.
"""

from datetime import timedelta

from domain.modes import Circuit, HotWaterMode, Mode
from domain.oem.lever import LeverSpec, ThermalResponse
from domain.oem.manifest import Authentication, AuthFlow, Evidence, Manifest
from domain.oem.quota import Quota, QuotaScope
from domain.oem.readings import Condition
from domain.oem.timing import VendorTiming

_REALM = "https://identity.vaillant-group.com/auth/realms/vaillant-germany-b2c/protocol/openid-connect"

ROOM_SETPOINT = LeverSpec(
    name="room_setpoint",
    title="quick veto",
    circuit=Circuit.HEATING,
    # A veto ends by itself, so that a set-back may be deeper than one that a house could be stuck with.
    deltas={Mode.MIN: -2.0, Mode.MID: 0.5, Mode.MAX: 1.5},
    # As of any unit that holds a room temperature: 2 K come from the curve, the rest from the room's influence.
    response=ThermalResponse(water_k_per_unit=3.5, feedback_k_per_k=1.5),
    expires_after=timedelta(hours=3),
)
"""Room temperature of the first zone, in degrees C, for three hours: the app's own default."""

HOT_WATER_TARGET = LeverSpec(
    name="hot_water_target",
    title="hot-water temperature",
    circuit=Circuit.HOT_WATER,
    # It stays until it is changed, and both are safe to be stuck with: from the usual 48 to 52 C a tank held back is
    # still charged to 45 C. The legionella function is a setting of its own.
    deltas={HotWaterMode.HOLD: -3.0, HotWaterMode.BOOST: 3.0},
)
"""Temperature to which the tank is charged, in whole degrees C."""

TIMING = VendorTiming(
    # The controller applies a veto after 30 to 60 s; the cloud shows it within the second minute.
    usual_delay=timedelta(seconds=120),
    # The quota is small: a look too many is one of some two hundred.
    look_again=timedelta(seconds=180),
    longest_in_flight=timedelta(seconds=480),
    # The document carries no stamp: a reading is as old as the last look that saw any value move.
    reading_max_age=timedelta(minutes=45),
    # One for the document; one more for the connection in a look that sees nothing move.
    observe_calls=1.1,
)

MANIFEST = Manifest(
    oem="vaillant",
    title="Vaillant myVAILLANT",
    api_url="https://api.vaillant-group.com/service-connected-control/end-user-app-api/v1",
    authentication=Authentication(
        flow=AuthFlow.AUTHORIZATION_CODE_PKCE,
        token_url=f"{_REALM}/token",
        authorize_url=f"{_REALM}/auth",
        scopes=("openid", "offline_access"),
    ),
    # Nothing is published. The vendor objected to some 220 calls a day, and a household's own app stops when its quota
    # is used up: less is taken than that.
    quotas=(Quota(calls=180, window=timedelta(days=1), scope=QuotaScope.ACCOUNT),),
    timing=TIMING,
    evidence=frozenset({Evidence.ROOM, Evidence.OUTDOOR, Evidence.SUPPLY, Evidence.HOT_WATER}),
    # A unit whose firmware changes is not connected; whoever works on one switches it off; a right to write that is
    # missing shows when it is written.
    conditions=frozenset(Condition) - {Condition.UPDATING, Condition.INSTALLER},
    is_official=False,
    levers=(ROOM_SETPOINT, HOT_WATER_TARGET),
)

EMERGENCY = (
    "Emergency heat raises the room temperature of the first zone as far as mode MAX does; the auxiliary heater joins "
    "when the controller's own bivalence point calls for it."
)
