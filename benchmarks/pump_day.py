"""What one pump costs a day: billable actions, history events and vendor calls, on a quiet and on a busy day.

`python -m benchmarks.pump_day [--json] [--out DIR] [--only quiet|busy]`. The quiet day runs under time skipping on the
real server, the busy one on the clock of an embedded stack sped up. Protects: every attempt is counted, the figures are
checked against the server's own counter of actions, and a budget that is broken ends with exit code 1.
"""

import argparse
import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory

from benchmarks.pumpday.busy import SPEED, FleetDay, busy_day
from benchmarks.pumpday.meter import HEARTBEATS, NoMeter
from benchmarks.pumpday.quiet import Day, Family, quiet_day
from benchmarks.pumpday.shard_share import SHARD_PUMPS, share_a_day
from benchmarks.pumpday.virtual import ACCOUNT_CALLS
from demo.billing import Bill
from demo.errors import DemoFailed
from embedded.errors import StackError
from worker_environment import configure_logging, leave

BUDGETS: Mapping[str, Mapping[str, float]] = {
    "quiet": {"actions": 35, "actions_with_share": 45, "events": 150, "vendor_calls": 140},
    "quiet_with_zones": {"actions": 35, "actions_with_share": 45, "events": 150, "vendor_calls": 140},
    "busy": {"actions": 90, "events": 450},
}
"""The most a day may cost a pump."""
CHANGES = {"quiet": 8, "quiet_with_zones": 8, "busy": 12}
"""Changes that must have been applied: a day that did less has measured nothing."""
OF_THE_BENCHMARK = frozenset({"grpc_UpdateWorkflowExecutionOptions"})
"""Actions on the server's counter that only time skipping causes."""
METER_NAMES = {
    "start": "grpc_StartWorkflowExecution",
    "continue-as-new": "command_ContinueAsNewWorkflowExecution",
    "timer": "command_StartTimer",
    "signal": "grpc_SignalWorkflowExecution",
    "update": "message_UpdateWorkflowExecution_Acceptance",
    "search attributes": "command_UpsertWorkflowSearchAttributes",
    "activity": "command_ScheduleActivityTask",
    "activity retry": "activity_retry",
}
"""The server's names of what the histories show."""


def quiet_figures(day: Day) -> dict[str, Any]:
    """One pump's quiet day."""
    own = {kind: n for kind, n in day.calls.items() if kind not in ACCOUNT_CALLS}
    shared = {kind: n for kind, n in day.calls.items() if kind in ACCOUNT_CALLS}
    return {
        "model": day.model,
        "changes": day.changes,
        **_costs(day.bill),
        "vendor_calls": sum(own.values()),
        "account_calls": sum(shared.values()),
        "calls": dict(sorted((own | shared).items())),
        "server": _checked(Counter(day.bill.actions), day.metered),
    }


def busy_figures(day: FleetDay) -> dict[str, Any]:
    """The costliest pump among those that had the whole busy day, and the mean of all beside it."""
    whole = [pump for pump in day.pumps if pump.has_hot_water]
    if not whole:
        raise DemoFailed("no pump of the busy day has a hot-water lever: choose another seed")
    worst = max(whole, key=lambda pump: (pump.bill.total, pump.bill.events))
    counted = sum((Counter(p.bill.actions) for p in day.pumps), Counter[str]())
    for watcher in day.watchers.values():
        counted.update(watcher.actions)
    return {
        "model": worst.model,
        "changes": min(pump.changes for pump in whole),
        **_costs(worst.bill),
        "events": max(pump.bill.events for pump in day.pumps),
        "vendor_calls": round(day.calls / len(day.pumps)),
        "pumps": {
            pump.pump: {"changes": pump.changes, "actions": pump.bill.total, "events": pump.bill.events}
            for pump in day.pumps
        },
        "mean_actions": round(sum(p.bill.total for p in day.pumps) / len(day.pumps), 1),
        "watchers": {name: bill.total for name, bill in day.watchers.items()},
        "server": _checked(counted, day.metered),
    }


def _costs(bill: Bill) -> dict[str, Any]:
    return {
        "actions": bill.total,
        "actions_with_share": round(bill.total + sum(share_a_day().values()), 1),
        "events": bill.events,
        "actions_by_kind": {kind: n for kind, n in sorted(bill.actions.items()) if n},
    }


def _checked(counted: Counter[str], metered: Mapping[str, int]) -> dict[str, Any]:
    """What the histories say beside the server's counter; heartbeats stand in no history."""
    comparable = {kind: n for kind, n in metered.items() if kind not in OF_THE_BENCHMARK and kind != HEARTBEATS}
    differ = {
        kind: [counted[kind], metered.get(name, 0)]
        for kind, name in METER_NAMES.items()
        if counted[kind] != metered.get(name, 0)
    }
    return {
        "counted": counted.total(),
        "metered": sum(comparable.values()),
        "heartbeats": metered.get(HEARTBEATS, 0),
        "by_kind": dict(sorted(comparable.items())),
        "differ": differ,
    }


def broken(figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A sentence on each budget that does not hold."""
    told = [
        f"{name}: {figures[name][key]} {key.replace('_', ' ')}, and at most {most:g} are allowed"
        for name, budget in BUDGETS.items()
        if name in figures
        for key, most in budget.items()
        if figures[name][key] > most
    ]
    told += [
        f"{name}: {figures[name]['changes']} changes were applied, and {least} were asked for"
        for name, least in CHANGES.items()
        if name in figures and figures[name]["changes"] < least
    ]
    told += [
        f"{name}: the server counted {given['server']['metered']} actions, the histories {given['server']['counted']}; "
        f"apart in {given['server']['differ']}"
        for name, given in figures.items()
        if given["server"]["metered"] > given["server"]["counted"] * (1 + TOLERANCE[name])
    ]
    return told


TOLERANCE = {"quiet": 0.0, "quiet_with_zones": 0.0, "busy": 0.03}
"""By how much the server may have counted more: on the clock an attempt that was cancelled between two tries leaves no
count of its tries in a history."""


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def keep(out: Path | None, name: str, histories: Sequence[WorkflowHistory]) -> None:
    """Leave histories as JSON, one file a run."""
    if out is None:
        return
    out.mkdir(parents=True, exist_ok=True)
    for number, history in enumerate(histories, start=1):
        (out / f"{name}-{number}.json").write_text(history.to_json(), encoding="utf-8")


async def measure(only: str | None, out: Path | None, speed: float) -> dict[str, dict[str, Any]]:
    """Both days' figures, histories left in `out`; raises StackError, DemoFailed or NoMeter."""
    figures: dict[str, dict[str, Any]] = {}
    with a_folder() as scratch:
        if only in (None, "quiet"):
            for name, family in (("quiet", Family.OFFSET), ("quiet_with_zones", Family.ZONES)):
                day = await quiet_day(scratch / name, _say, family)
                figures[name] = quiet_figures(day)
                keep(out, name, day.histories)
        if only in (None, "busy"):
            fleet = await busy_day(scratch / "busy", _say, speed)
            figures["busy"] = busy_figures(fleet)
            for pump in fleet.pumps:
                keep(out, f"busy-{pump.pump}", pump.histories)
    return figures


@contextlib.contextmanager
def a_folder() -> Iterator[Path]:
    """One that any user can enter: a database of root runs as another user."""
    scratch = Path(tempfile.mkdtemp(prefix="heatsteer-day-"))
    scratch.chmod(0o711)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """For people: a day a column."""
    keys = ("model", "changes", "actions", "actions_with_share", "events", "vendor_calls", "account_calls")
    lines = [" " * 24 + "".join(f"{name:>24}" for name in figures)]
    for key in keys:
        cells = []
        for name, given in figures.items():
            most = BUDGETS[name].get(key)
            cell = f"{given.get(key, '')}" + (f" (of {most:g})" if most is not None else "")
            cells.append(f"{cell:>24}")
        lines.append(f"{key.replace('_', ' '):>24}" + "".join(cells))
    share = share_a_day()
    lines += [
        f"The share: a vendor's sweep {share['sweep']:.1f} and guard {share['guard']:.1f} actions a pump-day, "
        f"heartbeats included, over {SHARD_PUMPS} pumps.",
        *(
            f"{name}: the server counted {given['server']['metered']} actions, the histories "
            f"{given['server']['counted']}."
            for name, given in figures.items()
        ),
    ]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where a budget is broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pump_day", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--out", type=Path, help="leave the histories in this folder, as JSON")
    parser.add_argument("--only", choices=("quiet", "busy"), help="one of the two days")
    parser.add_argument("--speed", type=float, default=SPEED, help=f"of the busy day's clock (default {SPEED:g})")
    given = parser.parse_args(argv)
    if given.speed <= 1:
        parser.error("--speed must be more than 1: the busy day would last as long as it says")
    configure_logging("ERROR")
    try:
        figures = asyncio.run(measure(given.only, given.out, given.speed))
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    except (StackError, DemoFailed, NoMeter, OSError) as error:
        _say(f"pump_day: {error}")
        return 1
    wrong = broken(figures)
    if given.json:
        share = {"pumps": SHARD_PUMPS, **share_a_day()}
        print(json.dumps({"benchmark": "pump_day", **figures, "share": share, "budgets": BUDGETS, "broken": wrong}))
    else:
        print(table(figures))
    for sentence in wrong:
        _say(sentence)
    return 1 if wrong else 0


if __name__ == "__main__":
    leave(main())
