"""`python -m simulator --config FILE`: the far side of the network, until it is told to stop.

Protects: wrong input ends with 2 and one sentence, a signal with 0.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from simulator.app import serve
from simulator.config import ConfigError, read_config


def main() -> int:
    """Run; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description="houses and fake clouds on loopback")
    parser.add_argument("--config", type=Path, required=True, help="JSON file; simulator/config.py lists its keys")
    arguments = parser.parse_args()
    try:
        asyncio.run(serve(read_config(arguments.config)))
    except ConfigError as wrong:
        print(f"simulator: {wrong}", file=sys.stderr)  # noqa: T201 - this is the process's own last word
        return 2
    except OSError as broken:
        print(f"simulator: cannot run: {broken}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
