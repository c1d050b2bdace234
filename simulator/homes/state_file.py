"""The file that a simulator's physical state is kept in over a restart.

Protects: a state of another fleet or of another version is refused with a sentence, never half used; a reader sees all
of a file or the old one.
"""

import json
from pathlib import Path
from typing import Any

from simulator.config import ConfigError, SimulatorConfig

STATE_VERSION = 3
"""One more with every change of what is kept."""


def read_state(config: SimulatorConfig) -> dict[str, Any] | None:
    """The kept state, None where there is none; raises ConfigError for one that cannot be used."""
    path = config.state_file
    if path is None or not path.exists():
        return None
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as broken:
        raise ConfigError(f"the state file {path} cannot be read: {broken}") from broken
    if kept.get("version") != STATE_VERSION:
        raise ConfigError(
            f"the state file {path} is of version {kept.get('version', 1)}, this simulator keeps version"
            f" {STATE_VERSION}: remove it to start afresh"
        )
    fleet = (config.seed, config.pumps, list(config.vendors))
    if (kept.get("seed"), kept.get("pumps"), kept.get("vendors")) != fleet:
        raise ConfigError(f"the state file {path} is of another fleet: remove it, or keep seed, pumps and vendors")
    return kept


def write_state(config: SimulatorConfig, state: dict[str, Any]) -> None:
    """Keep the state, where the configuration names a file for it."""
    if config.state_file is None:
        return
    fleet = {"seed": config.seed, "pumps": config.pumps, "vendors": config.vendors}
    write_atomically(config.state_file, json.dumps({"version": STATE_VERSION} | fleet | state))


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
