"""What the planner is told of the calls that a pump has left."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest

from activities.plan_requests import RequestSources
from activities.planning import PlanningActivities
from domain.oem.quota import Quota
from domain.steering.call_budget import AccountStanding, QuotaStanding
from market.tariff_files import tariffs_in
from tests.activities.ports import Deliveries, Directory, InForce, Observations, Plans, Series, an_attempt
from tests.activities.test_planning import FLEET, Asked, opening, solving, tz_of


class Granting:
    """`domain.ports.CallGrants` in which every account has so many calls a day."""

    def __init__(self, calls: int) -> None:
        self._quota = Quota(calls=calls, window=timedelta(days=1))

    async def standings(self, account_ids: Sequence[str], _until: datetime) -> Mapping[str, AccountStanding]:
        standing = QuotaStanding(quota=self._quota, spent=0, pumps=len(FLEET), observations=1)
        return {account: AccountStanding(observe_calls=1.0, quotas=(standing,)) for account in account_ids}


@pytest.mark.parametrize(("calls", "told"), [(140, (4, False)), (5000, (8, True))])
async def test_the_planner_is_told_how_many_changes_the_calls_of_a_pump_carry(
    calls: int, told: tuple[int, bool]
) -> None:
    """Over ten hours: of 140 calls 112 are routine ones, the sweep takes 40, and five pumps share what is left."""
    series, asked, logs = Series(), Asked(), (InForce(), Observations(None))
    sources = RequestSources(series, Directory(*FLEET), *logs, tariffs_in(), None, tz_of, grants=Granting(calls))
    activities = PlanningActivities(sources, Plans(), asked, Deliveries(), tz_of)
    await an_attempt().run(activities.open_plan, await opening(series))
    await an_attempt().run(activities.solve_shard, solving())
    assert {(p.most_changes, p.may_move_tank) for request in asked.requests for p in request.pumps} == {told}
