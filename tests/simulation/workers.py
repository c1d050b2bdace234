"""Workers: commands queued, taken up, tried again, cancelled, lost in crashes and continued by zombies.

Protects: a command's end reaches the pump as the server would report it, never as the worker saw it.
"""

from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from activities.attempt import FIRST_BACKOFF, CommandAttempt, Dependencies, RetryLater, close
from domain.commands.command import Command, CommandOutcome, CommandState
from domain.modes import Circuit, Mode
from domain.oem.units import PumpAddress
from domain.steering.arbitration import target_at
from domain.steering.overrides import Override, OverrideSource
from domain.steering.pump_state import CommandSettled, PumpState
from tests.simulation.fake_ledger import AttemptPorts
from tests.simulation.judging.rules import Rules
from tests.simulation.script import Incident
from tests.simulation.simulated_pump import Run, SimulatedPump
from workflows.contracts import VERIFY_GRACE

START_TO_CLOSE = timedelta(seconds=60)
Going = Coroutine[Any, Any, CommandOutcome]
"""An attempt on its way; it yields the seconds it lets pass."""


class Workers:
    """The workers that carry out one pump's commands."""

    def __init__(self, pump: SimulatedPump, rules: Rules) -> None:
        self._pump, self._rules = pump, rules
        pump_id = pump.script.pump_id
        self._address = PumpAddress(pump_id=pump_id, oem="nibe", account_id="one", vendor_ref=pump_id)
        self.armed: list[str] = []
        """Crashes and stalls that wait for an attempt to strike."""

    def start(self, command: Command) -> None:
        """Queue a command."""
        run = Run(command=command, carries=self._pump.state)
        self._pump.runs[command.circuit] = run
        self._pump.commands.append(command)
        queued = 600.0 if self._pump.cloud.window("slow", self._pump.now) else 3.0
        self._pump.later(self._pump.now + timedelta(seconds=0.1 + queued * self._pump.luck(12)), "attempt", run)
        self._pump.later(command.expires_at + VERIFY_GRACE + timedelta(seconds=10), "close", run)
        self._pump.trace(
            f"starts {command.command_id} {command.mode} by {command.authority} until {command.expires_at:%H:%M}"
        )

    def cancel(self, circuit: Circuit) -> None:
        """At once if it waits for its next attempt, else after the answer to the one in flight."""
        run = self._pump.runs.get(circuit)
        if run is None or run.is_finished:
            return
        run.is_cancelled = True
        self._pump.trace(f"cancels {run.command.command_id}")
        if run.ports is None and not run.is_lost:
            self._supersede(run)

    def _supersede(self, run: Run) -> None:
        self._finish(run, CommandState.SUPERSEDED, "a newer target came; perhaps written")

    def _finish(self, run: Run, state: CommandState, reason: str) -> None:
        outcome = CommandOutcome(
            command_id=run.command.command_id, state=state, at=self._pump.now, reason=reason, recorded=False
        )
        self._ended(run, outcome)

    def _ended(self, run: Run, outcome: CommandOutcome) -> None:
        run.is_finished = True
        run.ports = None
        self._rules.settled(run.command, outcome)
        self._pump.later(self._pump.now, "event", CommandSettled(outcome=outcome))

    def close(self, run: Run) -> None:
        """The time of the whole command is over."""
        if run.is_finished:
            return
        if target_at(self._pump.state, self._pump.now, run.command.circuit).mode is not run.command.mode:
            self._finish(run, CommandState.SUPERSEDED, "the target changed before its turn came; perhaps written")
            return
        here, _ = self._ports_and_attempt(run)
        going = close(run.command, here, self._pump.now)
        try:
            while True:
                going.send(None)  # it only writes to the ledger: no time passes
        except StopIteration as stop:
            self._ended(run, stop.value)

    def attempt(self, run: Run) -> None:
        """A worker takes it up."""
        if run.is_finished or run.ports is not None:
            return
        run.is_lost = False
        if run.is_cancelled:
            self._supersede(run)
            return
        run.attempts += 1
        run.ports, attempt = self._ports_and_attempt(run)
        run.begun_at = self._pump.now
        self.resume(run, run.ports, attempt.run(), 0)

    def _ports_and_attempt(self, run: Run) -> tuple[AttemptPorts, CommandAttempt]:
        """What an attempt meets, and the attempt."""
        offset = (self._pump.luck(13) * 2 - 1) * self._pump.skew
        pump = self._pump
        here = AttemptPorts(
            command=run.command,
            ledger=pump.ledger,
            cloud=pump.cloud,
            true_clock=lambda: pump.now,
            on_read=self._rules.read,
            on_write=self._rules.wrote,
            on_line=pump.trace if pump.is_traced else None,
            luck=pump.luck(14),
        )
        pump.ledger.begin(run.command, ())
        pump.ledger.store(run.carries)
        around = Dependencies(
            adapter=here, commands=here, observations=here, vendors=None, now=lambda: pump.now + offset
        )
        return here, CommandAttempt(run.command, self._address, around, run.attempts)

    def resume(self, run: Run, ports: AttemptPorts, going: Going, turn: int) -> None:
        """An attempt goes on, as far as its next wait."""
        if self.armed and turn >= 1 and run.ports is ports and self._strikes(run, ports, going, turn):
            return
        is_ours = run.ports is ports
        try:
            seconds = going.send(None)
        except RetryLater as later:
            if is_ours:
                self._comes_back(run, later.delay)
        except TimeoutError:
            if is_ours:
                self._comes_back(run, FIRST_BACKOFF)
        except StopIteration as stop:
            if is_ours and not run.is_finished:
                self._ended(run, stop.value)
        else:
            self._pump.later(self._pump.now + timedelta(seconds=seconds), "resume", (run, ports, going, turn + 1))

    def _comes_back(self, run: Run, delay: timedelta) -> None:
        if run.is_finished:
            return
        run.ports = None
        if run.is_cancelled:
            self._supersede(run)
        else:
            self._pump.later(self._pump.now + max(delay, timedelta(milliseconds=1)), "attempt", run)

    def _strikes(self, run: Run, ports: AttemptPorts, going: Going, turn: int) -> bool:
        """A crash ends the attempt where it is; a stalled one goes on after the server has given it up."""
        assert run.begun_at is not None
        if self._pump.luck(15) < 0.5:
            return False
        what = self.armed[0]
        if what == "stall" and ports.holds_lock:
            return False
        self.armed.pop(0)
        self._pump.troubled_at = max(self._pump.troubled_at, self._pump.now)
        self._pump.trace(f"the worker at {run.command.command_id} {what}s")
        run.ports = None
        if what == "crash":
            going.close()
            for sent in self._pump.cloud.sent[-3:]:
                if sent.answered_at is None and sent.command_id == run.command.command_id:
                    sent.answered_at, sent.fate = self._pump.now, "maybe taken"
            self._pump.state = PumpState.model_validate_json(self._pump.state.model_dump_json())
        else:
            if self._pump.luck(17) < 0.6:
                self._interfere(run)
            wait = timedelta(seconds=70 + 1100 * self._pump.luck(16))
            self._pump.later(self._pump.now + wait, "resume", (run, ports, going, turn + 1))
        run.is_lost = True
        self._pump.later(run.begun_at + START_TO_CLOSE, "attempt", run)
        return True

    def _interfere(self, run: Run) -> None:
        """A person overrides at the very moment at which a worker hangs."""
        at = self._pump.now + timedelta(seconds=5 + 40 * self._pump.luck(18))
        target = Override(
            override_id=f"in-between-{run.command.seq}",
            source=OverrideSource.HOUSEHOLD,
            mode=Mode.MIN if run.command.mode is Mode.MAX else Mode.MAX,
            requested_at=at,
            until=at + timedelta(hours=1),
            who="resident",
            why="in the worst moment",
        )
        self._pump.later(at, "incident", Incident(at=at, kind="override", what=target))
