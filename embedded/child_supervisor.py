"""Supervises one command: when the supervisor's standard input ends, the command is stopped, at first gently.

Protects: no child outlives its parent. The parent holds the only write end of the pipe that is this process's stdin,
so the kernel tells us of its death even after a SIGKILL, on Linux and macOS alike (there is no prctl on macOS).

Usage: python child_supervisor.py [--stop-signal INT|TERM] [--grace SECONDS] [--user UID --group GID] [--hold FD]
       -- COMMAND...

stdout carries one line, the command's process id; the command's own output goes to the supervisor's stderr. The command
gets a session of its own, so a terminal's Ctrl-C reaches neither it nor its descendants and the parent decides the
order of stopping. The exit code is the command's, 128 + n when signal n ended it, 127 when it could not be started.

Imports only what the interpreter has nearly for free: a supervisor starts in about 20 ms with `-I -S`.
"""

import os
import select
import signal
import sys
import time

STOP_REQUESTS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
EXIT_NOT_STARTED = 127
EXIT_USAGE = 2


class Options:
    """What the command line asks for; argparse would double the start time."""

    def __init__(self, arguments: list[str]) -> None:
        if "--" not in arguments or arguments[-1] == "--":
            raise ValueError("name the command after `--`")
        divider = arguments.index("--")
        self.command = arguments[divider + 1 :]
        given = dict(zip(arguments[:divider:2], arguments[1:divider:2], strict=True))
        self.stop_signal = signal.Signals[f"SIG{given.pop('--stop-signal', 'TERM')}"]
        self.grace_s = float(given.pop("--grace", "5"))
        self.user = int(given.pop("--user", "-1"))
        self.group = int(given.pop("--group", "-1"))
        self.hold = int(given.pop("--hold", "-1"))
        if given:
            raise ValueError(f"unknown option {next(iter(given))}")


def main(arguments: list[str]) -> int:
    """Run the command in `arguments` until it ends, and answer with its exit code."""
    try:
        options = Options(arguments)
    except (ValueError, KeyError) as reason:
        return _fail(f"child_supervisor: wrong usage ({reason}); see the module's first lines", EXIT_USAGE)
    if options.hold >= 0:
        # The folder's lock: ours to keep until the child is gone, not the child's to take along.
        os.set_inheritable(options.hold, False)
    wake = _listen()
    try:
        child = _start(options)
    except OSError as reason:
        return _fail(f"cannot start {options.command[0]}: {reason.strerror}", EXIT_NOT_STARTED)
    try:  # noqa: SIM105 - contextlib would be the slowest import here
        os.write(1, f"{child}\n".encode())
    except OSError:
        pass  # nobody wants to know
    return _hold(child, options, wake)


def _listen() -> int:
    """A descriptor that becomes readable, with the signals' numbers, when one of them arrives."""
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    for number in (*STOP_REQUESTS, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return wake_read


def _start(options: Options) -> int:
    """Fork and execute the command. Returns only once it runs, so that its process group exists.

    Raises OSError when it cannot be executed.
    """
    report_read, report_write = os.pipe()
    child = os.fork()
    if child == 0:
        _become(options, report_write)
    os.close(report_write)
    with os.fdopen(report_read, "rb") as report:
        reason = report.read()  # ends at exec, which closes the write end
    if reason:
        os.waitpid(child, 0)
        number = int(reason)
        raise OSError(number, os.strerror(number))
    return child


def _become(options: Options, report: int) -> None:
    """Turn the forked process into the command. Never returns."""
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(2, 1)
        signal.set_wakeup_fd(-1)
        # An ignored SIGINT (a shell's background job) is inherited across exec and would make `--stop-signal INT` void.
        for number in (*STOP_REQUESTS, signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        if options.group >= 0:
            os.setgroups([])
            os.setgid(options.group)
        if options.user >= 0:
            os.setuid(options.user)
            os.chdir("/")  # the folder we were started in need not be open to that user
        os.execvp(options.command[0], options.command)  # noqa: S606 - no shell is the point
    except OSError as reason:
        os.write(report, str(reason.errno).encode())
    finally:
        os._exit(EXIT_NOT_STARTED)


def _hold(child: int, options: Options, wake: int) -> int:
    """Wait for the command's end, stopping it when the parent goes or asks."""
    kill_at: float | None = None
    stopping = False
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            # Descendants that stayed in the group would otherwise be nobody's.
            _signal_group(child, signal.SIGKILL)
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        patience = None if kill_at is None else max(0.0, kill_at - time.monotonic())
        ready, _, _ = select.select([wake] if stopping else [wake, 0], [], [], patience)
        asked = wake in ready and any(number in STOP_REQUESTS for number in os.read(wake, 512))
        orphaned = 0 in ready and not os.read(0, 4096)
        if (asked or orphaned) and not stopping:
            stopping = True
            kill_at = time.monotonic() + options.grace_s
            _signal_group(child, options.stop_signal)
        elif kill_at is not None and time.monotonic() >= kill_at:
            kill_at = None
            _signal_group(child, signal.SIGKILL)


def _signal_group(group: int, number: int) -> None:
    try:  # noqa: SIM105 - as above
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass  # already gone; macOS answers EPERM for a group of zombies


def _fail(sentence: str, code: int) -> int:
    sys.stderr.write(sentence + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
