"""A vendor's manifest: everything that heatsteer has to know of a cloud before it calls it.

Protects: a vendor is described in one place; what is needed to call it is kept with its accounts and what is needed to
steer its units with each pump, so that nobody else looks a vendor up by its name.
"""

from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from domain.base import Value
from domain.oem.credentials import AccountCredentials
from domain.oem.lever import LeverName, LeverSpec
from domain.oem.quota import Quota, QuotaScope
from domain.oem.readings import Condition
from domain.oem.timing import VendorTiming


class AuthFlow(StrEnum):
    """How an account's first token comes about; renewals use a refresh token where the vendor gives one."""

    CLIENT_CREDENTIALS = "client_credentials"
    AUTHORIZATION_CODE = "authorization_code"
    """A household consents in its browser; a confidential client redeems the code."""
    AUTHORIZATION_CODE_PKCE = "authorization_code_pkce"
    """As above for a public client, which has no secret."""
    ACCESS_TOKEN = "access_token"  # noqa: S105 -- the name of a flow
    """A token that a person made in the vendor's portal; it is kept as the account's secret and never renewed."""


class Authentication(Value):
    """Where and for what a vendor issues tokens."""

    flow: AuthFlow
    token_url: str = ""
    """Empty for tokens that are never renewed."""
    authorize_url: str = ""
    """Where a person consents in a browser; empty for flows without one."""
    scopes: tuple[str, ...] = ()
    """Asked for with the first token; a refresh keeps the scopes of its consent."""


class Evidence(StrEnum):
    """What a vendor shows beside the levers, by which a command's effect can be seen."""

    ROOM = "room_c"
    OUTDOOR = "outdoor_c"
    SUPPLY = "supply_c"
    POWER = "power_w"
    COMPRESSOR = "compressor_hz"
    HOT_WATER = "hot_water_c"


class Manifest(Value):
    """One vendor."""

    oem: str = Field(pattern=r"^[a-z][a-z0-9-]{1,30}$")
    """The vendor's name in queues, tables, ids and commands."""
    title: str
    """The vendor's name for people."""
    api_url: str
    authentication: Authentication
    quotas: tuple[Quota, ...]
    """As published; what answers name for the same window goes before."""
    timing: VendorTiming
    evidence: frozenset[Evidence] = frozenset()
    """Shown by every unit of the vendor; a unit may show more."""
    conditions: frozenset[Condition] = frozenset(Condition)
    """What its answers can tell apart; the others look like one of these, or like a unit that is offline."""
    hidden: frozenset[Condition] = frozenset()
    """What its answers do not show at all: such a unit looks normal."""
    levers: tuple[LeverSpec, ...]
    is_official: bool = True
    """Whether the vendor offers this API to others; where it does not, accounts are connected only once switched on."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Manifest":
        names = [spec.name for spec in self.levers]
        if len(set(names)) < len(names):
            raise ValueError(f"{self.oem}: two levers have the same name")
        return self

    def lever(self, name: LeverName) -> LeverSpec:
        """A lever by its name; raises LookupError where the vendor has none of that name."""
        found = next((spec for spec in self.levers if spec.name == name), None)
        if found is None:
            raise LookupError(f"{self.title} declares no lever {name}")
        return found

    def counted_per(self, scope: QuotaScope) -> "Manifest":
        """The same vendor with its quotas counted so, for a contract that says otherwise than is published."""
        quotas = tuple(quota.model_copy(update={"scope": scope}) for quota in self.quotas)
        return self.model_copy(update={"quotas": quotas})

    def at(self, url: str) -> "Manifest":
        """The same vendor behind another address, such as a fake cloud or a gateway, with the paths it has."""
        base = url.rstrip("/")
        auth = self.authentication
        urls = {
            "token_url": auth.token_url and base + urlsplit(auth.token_url).path,
            "authorize_url": auth.authorize_url and base + urlsplit(auth.authorize_url).path,
        }
        return self.model_copy(
            update={
                "api_url": base + urlsplit(self.api_url).path.rstrip("/"),
                "authentication": auth.model_copy(update=urls),
            }
        )

    def account(self, account_id: str, client_id: str, client_secret: SecretStr) -> AccountCredentials:
        """An account at this vendor, with all that calling it takes."""
        return AccountCredentials(
            account_id=account_id,
            oem=self.oem,
            api_url=self.api_url,
            token_url=self.authentication.token_url,
            client_id=client_id,
            client_secret=client_secret,
            quotas=self.quotas,
            observe_calls=self.timing.observe_calls,
            reads_accounts=self.timing.reads_accounts,
        )
