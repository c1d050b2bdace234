"""The words of reports: for people who never saw a name of the code."""

from datetime import date

from domain.savings.energy import Evidence, Flag

EVIDENCE_WORDS = {
    Evidence.METER: "meter",
    Evidence.POWER: "power as the vendor shows it",
    Evidence.TOTAL: "total of hours or a day, spread by mode",
    Evidence.MODEL: "not measured: model",
}
FLAG_WORDS = {
    Flag.NOT_A_NUMBER: "no number",
    Flag.NEGATIVE: "negative",
    Flag.RESET: "counter ran back",
    Flag.TOO_HIGH: "more than the pump can draw",
    Flag.FUTURE: "stamped in the future",
    Flag.DUPLICATE: "reported twice",
    Flag.COPY: "copied from the day before",
    Flag.CONTRADICTED: "total below what was measured",
}
LEFT_OUT_WORDS = {
    "no-experiment": "on days without an experiment",
    "modelled": "mostly not measured",
    "washout": "just after a change of arm",
    "not-steerable": "where moving would earn nobody anything",
}
MODE_WORDS = {"MIN": "set back", "LOW": "neutral", "MID": "raised", "MAX": "forced"}


def euros(amount: float) -> str:
    """An amount of money."""
    return f"{amount:,.2f} €"


def degrees(room_c: float | None) -> str:
    """A room temperature; a dash where none was measured."""
    return "–" if room_c is None else f"{room_c:.1f} °C"


def span_of(first: date, last: date) -> str:
    """Days in words."""
    if first == last:
        return f"{first:%A, %d %B %Y}"
    if first.replace(day=1) == last.replace(day=1):
        return f"{first.day} to {last:%d %B %Y}"
    return f"{first:%d %B %Y} to {last:%d %B %Y}"
