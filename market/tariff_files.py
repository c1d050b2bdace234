"""Tariffs from a folder of TOML files: one each, named by its file.

Protects: a tariff that cannot be read stops the worker with a sentence, not a plan with a wrong price.
"""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import holidays
from pydantic import ValidationError

from domain.planning.local_times import LocalTimes
from domain.planning.tariff import SPOT, WHOLESALE, Tariff, Tariffs

OWN_FOLDER = Path(__file__).parent / "tariffs"
YEARS_OF_HOLIDAYS = 10
"""From the year in which a part begins; a part that is older is renewed with its price sheet."""


class BadTariff(ValueError):
    """A tariff's file cannot be read; one sentence."""


def tariffs_in(folder: Path | None = None) -> Tariffs:
    """The tariffs of a folder (the project's own where none is named) by name, with `spot`; raises `BadTariff`."""
    known = {SPOT: WHOLESALE} | {file.stem: _read(file) for file in sorted((folder or OWN_FOLDER).glob("*.toml"))}

    def named(name: str) -> Tariff:
        if name not in known:
            raise LookupError(f"tariff {name!r} is not known; known are {', '.join(sorted(known))}")
        return known[name]

    return named


def _read(file: Path) -> Tariff:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        return Tariff.model_validate(
            {
                "name": file.stem,
                **{field: document[field] for field in document if field not in ("part", "name", "power")},
                "parts": [_part(part) for part in document.get("part", ())],
                "power": [_power(charge) for charge in document.get("power", ())],
            }
        )
    except tomllib.TOMLDecodeError as error:
        raise BadTariff(f"{file} is not TOML: {error}") from error
    except NotImplementedError as error:
        raise BadTariff(f"{file}: holidays_of: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise BadTariff(f"{file}: {place or 'tariff'}: {first['msg']}") from error


def _part(part: dict[str, Any]) -> dict[str, Any]:
    windows = [_without_holidays(window, part) for window in part.get("window", ())]
    return {field: value for field, value in part.items() if field != "window"} | {"windows": windows}


def _power(charge: dict[str, Any]) -> dict[str, Any]:
    charge = _without_holidays(charge, charge)
    times = {field: charge[field] for field in LocalTimes.model_fields if field in charge}
    rest = {field: value for field, value in charge.items() if field not in (*times, "step")}
    return rest | {"times": times, "steps": charge.get("step", ())}


def _without_holidays(times: dict[str, Any], dated: dict[str, Any]) -> dict[str, Any]:
    """Times that name a country (`holidays_of`) with the dates of its holidays left out, while `dated` is in force.

    Raises NotImplementedError for a country without known holidays."""
    if "holidays_of" not in times or not isinstance(dated.get("begins"), date):
        return times
    country, _, part = str(times["holidays_of"]).partition("-")
    begins, ends = dated["begins"].year, dated.get("ends")
    last = ends.year if isinstance(ends, date) else begins + YEARS_OF_HOLIDAYS
    found = holidays.country_holidays(country, subdiv=part or None, years=range(begins, last + 1))
    kinds = set(times.get("holiday_kinds", ("public",)))
    if not kinds <= set(found.supported_categories):
        raise NotImplementedError(f"{country} has holidays of the kinds {', '.join(found.supported_categories)}")
    found = holidays.country_holidays(country, subdiv=part or None, years=range(begins, last + 1), categories=kinds)
    rest = {field: value for field, value in times.items() if field not in ("holidays_of", "holiday_kinds")}
    return rest | {"not_on": tuple(sorted({*times.get("not_on", ()), *found}))}
