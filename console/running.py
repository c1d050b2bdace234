"""Runs a command's coroutine so that Ctrl-C and SIGTERM both end it in order: what was started is stopped first."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any


class Interrupted(Exception):
    """A person or the system asked the command to end; everything it started has been stopped."""


def run[T](work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; raises Interrupted after an orderly stop.

    Both signals are handled here, also where a shell started us with SIGINT ignored.
    """

    async def watched() -> T:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, task.cancel)
        return await work

    try:
        return asyncio.run(watched())
    except asyncio.CancelledError:
        raise Interrupted from None
