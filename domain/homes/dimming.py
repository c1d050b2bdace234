"""What a grid operator may dim a heat pump to, by the law of its price area.

Section 14a of the German energy act as laid down by the regulator (BNetzA, BK6-22-300, of 2023-11-27, in force since
2024-01-01): a controllable device keeps 4.2 kW at least; a heat pump of more than 11 kW, with its heater, keeps 0.4 of
its connection power. Neither is asked of a cloud: no vendor here takes a limit in kilowatts, so a dimming forbids what
of ours would raise a pump and leaves the unit's own control to the grid operator's control box.

Protects: no order takes from a home what the law leaves to it.
"""

from dataclasses import dataclass

from domain.homes.enrolment import Enrolment


@dataclass(frozen=True)
class DimmingRule:
    """The least power that is left to a dimmed heat pump, kW."""

    name: str
    least_kw: float
    share: float
    """Of the connection power, where that is more than `share_above_kw`."""
    share_above_kw: float
    source: str

    def least(self, connection_kw: float) -> float:
        """What is left at least to a heat pump of this connection power, its heater included."""
        return max(self.least_kw, self.share * connection_kw) if connection_kw > self.share_above_kw else self.least_kw


SECTION_14A = DimmingRule(
    name="section-14a", least_kw=4.2, share=0.4, share_above_kw=11.0, source="BNetzA BK6-22-300, 2023-11-27"
)
RULES = {"DE-LU": SECTION_14A}
"""By price area. Luxembourg, of the same area, has none: its grid operators give no such orders."""


def problem_with_dimming(limit_kw: float, enrolment: Enrolment, connected_kw: float | None = None) -> str | None:
    """Why this pump cannot be dimmed to a power, as a sentence; None where it can.

    `connected_kw`: its connection power with its heater, where somebody knows it; else its compressor's counts, for
    no heater is enrolled.
    """
    rule = RULES.get(enrolment.price_area)
    if rule is None:
        known = ", ".join(sorted(RULES))
        return f"{enrolment.pump_id} is of price area {enrolment.price_area}: {SECTION_14A.name} is a rule of {known}"
    power = max(connected_kw or 0.0, enrolment.nameplate_kw)
    least = rule.least(power)
    if limit_kw >= least:
        return None
    of = f" of {power:.1f} kW" if least > rule.least_kw else ""
    return (
        f"{rule.name} leaves at least {least:g} kW to {enrolment.pump_id}{of} ({rule.source}): "
        f"a limit of {limit_kw:g} kW cannot be ordered under it"
    )
