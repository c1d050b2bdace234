"""What operators see in Temporal's Web UI, read from the page as Chromium renders it (`make test-ui`)."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from domain.modes import Mode
from tests.builders import an_override
from tests.scenarios.steering.test_one_pump import plan_from
from tests.world import TestWorld, a_world
from tools.web_ui import PUMP_COLUMNS, PUMPS_QUERY, Browser, WebUi, take_pictures
from workflows.contracts import pump_workflow_id
from workflows.heat_pump import HeatPumpWorkflow

pytestmark = [pytest.mark.browser, pytest.mark.servers, pytest.mark.timeout(900)]


async def steer_three_pumps(world: TestWorld) -> tuple[str, str, str]:
    """One on its plan, one under a household's override, one that has heard nothing; waits until both are obeyed."""
    planned, overridden, left_alone = world.pump(1), world.pump(2), world.pump(3)
    await world.send(planned, plan_from(world, 1, Mode.MAX, Mode.MIN))
    hours = (world.now() - an_override().requested_at) / timedelta(hours=1)
    target = an_override(Mode.MIN, hours, hours + 12, override_id="o-tonight", why="away until the morning")
    await world.handle(overridden).execute_update(HeatPumpWorkflow.request_override, target)
    for pump in (planned, overridden):
        await world.until(lambda pump=pump: _has_obeyed(world, pump), timedelta(hours=3))  # type: ignore[misc]
    return planned, overridden, left_alone


async def _has_obeyed(world: TestWorld, pump: str) -> bool:
    return "applied" in await world.kinds(pump)


async def test_an_operator_sees_who_steers_each_pump_and_why(tmp_path: Path) -> None:
    async with a_world(tmp_path, pumps=3) as world:
        planned, overridden, left_alone = await steer_three_pumps(world)
        await asyncio.to_thread(look, world.stack.temporal.ui_url, tmp_path, planned, overridden, left_alone)


def look(ui_url: str, folder: Path, planned: str, overridden: str, left_alone: str) -> None:
    """Everything the browser does; in a thread, since it waits for the page."""
    with Browser() as browser:
        web = WebUi(browser, ui_url)
        web.choose_columns()
        the_list_shows_vendor_authority_and_alert(web, planned, overridden, left_alone)
        a_filter_leaves_only_the_pumps_it_means(web, planned, overridden, left_alone)
        a_pumps_page_says_what_the_target_is_and_why(web, planned, overridden)
        the_timeline_names_writes_and_timers(web, overridden)
        pictures = take_pictures(web, folder, pump_workflow_id(overridden))
        assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


def the_list_shows_vendor_authority_and_alert(web: WebUi, planned: str, overridden: str, left_alone: str) -> None:
    web.open_list()
    web.browser.text_with(
        " ".join(PUMP_COLUMNS),
        f"{pump_workflow_id(planned)} nibe plan none",
        f"{pump_workflow_id(overridden)} nibe override none",
        f"{pump_workflow_id(left_alone)} nibe neutral none",
    )


def a_filter_leaves_only_the_pumps_it_means(web: WebUi, planned: str, overridden: str, left_alone: str) -> None:
    web.open_list(f'{PUMPS_QUERY} AND `PumpAuthority`="override"')
    text = web.browser.text_with("1 Workflow", f"{pump_workflow_id(overridden)} nibe override none")
    assert pump_workflow_id(planned) not in text
    assert pump_workflow_id(left_alone) not in text


def a_pumps_page_says_what_the_target_is_and_why(web: WebUi, planned: str, overridden: str) -> None:
    web.open_pump(pump_workflow_id(overridden))
    web.current_details("MIN", "override", "o-tonight", "resident", "away until the morning")
    web.open_pump(pump_workflow_id(planned))
    web.browser.text_with(pump_workflow_id(planned))
    text = web.current_details("MAX", "plan")
    assert "away until the morning" not in text


def the_timeline_names_writes_and_timers(web: WebUi, overridden: str) -> None:
    web.open_pump(pump_workflow_id(overridden), "timeline")
    web.browser.text_with("request_override", "MIN by override", "until 15 Jan")
