"""Steering one pump: its state, everybody's wishes for it, and `decide`."""
