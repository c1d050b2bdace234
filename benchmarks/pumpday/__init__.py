"""Parts of `benchmarks.pump_day`: the two days, and how their actions, events and calls are counted."""
