"""Shards: every pump once, like samples of large grid areas, and a limit that adds up whatever the division."""

import random
from collections import Counter, defaultdict

import pytest

from domain.homes.enrolment import Enrolment
from domain.planning.load_curve import DeviationPrices, ExpectedLoad, NominatedPower, Nomination
from domain.planning.scope import GridCaps, GridLimit, nameplate_kw
from domain.planning.shards import Part, Shard, nominated_shards, shards_of
from domain.slots import SLOT
from tests.builders import MIDNIGHT, a_profile

CELLS = {"50.0,10.0": 1, "48.0,13.0": 2}


def a_home(number: int, **changed: object) -> Enrolment:
    pump_id = {"pump_id": f"p-{number:06d}"}
    return a_profile().enrolment.model_copy(update=pump_id | changed)


def parts(shards: tuple[Shard, ...]) -> list[Part]:
    return [part for shard in shards for part in shard.parts]


def test_a_small_fleet_is_one_shard_of_one_part_under_its_whole_limit() -> None:
    homes = [a_home(n) for n in range(12)]
    (shard,) = shards_of(homes, GridCaps(share=0.8), CELLS)
    (part,) = shard.parts
    assert part.pump_ids == tuple(home.pump_id for home in homes)
    assert part.cap_kw == pytest.approx(0.8 * nameplate_kw(homes), abs=1e-3)
    assert part.weather_version == 1


def test_small_grid_areas_stay_whole_and_share_shards() -> None:
    homes = [a_home(n, grid_area=f"feeder-{n % 5}") for n in range(20)]
    shards = shards_of(homes, GridCaps(), CELLS, most_pumps=10)
    assert [sorted({part.scope.grid_area for part in shard.parts}) for shard in shards] == [
        ["feeder-0", "feeder-1"],
        ["feeder-2", "feeder-3"],
        ["feeder-4"],
    ]
    assert [shard.number for shard in shards] == [0, 1, 2]


def test_a_large_grid_area_is_dealt_evenly_over_shards_of_its_own() -> None:
    homes = [a_home(n, rated_heat_kw=4.0 + n % 9) for n in range(1000)] + [a_home(2000, grid_area="feeder-2")]
    shards = shards_of(
        homes,
        GridCaps(limits=(GridLimit(price_area="DE-LU", grid_area="feeder-1", cap_kw=900.0),)),
        CELLS,
        most_pumps=300,
    )
    assert [shard.pumps for shard in shards] == [250, 250, 250, 250, 1]
    caps = [part.cap_kw for part in parts(shards) if part.scope.grid_area == "feeder-1"]
    assert caps == pytest.approx([225.0] * 4, rel=0.02)
    assert shards[-1].parts[0].cap_kw is None, "no limit was given for feeder-2"


def test_pumps_under_other_weather_or_another_tariff_are_parts_of_their_own_and_the_limit_is_theirs_together() -> None:
    homes = [
        *(a_home(n) for n in range(3)),
        a_home(3, weather_cell="48.0,13.0", rated_heat_kw=16.0),
        a_home(4, tariff="other"),
    ]
    (shard,) = shards_of(homes, GridCaps(share=1.0), CELLS)
    assert [(p.scope.weather_cell, p.scope.tariff, p.weather_version, len(p.pump_ids)) for p in shard.parts] == [
        ("50.0,10.0", "spot", 1, 3),
        ("48.0,13.0", "spot", 2, 1),
        ("50.0,10.0", "other", 1, 1),
    ]
    assert sum(part.cap_kw or 0.0 for part in shard.parts) == pytest.approx(nameplate_kw(homes), abs=0.002)


def test_pumps_without_weather_are_left_out_and_their_share_of_the_limit_stays_theirs() -> None:
    homes = [a_home(0), a_home(1, weather_cell="47.5,12.0")]
    (shard,) = shards_of(homes, GridCaps(share=1.0), CELLS)
    (part,) = shard.parts
    assert part.pump_ids == ("p-000000",)
    assert part.cap_kw == pytest.approx(nameplate_kw(homes) / 2, abs=0.001)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_fleet_every_pump_is_planned_once_and_no_shard_is_too_large(seed: int) -> None:
    draw = random.Random(seed)
    homes = [
        a_home(
            n,
            grid_area=f"feeder-{draw.choice((0, 0, 0, 1, 1, draw.randrange(2, 40)))}",
            weather_cell=draw.choice(list(CELLS)),
            rated_heat_kw=draw.uniform(3, 20),
        )
        for n in range(draw.randrange(1, 400))
    ]
    most = draw.randrange(1, 90)
    shards = shards_of(homes, GridCaps(share=0.7), CELLS, most)
    assert Counter(pump for part in parts(shards) for pump in part.pump_ids) == Counter(h.pump_id for h in homes)
    assert max(shard.pumps for shard in shards) <= most
    caps: dict[str, float] = defaultdict(float)
    for part in parts(shards):
        caps[part.scope.grid_area] += part.cap_kw or 0.0
    for name, cap_kw in caps.items():
        assert cap_kw == pytest.approx(0.7 * nameplate_kw(h for h in homes if h.grid_area == name), abs=0.3)


def test_a_hundred_thousand_pumps_are_some_sixty_shards() -> None:
    home = a_home(0)
    homes = [
        home.model_copy(update={"pump_id": f"p-{n:06d}", "grid_area": f"feeder-{n % 10 if n % 2 else n % 3000}"})
        for n in range(100_000)
    ]
    shards = shards_of(homes, GridCaps(share=0.8), CELLS)
    assert sum(shard.pumps for shard in shards) == 100_000
    assert len(shards) < 2 * 100_000 / 2000


def a_nomination(power_kw: tuple[float, ...], area: str = "DE-LU") -> Nomination:
    prices = DeviationPrices(up_eur_per_mwh=60, down_eur_per_mwh=40)
    return Nomination(
        number=1,
        area=area,
        price_area="DE-LU",
        first_slot=MIDNIGHT,
        power=NominatedPower(power_kw=power_kw, prices=prices, curve=7),
        revision=3,
        given_at=MIDNIGHT,
    )


def shares(shards: tuple[Shard, ...]) -> list[list[float] | None]:
    return [None if part.nominated is None else list(part.nominated.power_kw) for part in parts(shards)]


def test_each_part_is_to_draw_what_the_load_curve_expected_of_its_pumps() -> None:
    homes = [a_home(n, grid_area=f"feeder-{n // 2}") for n in range(4)]
    ids = [home.pump_id for home in homes]
    shards = shards_of(homes, GridCaps(), CELLS)
    expected = [
        ExpectedLoad(pump_ids=tuple(ids[:2]), load_kw=(3.0, 0.0, 1.0)),
        ExpectedLoad(pump_ids=tuple(ids[2:]), load_kw=(1.0, 0.0, 2.0)),
    ]
    found = nominated_shards(shards, homes, a_nomination((8.0, 2.0, 3.0)), expected, MIDNIGHT, 3)
    assert shares(found) == [[6.0, 1.0, 1.0], [2.0, 1.0, 2.0]], "by nameplate where nothing was expected of anybody"
    assert {part.nominated.curve for part in parts(found) if part.nominated} == {7}
    later = nominated_shards(shards, homes, a_nomination((8.0, 2.0, 3.0)), expected, MIDNIGHT + 2 * SLOT, 1)
    assert shares(later) == [[1.0], [2.0]], "what is left of the day"


def test_only_the_nominated_area_is_bound_and_only_on_the_nominated_day() -> None:
    homes = [a_home(n, grid_area=f"feeder-{n // 2}") for n in range(4)]
    shards = shards_of(homes, GridCaps(), CELLS)
    expected = [ExpectedLoad(pump_ids=tuple(home.pump_id for home in homes[:2]), load_kw=(3.0, 1.0))]
    one = a_nomination((4.0, 4.0), "feeder-0")
    assert shares(nominated_shards(shards, homes, one, expected, MIDNIGHT, 2)) == [[4.0, 4.0], None]
    for first_slot, slots in ((MIDNIGHT, 3), (MIDNIGHT - SLOT, 1), (MIDNIGHT + 2 * SLOT, 1)):
        assert nominated_shards(shards, homes, one, expected, first_slot, slots) == shards


@pytest.mark.parametrize("seed", range(5))
def test_shares_add_up_to_what_was_nominated_whoever_came_or_left_since(seed: int) -> None:
    luck = random.Random(seed)
    homes = [
        a_home(n, grid_area=f"feeder-{luck.randrange(3)}", rated_heat_kw=4.0 + luck.random() * 9) for n in range(60)
    ]
    known = [f"p-{n:06d}" for n in range(10, 75)]  # ten have come since, fifteen have left
    luck.shuffle(known)
    expected = [
        ExpectedLoad(pump_ids=tuple(known[first::4]), load_kw=tuple(luck.uniform(0, 40) for _ in range(4)))
        for first in range(4)
    ]
    power = tuple(luck.uniform(0, 90) for _ in range(4))
    shards = shards_of(homes, GridCaps(), CELLS, most_pumps=luck.choice([7, 20, 100]))
    found = shares(nominated_shards(shards, homes, a_nomination(power), expected, MIDNIGHT, 4))
    bound = [one for one in found if one is not None]
    assert len(bound) == len(found)
    for slot in range(4):
        assert sum(one[slot] for one in bound) == pytest.approx(power[slot], abs=0.01)
        assert min(one[slot] for one in bound) >= 0


def test_what_a_part_without_weather_was_to_draw_is_not_left_to_the_others() -> None:
    homes = [a_home(0), a_home(1, weather_cell="60.0,1.0")]
    expected = [ExpectedLoad(pump_ids=tuple(home.pump_id for home in homes), load_kw=(4.0,))]
    found = nominated_shards(shards_of(homes, GridCaps(), CELLS), homes, a_nomination((4.0,)), expected, MIDNIGHT, 1)
    assert shares(found) == [[2.0]]
