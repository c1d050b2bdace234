"""Steering one pump: its state, everybody's requests for it, and `decide`."""
