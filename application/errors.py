"""What a use case raises when it cannot do what was asked: a code, the facts, and one sentence for people.

Protects: nothing here knows a face. A face turns codes into exit codes or HTTP statuses, fields into its own options or
form fields, and adds the way out in its own words.
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Stable names for programs; what each carries as facts is said beside it."""

    INVALID_VALUE = "invalid-value"
    """field, problem, and value where there is one to show."""
    INVALID_REQUEST = "invalid-request"
    """Nothing beside the sentence: each value was right, together they are not."""
    CONFLICTING_VALUES = "conflicting-values"
    """fields."""
    UNKNOWN_PUMP = "unknown-pump"
    """pump."""
    UNKNOWN_HOME = "unknown-home"
    """name."""
    UNKNOWN_VENDOR = "unknown-vendor"
    """oem, known."""
    UNOFFICIAL_VENDOR = "unofficial-vendor"
    """oem."""
    UNKNOWN_ACCOUNT = "unknown-account"
    """account."""
    ACCOUNT_EXISTS = "account-exists"
    """account."""
    ACCOUNT_IN_USE = "account-in-use"
    """account, pumps."""
    NOT_CONNECTED = "not-connected"
    """account, where one alone is meant."""
    NOT_SHADOWED = "not-shadowed"
    """pump."""
    SHADOWED = "shadowed"
    """pump."""
    UNKNOWN_SCOPE = "unknown-scope"
    """kind, name, known."""
    UNKNOWN_ORDER = "unknown-order"
    """order_id."""
    UNKNOWN_DEAD_LETTER = "unknown-dead-letter"
    """command."""
    NOTHING_STANDS = "nothing-stands"
    """scope, standing."""
    BEFORE_ENROLMENT = "before-enrolment"
    """pump, enrolled_at, at."""
    NOT_PAUSED = "not-paused"
    """pump."""
    ALREADY_STEERED = "already-steered"
    """pump."""
    DECLINED = "declined"
    """subject, problem: the pump or the vendor's guard, as it is now, cannot take this."""
    DOCUMENT_REFUSED = "document-refused"
    """origin."""
    NOT_PUBLISHED = "not-published"
    """price_area: the market has nothing yet, or its source does not answer."""
    NOT_STEERED = "not-steered"
    """pump."""
    RETIRED = "retired"
    """pump."""
    WORKFLOW_ENDED = "workflow-ended"
    """pump: somebody terminated its workflow."""
    NO_GUARD = "no-guard"
    """oem."""
    UNREACHABLE = "unreachable"
    """subject, status."""
    UNANSWERED = "unanswered"
    """subject, within_s."""
    PARTLY_DONE = "partly-done"
    """done, problem."""
    NOT_ENROLLED = "not-enrolled"
    """pump, problem."""
    PLAN_REFUSED = "plan-refused"
    """submitted: what was judged, as `application.planning.submissions.Submitted`."""
    NO_LOAD_CURVE = "no-load-curve"
    """area, day."""
    ALREADY_NOMINATED = "already-nominated"
    """area, day: of the area that has the nomination."""
    PLANNING_FAILED = "planning-failed"
    """day, workflow_id."""
    SETTLEMENT_FAILED = "settlement-failed"
    """day, workflow_id."""
    NOTHING_SETTLED = "nothing-settled"
    """first, last."""


class UseCaseError(Exception):
    """Base. `str(error)` is one sentence that names the thing."""

    def __init__(self, code: ErrorCode, sentence: str, **facts: object) -> None:
        super().__init__(sentence)
        self.code = code
        self.facts = facts


class Refused(UseCaseError):
    """The request cannot be carried out as it stands; nothing was changed."""


class Failed(UseCaseError):
    """The request was right and did not succeed."""


class Unanswered(Failed):
    """Nobody answered in time; what was asked for may still be done."""


def invalid(field: str, problem: str, value: object = None) -> Refused:
    """A value of a request that cannot be taken."""
    shown = field if value is None else f"{field} {value}"
    return Refused(ErrorCode.INVALID_VALUE, f"{shown}: {problem}", field=field, value=value, problem=problem)
