"""Use cases: typed requests and results, errors with a code, audit inside; no word of a face or the simulator."""
