"""Use cases that outrank or repeat the plan: overrides, orders to many pumps, dead letters."""
