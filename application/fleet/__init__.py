"""Use cases on the fleet: pumps, homes and grid areas; enrolling, starting and retiring."""
