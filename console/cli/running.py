"""Runs a command's coroutine so that Ctrl-C and SIGTERM both end it in order: what was started is stopped first."""

import asyncio
import os
import signal
from collections.abc import Coroutine
from typing import Any

NOTICE = b"heatsteer: stopping; what was started is stopped first\n"


class Interrupted(Exception):
    """A person or the system asked the command to end; everything it started has been stopped.

    The message is the sentence to print, where there is more to say than that.
    """


def run[T](work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; raises Interrupted after an orderly stop.

    Both signals are handled here, also where a shell started us with SIGINT ignored. Only the first one ends the work:
    a second one would break into the stopping and leave children and half-closed transports behind.
    """
    was_asked = False

    async def watched() -> T:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()

        def ask() -> None:
            nonlocal was_asked
            if was_asked:
                os.write(2, NOTICE)
                return
            was_asked = True
            task.cancel()

        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, ask)
        return await work

    try:
        return asyncio.run(watched())
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise Interrupted from None
