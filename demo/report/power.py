"""Power that the fleet and its unsteered twins truly drew, against the limit that was planned under.

Protects: a limit is said to be kept only where the simulator's truth says so, tanks and back-up heaters included.
"""

from collections.abc import Callable, Sequence
from typing import Any

from demo.report.recording import Run
from demo.simulator_client import PumpTruth
from domain.slots import SLOT_HOURS


def power_figures(run: Run) -> dict[str, Any]:
    """Mean power of slots, summed over pumps, in kW; of the twins too. What lies over the limit is None without one."""
    cap_kw = run.plan_row["certificate"]["cap_kw"] if run.plan_row is not None else None
    return {
        "cap_kw": cap_kw,
        **_drawn(run, cap_kw, "", lambda pump: pump.kwh),
        **_drawn(run, cap_kw, "baseline_", lambda pump: pump.baseline_kwh),
    }


def _drawn(run: Run, cap_kw: float | None, whose: str, kwh: Callable[[PumpTruth], Sequence[float]]) -> dict[str, Any]:
    load_kw = [sum(slot) / SLOT_HOURS for slot in zip(*(kwh(pump) for pump in run.truth.pumps), strict=True)]
    over_kw = None if cap_kw is None else [kw - cap_kw for kw in load_kw if kw > cap_kw]
    return {
        f"{whose}peak_kw": round(max(load_kw, default=0.0), 3),
        f"{whose}over_cap_slots": None if over_kw is None else len(over_kw),
        f"{whose}over_cap_kwh": None if over_kw is None else round(sum(over_kw) * SLOT_HOURS, 3),
    }
