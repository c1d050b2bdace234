"""Which trace a command or a plan revision has: for whoever makes it, and for whoever only points at it.

Protects: the id comes of the name alone, so that every process knows it; nothing that traces is loaded for it.
"""

import hashlib


def command_trace(command_id: str) -> bytes:
    """Id of a command's trace (16 bytes), and then of its first span (8)."""
    return _ids_of(f"command {command_id}")


def plan_trace(revision: int) -> bytes:
    """Id of a plan revision's trace (16 bytes), and then of its first span (8)."""
    return _ids_of(f"plan {revision}")


def planning_trace(run: str) -> bytes:
    """Id of the trace of what a planning run fetches before it opens a plan, and of its first span."""
    return _ids_of(f"planning {run}")


def _ids_of(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:24]
