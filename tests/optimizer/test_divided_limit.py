"""A grid area's limit that is divided over several requests still binds for the whole area."""

import numpy as np

from domain.planning.scope import GridCaps, GridLimit
from domain.planning.shards import shards_of
from optimizer.planner import plan_fleet
from tests.optimizer.builders import a_fleet, a_request


def test_requests_that_share_a_grid_area_keep_its_limit_together_without_knowing_of_each_other() -> None:
    fleet = a_fleet(6)
    free_kw = np.sum([p.expected_power_kw for p in plan_fleet(a_request(fleet)).pumps], axis=0)
    limit_kw = round(0.85 * float(free_kw.max()), 3)
    (place,) = {(p.profile.enrolment.price_area, p.profile.enrolment.grid_area) for p in fleet}
    caps = GridCaps(limits=(GridLimit(price_area=place[0], grid_area=place[1], cap_kw=limit_kw),))
    enrolments = [p.profile.enrolment for p in fleet]
    shards = shards_of(enrolments, caps, {fleet[0].profile.enrolment.weather_cell: 1}, most_pumps=3)
    assert [shard.pumps for shard in shards] == [3, 3]

    load_kw = np.zeros(len(free_kw))
    for part in (part for shard in shards for part in shard.parts):
        members = [p for p in fleet if p.profile.enrolment.pump_id in part.pump_ids]
        planned = plan_fleet(a_request(members, cap_kw=part.cap_kw))
        part_kw = np.sum([p.expected_power_kw for p in planned.pumps], axis=0)
        assert part.cap_kw is not None
        assert part_kw.max() <= part.cap_kw + 1e-6
        load_kw += part_kw
    assert free_kw.max() > limit_kw, "else nothing binds"
    assert load_kw.max() <= limit_kw + 1e-6
