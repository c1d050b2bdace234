"""The vendor's side in one vocabulary: what can be asked of a pump, what it answers, and the closed set of errors.

Protects: every vendor body maps onto one of these errors, and each has one policy.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import Field

from domain.base import Instant, Value
from domain.modes import Circuit
from domain.oem.lever import Lever, LeverName
from domain.oem.quota import Quota


class OemError(Exception):
    """Base of the closed set. The message is one sentence without secrets."""


class AuthExpired(OemError):
    """Credentials are not accepted, even after a refresh; a person must act."""


class RateLimited(OemError):
    """The call budget is used up until `retry_at` (steered)."""

    def __init__(self, message: str, retry_at: datetime) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class Unavailable(OemError):
    """The cloud did not answer, or answered with a failure of its own; a write may or may not have been taken.

    `maybe_taken` says whether a write could have been taken (a lost answer) or surely was not (refused connection);
    `retry_at` (steered) before when the cloud asked not to be tried again, None where it did not say.
    """

    def __init__(self, message: str, maybe_taken: bool = True, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.maybe_taken = maybe_taken
        self.retry_at = retry_at


class Offline(OemError):
    """The cloud says that the pump is not connected."""


class Rejected(OemError):
    """The cloud refused the request for good: a bad value, no right, no such device.

    `is_read_only` says that the unit may be read and not written: somebody switched remote control off.
    """

    def __init__(self, message: str, is_read_only: bool = False) -> None:
        super().__init__(message)
        self.is_read_only = is_read_only


class NotExecutable(OemError):
    """The pump cannot do this now (mode, lock, installer state); later it may."""


class Malformed(OemError):
    """The answer could not be read."""

    def __init__(self, message: str, answer: Any = None) -> None:
        super().__init__(message)
        self.answer = answer


class Ignored(OemError):
    """The cloud accepted a write that the pump was seen not to obey."""


class VendorTiming(Value):
    """How a vendor's cloud and pumps behave in time; all durations steered."""

    usual_delay: timedelta
    """When a first look after a write usually shows it."""
    look_again: timedelta
    """Distance of further looks."""
    longest_in_flight: timedelta
    """After this a write that was taken has either been applied or never will be."""
    reading_max_age: timedelta
    """An older reading is stale: unknown, not believed."""

    observe_calls: float = 1.0
    """Calls that one observation of one pump costs."""


class CallFate(StrEnum):
    """What became of one call to a vendor, as far as the vendor's health and our budget are concerned."""

    OK = "ok"
    TRANSPORT = "transport"
    """No connection, no answer, or an answer cut off."""
    SERVER = "server"
    """The cloud failed on its own account (5xx)."""
    BUDGET = "budget"
    """Refused for the call budget (429)."""
    CREDENTIALS = "credentials"
    REFUSED = "refused"
    """Any other refusal, offline pumps included: the cloud is well."""


class CallMade(Value):
    """One call to a vendor, for its breaker and its budget."""

    oem: str
    account_id: str
    at: Instant
    fate: CallFate
    is_write: bool = False
    quotas: tuple[Quota, ...] = ()
    """The quotas that the answer named."""


class Condition(StrEnum):
    """How a unit stands towards being steered, strongest first."""

    UPDATING = "updating"
    """Its firmware is being changed: nothing is written."""
    INSTALLER = "installer"
    """In manual or additional-heat operation: somebody works on it."""
    OFF = "off"
    """A person switched its heating off."""
    REMOTE_DISABLED = "remote-disabled"
    """It may be read and not written."""
    AWAY = "away"
    """A person set its away or holiday mode."""
    EXTERNAL = "external"
    """Another controller (contact input, price function, utility lock) moves it."""
    NORMAL = "normal"


class Busy(StrEnum):
    """What the compressor does that is not heating rooms."""

    DEFROST = "defrost"
    HOT_WATER = "hot-water"


class PumpAddress(Value):
    """How to reach one pump in its vendor's cloud."""

    pump_id: str
    oem: str
    account_id: str
    vendor_ref: str
    """What the vendor's adapter calls the unit by; opaque to everybody else."""


class Capability(Value):
    """What a unit can do now, as the vendor says."""

    model: str
    heating: Lever
    hot_water: Lever | None = None
    """None where the unit offers no hot-water lever."""
    has_room_sensor: bool
    emergency: str = ""
    """What emergency heat does on this unit, in a sentence."""

    def lever(self, circuit: Circuit) -> Lever | None:
        """The lever of a circuit; None where the unit has none."""
        return self.heating if circuit is Circuit.HEATING else self.hot_water


class Reading(Value):
    """What a cloud reported about a pump in one call."""

    as_of: Instant
    """The newest stamp the pump itself gave: how fresh this is, whatever was asked."""
    lever: LeverName
    setting: float | None
    """The lever's reported setting; None where the cloud gave none."""
    room_c: float | None = None
    outdoor_c: float | None = None
    supply_c: float | None = None
    power_w: float | None = None
    compressor_hz: float | None = None
    target_c: float | None = None
    """Supply temperature that the unit's own control aims at."""
    hot_water_c: float | None = None
    settings: dict[LeverName, float] = Field(default_factory=dict)
    """Every lever that the answer shows, the asked one included."""
    condition: Condition = Condition.NORMAL
    busy: Busy | None = None

    def setting_of(self, lever: LeverName) -> float | None:
        """The reported setting of a lever; None where the answer does not show it."""
        if lever in self.settings:
            return self.settings[lever]
        return self.setting if self.lever == lever else None
