"""Reads the audit trail: which acts were done, and which were only asked for.

Protects: an act is written down before it is tried, so a refusal is a second line that names the first; whoever counts
acts counts those without such a line.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.homes.site import ComfortBand
from domain.steering.overrides import Override

COMFORT = "comfort"
"""The act of changing what room temperatures a household accepts."""
WAS = "was"
"""In its detail: what the household accepted before."""
REFUSED = ":refused"
"""Ends the act of a line that says: nothing was done."""
UNANSWERED = ":unanswered"
"""Ends the act of a line that says: nobody answered in time; it may have been done since."""


def acts_done(trail: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The acts of a trail that were not refused, in its order, each `detail` as it was given.

    An act that nobody answered counts: it waits for a worker. Its `answered` is False.
    """
    refused = _refs(trail, REFUSED)
    unanswered = _refs(trail, UNANSWERED)
    done = []
    for row in trail:
        if row["act"].endswith((REFUSED, UNANSWERED)):
            continue
        detail = dict(row["detail"])
        ref = detail.pop("ref", None)
        if ref is None or ref not in refused:
            done.append({**row, "detail": detail, "answered": ref not in unanswered})
    return done


def overrides_of(trail: Sequence[Mapping[str, Any]]) -> dict[str, list[Override]]:
    """Every override of a trail by pump; one that a person ended ends then."""
    overrides: dict[str, list[Override]] = {}
    for row in acts_done(trail):
        targets = overrides.setdefault(row["subject"], [])
        if row["act"] == "override":
            targets.append(Override.model_validate(row["detail"]))
        elif row["act"] == "end-override":
            ended = row["detail"]["override_id"]
            targets[:] = [
                o.model_copy(update={"until": min(o.until, row["at"])}) if ended in (None, o.override_id) else o
                for o in targets
            ]
        elif row["act"] == "retire":
            targets[:] = [o.model_copy(update={"until": min(o.until, row["at"])}) for o in targets]
    return overrides


def ends_of(trail: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[datetime, str | None]]]:
    """By pump, when a person ended which override; None for all."""
    ends: dict[str, list[tuple[datetime, str | None]]] = {}
    for row in acts_done(trail):
        if row["act"] in ("end-override", "retire"):
            ends.setdefault(row["subject"], []).append((row["at"], row["detail"].get("override_id")))
    return ends


def is_opted_out(trail: Sequence[Mapping[str, Any]], moment: datetime) -> bool:
    """Whether a pump whose trail this is stood opted out at `moment`."""
    said = [row["act"] for row in acts_done(trail) if row["act"] in ("opt-out", "opt-in") and row["at"] <= moment]
    return bool(said) and said[-1] == "opt-out"


def band_at(trail: Sequence[Mapping[str, Any]], moment: datetime, band: ComfortBand) -> ComfortBand:
    """What a household accepted at `moment`, where it accepts `band` today."""
    changes = [row for row in acts_done(trail) if row["act"] == COMFORT]
    for row in reversed(changes):
        if row["at"] <= moment:
            return band
        band = ComfortBand.model_validate(row["detail"].get(WAS, band))
    return band


def _refs(trail: Sequence[Mapping[str, Any]], ending: str) -> set[str]:
    return {row["detail"]["ref"] for row in trail if row["act"].endswith(ending) and "ref" in row["detail"]}
