"""A plan as panels to draw: prices, planned power by mode against the limit, and the room that is expected of it.

Protects: what is drawn is what was stored with the plan, slot by slot; where nothing was planned nothing is drawn.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from application.planning.plans import PlanView, PumpPlanView
from console.cli.plotting import Panel
from domain.modes import Circuit, Mode
from domain.planning.price_plan import PricePlan
from domain.slots import SLOT

COLOURS = {Mode.MIN: "tab:blue", Mode.LOW: "silver", Mode.MID: "tab:orange", Mode.MAX: "tab:red"}
PRICE_UNIT = "EUR/MWh"


def of_pump(view: PumpPlanView) -> tuple[datetime, list[Panel]]:
    """The first slot, and what one pump is to do in the slots that its plan covers."""
    plan = view.plan
    slots = (plan.valid_until - plan.first_slot) // SLOT
    panels = [
        _prices(view.price_eur_per_mwh[:slots], view.cap_price_eur_per_mwh[:slots], view.tariff),
        Panel(
            title=f"{view.pump_id}, plan {view.revision}: expected power of the heating by mode",
            unit="kW",
            parts=_by_mode(view.power_kw[:slots], _modes_of(plan, slots)),
            colours={mode.value: colour for mode, colour in COLOURS.items()},
        ),
    ]
    if plan.expected_room_c:
        panels.append(
            Panel(title="expected room", unit="degrees C", line=plan.expected_room_c[:slots], from_zero=False)
        )  # fmt: skip
    return plan.first_slot, panels


def of_area(view: PlanView) -> tuple[datetime, list[Panel]]:
    """The first slot, and what the pumps of a plan's shown parts are to do together, beside what was nominated."""
    parts = view.parts
    caps = [part["cap_kw"] for part in parts]
    load = _sum([part["load_kw"] for part in parts])
    cap = sum(caps) if all(cap is not None for cap in caps) else None
    counts: dict[str, list[Sequence[float]]] = defaultdict(list)
    for part in parts:
        for mode, of_slots in part["pumps_by_mode"].items():
            counts[mode].append(of_slots)
    lines = {"under own control": _sum([part["neutral_load_kw"] for part in parts])}
    named = [part["nominated"] for part in parts]
    if parts and all(one is not None for one in named):
        lines["nominated"] = _sum([one["power_kw"] for one in named])
    dearest = max(parts, key=lambda part: max(part["cap_price_eur_per_mwh"], default=0.0))
    return view.first_slot, [
        _prices(dearest["price_eur_per_mwh"], dearest["cap_price_eur_per_mwh"], dearest["tariff"]),
        Panel(
            title=f"plan {view.revision} of {view.price_area}: expected power of the heating",
            unit="kW",
            parts={"heating": load},
            line=() if cap is None else (cap,) * len(load),
            line_name="limit, tanks included",
            lines=lines,
        ),
        Panel(
            title="pumps by mode",
            unit="pumps",
            parts={mode.value: _sum(counts[mode.value]) for mode in Mode if counts[mode.value]},
            colours={mode.value: colour for mode, colour in COLOURS.items()},
        ),
    ]


def _prices(price: Sequence[float], of_cap: Sequence[float], tariff: str) -> Panel:
    if min(of_cap, default=0.0) < 0:  # where more is to be drawn than the price alone would draw
        together = [mine + more for mine, more in zip(price, of_cap, strict=True)]
        lines = {"with what limit and nomination add": together}
        return Panel(
            title=f"price ({tariff}) and what it is planned with", unit=PRICE_UNIT, parts={"price": price}, lines=lines
        )
    parts = {"limit": of_cap} if any(of_cap) else {}
    return Panel(
        title=f"price ({tariff})" + (" and what the grid area's limit adds to it" if parts else ""),
        unit=PRICE_UNIT,
        parts={"price": price, **parts},
    )


def _modes_of(plan: PricePlan, slots: int) -> list[Mode]:
    levels = [plan.level_at(Circuit.HEATING, plan.first_slot + n * SLOT) for n in range(slots)]
    return [level for level in levels if isinstance(level, Mode)]


def _by_mode(power_kw: Sequence[float], modes: Sequence[Mode]) -> Mapping[str, Sequence[float]]:
    """The power in its mode's part, zero in the others'."""
    return {
        mode.value: [power if now is mode else 0.0 for power, now in zip(power_kw, modes, strict=True)]
        for mode in Mode
        if mode in modes
    }


def _sum(series: Sequence[Sequence[Any]]) -> list[float]:
    return [float(sum(of_slot)) for of_slot in zip(*series, strict=True)]
