"""Homes as enrolled: what binds steering there, whatever anybody asks for."""
