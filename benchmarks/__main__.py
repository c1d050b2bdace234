"""The figures the README names, one after the other: `python -m benchmarks [--json]`."""

import sys

from benchmarks import planner, shifting


def main() -> int:
    """Run both with the README's arguments."""
    extra = ["--json"] if "--json" in sys.argv[1:] else []
    print("# planning, 12 pumps", file=sys.stderr)
    planner.main(["--pumps", "12", *extra])
    print("# plans played in the simulator's houses, seeds 1 to 8", file=sys.stderr)
    return shifting.main(["--seeds", "1-8", *extra])


if __name__ == "__main__":
    raise SystemExit(main())
