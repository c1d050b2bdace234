"""Homes: units in houses, the people in them, what units publish, and the fleet along its clock."""
