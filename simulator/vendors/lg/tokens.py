"""Personal access tokens: made by a person in the vendor's portal, valid until that person removes them.

Protects: nothing is issued and nothing expires here; a token belongs to one account.
"""

from math import inf

from simulator.clouds.oauth import Grant, TokenRules, TokenServer

EVERYBODY = "everybody"
"""Whose token reaches every unit of the vendor."""
_NO_RULES = TokenRules(scopes=frozenset(), consent_scope=frozenset())


class PersonalTokens(TokenServer):
    """Knows one secret; what follows it after a colon names the account that it belongs to."""

    def __init__(self, secret: str) -> None:
        super().__init__(_NO_RULES, "", "", inf)
        self._secret = secret

    def grant(self, token: str | None, now_s: float) -> Grant | None:  # noqa: ARG002 - it does not expire
        secret, _, user = (token or "").partition(":")
        return Grant(user or EVERYBODY, frozenset(), inf, user=user) if secret == self._secret else None

    def revoke(self, token: str) -> None:
        """A token that was refused once is good again: nobody but its owner ends it."""
