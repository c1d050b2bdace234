"""Use cases of shadow mode: the log of the system that steers, and the report on it."""
