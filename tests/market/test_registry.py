"""The registry: a source is one module, found by its place and known by its name.

Protects: no list of sources has to be kept in step with the modules there are.
"""

from pathlib import Path

import pytest

from market import sources, weather
from market.registry import price_format, price_formats, weather_format, weather_formats


def modules_in(folder: str) -> set[str]:
    return {path.stem.replace("_", "-") for path in Path(folder).glob("*.py") if path.stem != "__init__"}


def test_every_module_is_a_source_named_after_its_file() -> None:
    assert set(price_formats()) == modules_in(next(iter(sources.__path__)))
    assert set(weather_formats()) == modules_in(next(iter(weather.__path__)))


def test_a_source_that_is_not_known_is_named_with_those_that_are() -> None:
    with pytest.raises(LookupError, match=r"price source crystal-ball is not known; known are .*energy-charts"):
        price_format("crystal-ball")
    with pytest.raises(LookupError, match=r"weather source frog is not known; known are .*open-meteo"):
        weather_format("frog")


def test_every_source_but_the_table_in_a_file_has_a_public_address() -> None:
    addresses = [found.url for found in price_formats().values()] + [found.url for found in weather_formats().values()]
    assert all(address is None or address.startswith("https://") for address in addresses)
    assert [name for name, found in price_formats().items() if found.url is None] == ["csv-table"]
