"""Tariffs from a folder of TOML files: one each, named by its file.

Protects: a tariff that cannot be read stops the worker with a sentence, not a plan with a wrong price.
"""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from domain.planning.local_times import LocalTimes
from domain.planning.tariff import SPOT, WHOLESALE, Tariff, Tariffs

OWN_FOLDER = Path(__file__).parent / "tariffs"


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
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise BadTariff(f"{file}: {place or 'tariff'}: {first['msg']}") from error


def _part(part: dict[str, Any]) -> dict[str, Any]:
    return {"windows" if field == "window" else field: value for field, value in part.items()}


def _power(charge: dict[str, Any]) -> dict[str, Any]:
    times = {field: charge[field] for field in LocalTimes.model_fields if field in charge}
    rest = {field: value for field, value in charge.items() if field not in (*times, "step")}
    return rest | {"times": times, "steps": charge.get("step", ())}
