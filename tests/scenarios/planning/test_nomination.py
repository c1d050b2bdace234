"""From a load curve to a nomination that binds the plan of its day once the prices have come."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from application.audit_log import Actor
from application.errors import ErrorCode, Refused
from application.planning.load_curve import load_errors, make_load_curve
from application.planning.nominations import gate_closure, nominate, withdraw_nomination
from application.planning.plans import PlanView, make_plans, show_plan
from console.cli.commands.planning.plans import _nominated
from domain.planning.load_curve import DeviationPrices, LoadCurve
from domain.slots import SLOT_HOURS
from tests.scenarios.operating.test_command_line_on_a_stack import BY, document, refusal, words_of
from tests.scenarios.planning.test_planning import DAY
from tests.scenarios.planning.test_planning_scope import a_wide_world, two_markets

pytestmark = pytest.mark.servers

TOMORROW = DAY + timedelta(days=1)
TRADING = Actor("trading", "as sent to the exchange")
DEAR = DeviationPrices(up_eur_per_mwh=400.0, down_eur_per_mwh=400.0)
TZ = {"AT": "Europe/Vienna", "DE-LU": "Europe/Berlin"}.__getitem__


def off_kwh(plan: PlanView, curve: LoadCurve) -> float:
    load = [sum(of_slot) for of_slot in zip(*(part["load_kw"] for part in plan.parts), strict=True)]
    off_kw: float = sum(abs(kw - slot.steered_kw) for kw, slot in zip(load, curve.slots, strict=True))
    return off_kw * SLOT_HOURS


async def plan_of(access: Any) -> PlanView:
    (plan,) = (await make_plans(access, "DE-LU", TOMORROW, TRADING)).plans
    return plan


async def test_a_plan_keeps_to_what_was_nominated_before_its_prices_came_until_that_is_withdrawn(
    tmp_path: Path,
) -> None:
    async with a_wide_world(tmp_path, two_markets()) as world:
        access = world.access
        stored = await make_load_curve(access, "DE-LU", TOMORROW, [], TZ)
        made = await nominate(access, "DE-LU", TOMORROW, None, DEAR, TRADING, TZ)
        assert (made.nomination.power.curve, made.planned_before) == (stored.version, False)
        assert made.nomination.power.power_kw == tuple(slot.steered_kw for slot in stored.curve.slots)

        bound = await plan_of(access)
        assert {part["nominated"]["curve"] for part in bound.parts} == {stored.version}
        off = bound.deviation
        assert off is not None
        assert off.curves == [stored.version]
        assert off.nominated_kwh == pytest.approx(stored.curve.steered_kwh, rel=1e-3)
        assert off.above_kwh + off.below_kwh == pytest.approx(off_kwh(bound, stored.curve), abs=0.1)
        assert off.eur == pytest.approx(0.4 * (off.above_kwh + off.below_kwh), abs=0.01)
        (line,) = _nominated(bound)
        assert f"nominated: load curve {stored.version}" in line
        assert await show_plan(access, "DE-LU") == bound

        again = await make_load_curve(access, "DE-LU", TOMORROW, [], TZ)
        assert any(abs(slot.steered_kw - slot.neutral_kw) > 0.2 for slot in again.curve.slots), (
            "a curve of prices that are known now is bound to nothing"
        )
        gone = await withdraw_nomination(access, "DE-LU", TOMORROW, TRADING, TZ)
        assert (gone.nomination, gone.planned_before) == (made.nomination, True)
        free = await plan_of(access)
        assert free.deviation is None
        assert off_kwh(free, stored.curve) > 10.0, "these prices move load"
        assert off_kwh(bound, stored.curve) < 0.1 * off_kwh(free, stored.curve)
        (error,) = await load_errors(access, "DE-LU", TOMORROW, TOMORROW, TZ)
        assert error.version == again.version

        since = await nominate(access, "DE-LU", TOMORROW, stored.version, DEAR, TRADING, TZ)
        assert since.planned_before
        shown = await show_plan(access, "DE-LU")
        assert isinstance(shown, PlanView)
        assert (shown.deviation, list(shown.nominated_since)) == (None, [since.nomination])

        acts = [*await access.ledger.reports.audit_trail("nominate")]
        acts += await access.ledger.reports.audit_trail("nominate-clear")
        assert {(act["act"], act["who"], act["subject"]) for act in acts} == {
            ("nominate", "trading", "DE-LU"),
            ("nominate-clear", "trading", "DE-LU"),
        }


async def test_a_person_nominates_reads_what_the_plan_makes_of_it_and_withdraws_it(tmp_path: Path) -> None:
    async with a_wide_world(tmp_path, two_markets()) as world:
        of_day = ("--date", f"{TOMORROW}")
        said = await refusal(world, "nominate", "north", *of_day, *BY)
        assert said == (
            f"there is no load curve of north for {TOMORROW}: `heatsteer load-curve north --date {TOMORROW}` makes one"
        )
        curve = await document(world, "load-curve", "north", *of_day)
        prices = ("--price-up", "300", "--price-down", "200")
        made = await document(world, "nominate", "north", *of_day, *prices, *BY)
        assert (made["area"], made["power"]["curve"], made["withdrawn"]) == ("north", curve["version"], False)
        assert made["power"]["prices"] == {"up_eur_per_mwh": 300.0, "down_eur_per_mwh": 200.0}
        said = await words_of(world, "nominate", "north", *of_day, "--version", f"{curve['version']}", *BY)
        assert "heating only" in said
        assert "costs 50 EUR more" in " ".join(said.split())
        await words_of(world, "plan", "run", "--area", "DE-LU", *of_day, *BY)
        said = " ".join((await words_of(world, "plan", "show", "north")).split())
        assert f"nominated: load curve {curve['version']}, " in said
        assert "kWh below, which costs" in said
        assert "nominated" not in await words_of(world, "plan", "show", "south")
        said = " ".join((await words_of(world, "nominate", "north", *of_day, "--clear", *BY)).split())
        assert "of north is withdrawn" in said
        assert f"`heatsteer plan run --area DE-LU --date {TOMORROW}` makes another" in said
        assert await refusal(world, "nominate", "north", *of_day, "--clear", *BY) == (
            f"nothing is nominated of north for {TOMORROW}"
        )


async def test_what_cannot_have_been_nominated_is_refused_with_its_reason(tmp_path: Path) -> None:
    async with a_wide_world(tmp_path, two_markets()) as world:
        access = world.access

        async def refused(area: str, day: Any, version: int | None = None) -> Refused:
            with pytest.raises(Refused) as caught:
                await nominate(access, area, day, version, DEAR, TRADING, TZ)
            return caught.value

        assert "no steered pump is enrolled in west" in str(await refused("west", TOMORROW))
        assert f"{DAY - timedelta(days=1)} is over" in str(await refused("north", DAY - timedelta(days=1)))
        missing = await refused("north", TOMORROW)
        assert (missing.code, str(missing)) == (
            ErrorCode.NO_LOAD_CURVE,
            f"there is no load curve of north for {TOMORROW}",
        )
        with pytest.raises(Refused, match=f"nothing is nominated of north for {TOMORROW}"):
            await withdraw_nomination(access, "north", TOMORROW, TRADING, TZ)

        late = await make_load_curve(access, "north", DAY, [], TZ)
        assert late.curve.made_at > gate_closure(DAY)
        why = str(await refused("north", DAY))
        assert "quarter-hours" in why or "after gate closure" in why
        assert "there is no load curve 99" in str(await refused("north", TOMORROW, 99))
        other = await refused("south", TOMORROW, late.version)
        assert str(other) == f"load curve {late.version} is of north for {DAY}, not of south for {TOMORROW}"

        for area in ("north", "DE-LU"):
            await make_load_curve(access, area, TOMORROW, [], TZ)
        await nominate(access, "north", TOMORROW, None, DEAR, TRADING, TZ)
        twice = await refused("DE-LU", TOMORROW)
        assert (twice.code, twice.facts["area"]) == (ErrorCode.ALREADY_NOMINATED, "north")
        plan = await plan_of(access)
        assert {part["grid_area"]: part["nominated"] is not None for part in plan.parts} == {
            "north": True,
            "south": False,
        }
