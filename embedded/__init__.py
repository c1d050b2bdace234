"""The whole stack on one machine: Temporal, PostgreSQL, simulator and workers as child processes.

Protects: nothing of a stack outlives the process that started it, and several stacks live side by side.
"""
