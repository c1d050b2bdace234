"""How the command line words an error: one sentence, the way out in its own commands, and an exit code.

Exit codes: 0 done, 1 failed, 2 wrong input or usage, 130 interrupted.
"""

from datetime import datetime

from application.errors import ErrorCode, Refused, UseCaseError
from console.cli.words import local

FAILED = 1
WRONG_INPUT = 2
INTERRUPTED = 130

OPTIONS = {"day": "--date", "room_min_c": "--min", "room_max_c": "--max", "at_most_kw": "--at-most-kw"}
"""Fields of requests whose option has another name."""

_WAYS_OUT = {
    ErrorCode.UNKNOWN_PUMP: "`heatsteer pumps list` shows those that are",
    ErrorCode.UNKNOWN_HOME: "`heatsteer pumps list` shows the pumps there are",
    ErrorCode.UNKNOWN_ORDER: "`heatsteer fleet orders` lists those that are",
    ErrorCode.UNKNOWN_DEAD_LETTER: "`heatsteer dead-letters list` shows those there are",
    ErrorCode.ACCOUNT_EXISTS: "`--renew` replaces its secrets, `heatsteer accounts list` shows those there are",
    ErrorCode.SHADOWED: "`heatsteer pumps cut-over {pump}` makes it ours",
    ErrorCode.ACCOUNT_IN_USE: "retire them first (`heatsteer pumps retire`)",
    ErrorCode.CONFLICTING_VALUES: "name one of them, or give two orders",
    ErrorCode.NOT_PAUSED: "`heatsteer pumps show {pump}` says who steers it",
    ErrorCode.WORKFLOW_ENDED: "`heatsteer pumps start {pump}` starts it again",
    ErrorCode.NO_GUARD: "is a stack running that was set up for it?",
    ErrorCode.UNREACHABLE: "is a worker running?",
    ErrorCode.UNANSWERED: "start one, or see what became of it with `heatsteer pumps show` or `heatsteer oem status`",
    ErrorCode.NO_LOAD_CURVE: "`heatsteer load-curve {area} --date {day}` makes one",
    ErrorCode.ALREADY_NOMINATED: "`heatsteer nominate {area} --date {day} --clear` withdraws it",
    ErrorCode.PARTLY_DONE: "repeat the command once that is fixed",
}


class UsageError(Exception):
    """The command's words or files are wrong; nothing was asked of anything."""


class CommandFailed(Exception):
    """What was asked for was right and did not succeed."""


def sentence_of(error: UseCaseError) -> str:
    """The error in the words of the command line."""
    facts = error.facts
    match error.code:
        case ErrorCode.INVALID_VALUE:
            value = "" if facts["value"] is None else f" {facts['value']}"
            return f"{option_of(str(facts['field']))}{value}: {facts['problem']}"
        case ErrorCode.CONFLICTING_VALUES:
            fields = facts["fields"]
            assert isinstance(fields, list)
            said = f"{' and '.join(option_of(field) for field in fields)} cannot be combined"
        case ErrorCode.BEFORE_ENROLMENT:
            enrolled_at, at = facts["enrolled_at"], facts["at"]
            assert isinstance(enrolled_at, datetime)
            assert isinstance(at, datetime)
            return f"{facts['pump']} was enrolled at {local(enrolled_at)}, after {local(at)}"
        case _:
            said = str(error)
    way_out = _WAYS_OUT.get(error.code)
    return said if way_out is None else f"{said}: {way_out.format(**facts)}"


def option_of(field: str) -> str:
    """The option that gives a field of a request."""
    return OPTIONS.get(field, f"--{field.replace('_', '-')}")


def exit_code_of(error: UseCaseError) -> int:
    """Wrong input where the request cannot be carried out as it stands."""
    return WRONG_INPUT if isinstance(error, Refused) else FAILED
