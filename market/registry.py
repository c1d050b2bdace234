"""Every price source, weather source and format of meters by its name.

Protects: a new source is one module in `market/sources`, `market/weather` or `market/meters`; nothing else lists
them.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from market import meters, sources, weather
from market.meter_rows import MeterFormat
from market.rows import PriceFormat, WeatherFormat


@cache
def price_formats() -> dict[str, PriceFormat]:
    """Every price source's format by name."""
    formats: list[PriceFormat] = [
        import_module(f"market.sources.{module.name}").FORMAT for module in iter_modules(sources.__path__)
    ]
    return {found.name: found for found in formats}


@cache
def weather_formats() -> dict[str, WeatherFormat]:
    """Every weather source's format by name."""
    formats: list[WeatherFormat] = [
        import_module(f"market.weather.{module.name}").FORMAT for module in iter_modules(weather.__path__)
    ]
    return {found.name: found for found in formats}


@cache
def meter_formats() -> dict[str, MeterFormat]:
    """Every meter's format by name."""
    formats: list[MeterFormat] = [
        import_module(f"market.meters.{module.name}").FORMAT for module in iter_modules(meters.__path__)
    ]
    return {found.name: found for found in formats}


def meter_format(name: str) -> MeterFormat:
    """One meter's format; raises `LookupError` with a sentence where it is not known."""
    return _known(name, meter_formats(), "meter")


def price_format(name: str) -> PriceFormat:
    """One price source's format; raises `LookupError` with a sentence where it is not known."""
    return _known(name, price_formats(), "price")


def weather_format(name: str) -> WeatherFormat:
    """One weather source's format; raises `LookupError` with a sentence where it is not known."""
    return _known(name, weather_formats(), "weather")


def _known[Format](name: str, formats: dict[str, Format], kind: str) -> Format:
    if name not in formats:
        raise LookupError(f"{kind} source {name} is not known; known are {', '.join(sorted(formats))}.")
    return formats[name]
