"""`python -m benchmarks.savings`: see `run` (processes of a pool import their functions by the name of a module)."""

from benchmarks.savings.run import main

raise SystemExit(main())
