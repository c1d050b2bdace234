"""A submitted plan by shards: who cannot be judged is named, what is judged is stored with its refusals."""

from collections.abc import Mapping, Sequence
from datetime import date

import pytest
from temporalio.exceptions import ApplicationError

from activities.plan_requests import RequestSources
from activities.planning import OpenPlan, PlanningActivities, SolveShard
from domain.homes.enrolment import Enrolment, PumpProfile
from domain.modes import Mode
from domain.planning.fleet_plan import Judged, PlannedPump, PlanningRequest, Refusal
from domain.planning.price_plan import ModeSegment
from domain.planning.scope import GridCaps
from domain.submission import SubmittedPlan
from market.tariff_files import tariffs_in
from tests.activities.ports import CLOCK, Deliveries, Directory, InForce, Observations, Plans, Series, an_attempt
from tests.activities.test_planning import never, spread, tz_of
from tests.builders import a_plan, at
from tests.ledger.builders import a_result, prices, weather

KEY = "0123456789abcdef"
FLEET = ("p-0001", "p-0002", "p-0003", "p-0004", "p-0005", "p-0006", "p-0007")


class Lives(Directory):
    """Pumps of which some are retired and some are moved by another system."""

    retired = frozenset({"p-0005"})
    shadowed = frozenset({"p-0006"})

    async def enrolments(self, price_area: str) -> Sequence[Enrolment]:
        out = self.retired | self.shadowed
        return [one for one in await super().enrolments(price_area) if one.pump_id not in out]

    async def profiles(self, pump_ids: Sequence[str]) -> Sequence[PumpProfile]:
        return [p for p in await super().profiles(pump_ids) if p.enrolment.pump_id not in self.retired]


class Judging:
    """`domain.ports.Judge` that takes everybody in steered hands but p-0002."""

    def __init__(self) -> None:
        self.asked: list[tuple[PlanningRequest, Mapping[str, Sequence[Mode | None]], Mapping[str, Sequence[Mode]]]] = []

    async def __call__(
        self,
        request: PlanningRequest,
        wanted: Mapping[str, Sequence[Mode | None]],
        kept: Mapping[str, Sequence[Mode]],
    ) -> Judged:
        self.asked.append((request, wanted, kept))
        known = [pump.profile.enrolment.pump_id for pump in request.pumps]
        taken = tuple(
            PlannedPump(
                pump_id=pump_id,
                modes=tuple(mode or Mode.LOW for mode in wanted[pump_id]),
                expected_room_c=(21.0,) * request.slots,
                expected_power_kw=(1.0,) * request.slots,
                steered=True,
            )
            for pump_id in known
            if pump_id in wanted and pump_id != "p-0002"
        )
        refused = Refusal(subject="p-0002", slot=at(7), problem="MAX too short", way_out="hold it")
        return Judged(result=a_result().model_copy(update={"pumps": taken}), refused=(refused,))


def a_submission(*pump_ids: str) -> SubmittedPlan:
    raised = ModeSegment(start=at(6), end=at(10, 15), mode=Mode.MAX)
    return SubmittedPlan(
        price_area="DE-LU", day=date(2026, 1, 15), planned_by="", pumps=dict.fromkeys(pump_ids, (raised,))
    )


def activities_of(directory: Directory, plans: Plans, series: Series, judge: Judging | None) -> PlanningActivities:
    sources = RequestSources(series, directory, InForce(), Observations(None), tariffs_in())
    return PlanningActivities(sources, plans, never, Deliveries(), tz_of, judge)


async def opening(series: Series) -> OpenPlan:
    return OpenPlan(
        clock=CLOCK,
        key="run-1",
        price_area="DE-LU",
        price_version=await series.store_prices(prices(), at(1)),
        weather_versions={"50.0,10.0": await series.store_weather(weather(), at(1))},
        first_slot=at(6, 15),
        slots=40,
        until=at(10, 15),
        caps=GridCaps(share=0.5),
        submission=KEY,
    )


def solving(shard: int = 0) -> SolveShard:
    return SolveShard(clock=CLOCK, revision=1, shard=shard, budget_s=10)


async def test_pumps_that_no_shard_can_take_are_each_refused_for_what_they_are() -> None:
    series, plans = Series(), Plans()
    homes = spread(Lives(*FLEET), p_0004={"price_area": "FI"}, p_0007={"weather_cell": "60.0,20.0"})
    plans.submissions[KEY] = a_submission("p-0001", "p-0004", "p-0005", "p-0006", "p-0007", "p-9999")
    opened = await an_attempt().run(activities_of(homes, plans, series, None).open_plan, await opening(series))
    assert (opened.shards, opened.pumps) == (1, 6)
    assert {one.subject: one.problem for one in plans.refused} == {
        "p-0004": "is in price area FI, not in DE-LU",
        "p-0005": "is retired",
        "p-0006": "is moved by another system, which is only observed",
        "p-0007": "there is no forecast for its weather cell 60.0,20.0",
        "p-9999": "is not enrolled",
    }
    assert all(one.way_out for one in plans.refused)
    outline = await plans.outline(1)
    assert (outline.submission, outline.is_preview) == (KEY, True), "nobody is given it before it is taken"


async def test_a_part_is_judged_whole_beside_what_its_other_pumps_keep_to_and_only_the_taken_are_stored() -> None:
    series, plans, judge = Series(), Plans(), Judging()
    homes = spread(Directory("p-0001", "p-0002", "p-0003", "p-0004"), p_0004={"grid_area": "feeder-2"})
    plans.submissions[KEY] = a_submission("p-0001", "p-0002")
    plans.standing["p-0003"] = a_plan(1, {(6, 7): Mode.MID})
    activities = activities_of(homes, plans, series, judge)
    opened = await an_attempt().run(activities.open_plan, await opening(series))
    assert (opened.shards, opened.pumps) == (1, 2)
    assert await an_attempt().run(activities.solve_shard, solving()) == 1
    ((request, wanted, kept),) = judge.asked
    assert [pump.profile.enrolment.pump_id for pump in request.pumps] == ["p-0001", "p-0002", "p-0003"]
    assert request.cap_kw == pytest.approx(0.5 * 3 * 8 / 2.5), "the limit is the whole area's"
    assert set(wanted) == {"p-0001", "p-0002"}
    assert wanted["p-0001"] == (Mode.MAX,) * 16 + (None,) * 24
    assert kept == {"p-0003": (Mode.MID,) * 3 + (Mode.LOW,) * 37}
    ((solved, shares),) = plans.parts.values()
    assert set(shares) == {"p-0001"}
    assert [segment.mode for segment in shares["p-0001"].segments] == [Mode.MAX]
    assert (solved.pumps, [one.subject for one in solved.refused]) == (1, ["p-0002"])


async def test_a_pump_that_retires_before_it_is_judged_is_refused_for_that() -> None:
    series, plans, judge = Series(), Plans(), Judging()
    homes = Directory("p-0001", "p-0003")
    plans.submissions[KEY] = a_submission("p-0001", "p-0003")
    activities = activities_of(homes, plans, series, judge)
    await an_attempt().run(activities.open_plan, await opening(series))
    homes.pumps.pop()
    await an_attempt().run(activities.solve_shard, solving())
    ((solved, _),) = plans.parts.values()
    assert Refusal(subject="p-0003", problem="is retired", way_out="leave it out") in solved.refused


async def test_a_planner_that_cannot_judge_says_so() -> None:
    series, plans = Series(), Plans()
    plans.submissions[KEY] = a_submission("p-0001")
    activities = activities_of(Directory("p-0001"), plans, series, None)
    await an_attempt().run(activities.open_plan, await opening(series))
    with pytest.raises(ApplicationError, match="takes nobody else's plans"):
        await an_attempt().run(activities.solve_shard, solving())
