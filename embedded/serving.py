"""Starting a server child on free loopback ports.

Protects: stacks side by side never share a port. Between asking for a free port and binding it another process may
take it; then the server says so and dies, and is started again on other ports.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

from embedded.children import Child, Launch
from embedded.errors import StackError

LOOPBACK = "127.0.0.1"
ATTEMPTS = 3
PASSING = ("address already in use", "address in use", "panic:", "pre-existing shared memory block")
"""What a dead server's log says, in lower case, when another attempt helps: somebody else took the port (Temporal
crashes when it is one of those it chooses itself); or the last processes of a killed PostgreSQL are about to leave."""
PAUSE_S = 0.3

Ports = tuple[int, ...]


def free_ports(count: int) -> Ports:
    """`count` different ports nobody listens on. Raises OSError where loopback ports cannot be bound."""
    with contextlib.ExitStack() as held:
        listeners = [held.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind((LOOPBACK, 0))
        return tuple(int(listener.getsockname()[1]) for listener in listeners)


async def start_serving(
    launch: Callable[[Ports], Launch],
    ready: Callable[[Ports], Awaitable[bool]],
    *,
    ports: int,
    timeout_s: float,
) -> tuple[Child, Ports]:
    """Start the server that `launch` describes for the ports it is given, and wait until `ready` says yes.

    Raises StackError with the server's last log lines when it does not come up; no process is left then.
    """
    for attempt in range(1, ATTEMPTS + 1):
        chosen = free_ports(ports)
        child = await Child.start(launch(chosen))
        try:
            await child.wait_ready(lambda chosen=chosen: ready(chosen), timeout_s)  # type: ignore[misc]
        except StackError:
            await child.stop()
            if attempt == ATTEMPTS or not _passes(child):
                raise
            await asyncio.sleep(PAUSE_S)
        except BaseException:
            await child.stop()
            raise
        else:
            return child, chosen
    raise AssertionError("the last attempt returns or raises")


def _passes(child: Child) -> bool:
    return any(phrase in child.log_tail().lower() for phrase in PASSING)
