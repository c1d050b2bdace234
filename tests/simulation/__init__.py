"""The parts of `benchmarks.simulated_years`: a seeded world around the real rules of one pump."""
