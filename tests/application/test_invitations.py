"""A household connects its own account by a link: pages, the vendor's consent and the ledger, all of them real."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from application.access import Access
from application.accounts.inviting import invite
from application.audit_log import Actor
from application.errors import Refused
from console.cli.consent_page import ConsentPage
from oem_adapters.consent import CONSENT_WITHIN
from oem_adapters.daikin import MANIFEST, DaikinOnecta
from simulator.clouds.oauth import TokenRules, TokenServer
from tests.oem_adapters.conftest import NOW, PATIENT, TLS
from tests.oem_adapters.daikin.bodies import a_device
from tests.oem_adapters.loopback import Answer, Loopback, Request, running_cloud
from tests.oem_adapters.test_consent import answer_of

pytestmark = pytest.mark.servers

BY = Actor("onboarding", "letters to households")
PUBLIC = "https://consent.invalid"
SECRET = "of-the-app-s3cret"
SCOPES = frozenset(MANIFEST.authentication.scopes)


@dataclass
class Households:
    """Browsers before the pages, and the vendor behind them."""

    access: Access
    cloud: Loopback
    pages: httpx.AsyncClient
    page: ConsentPage
    devices: list[str] = field(default_factory=lambda: ["d-1", "d-2"])
    wall: datetime = datetime(2026, 1, 21, 7, 0, tzinfo=UTC)

    async def link(self, lasts: timedelta = timedelta(days=14)) -> str:
        (made,) = await invite(self.access, MANIFEST.oem, 1, lasts, BY)
        return f"{PUBLIC}/invite/{made.secret}"

    async def consents(self, link: str) -> str:
        """Press the button, agree at the vendor; where the vendor sends the browser."""
        pressed = await self.pages.post(link)
        assert pressed.status_code == 303, pressed.text
        at_vendor = urlsplit(pressed.headers["location"])
        assert SECRET not in pressed.headers["location"]
        answer = await self.page.http.get(at_vendor.geturl(), follow_redirects=False)
        assert answer.status_code == 302, answer.text
        back = str(answer.headers["location"])
        assert back.startswith(f"{PUBLIC}/callback?")
        return back

    async def accounts(self) -> list[str]:
        records = await self.access.ledger.accounts.all()
        return [one.account_id for one in records if one.disconnected_at is None]


@pytest_asyncio.fixture
async def households(access: Access) -> AsyncIterator[Households]:
    async with running_cloud() as cloud, contextlib.AsyncExitStack() as opened:
        manifest = MANIFEST.at(cloud.base_url)
        rules = TokenRules(SCOPES, SCOPES, rotation="single-use")
        tokens = TokenServer(rules, "app", SECRET, life_s=600)

        def token(request: Request) -> Answer:
            kind, basic = request.headers["content-type"], request.headers.get("authorization")
            return answer_of(tokens.answer(request.body, kind, basic, NOW.timestamp()))

        authentication = manifest.authentication
        cloud.on("POST", urlsplit(authentication.token_url).path, token)
        cloud.on(
            "GET",
            urlsplit(authentication.authorize_url).path,
            lambda request: answer_of(tokens.authorize(request.query, NOW.timestamp())),
        )
        http = await opened.enter_async_context(httpx.AsyncClient(verify=TLS))
        adapter = DaikinOnecta(http, access.ledger.vault, PATIENT)
        page = ConsentPage(access, http, manifest, adapter, "app", SecretStr(SECRET), PUBLIC, PATIENT)
        transport = httpx.ASGITransport(page.app())
        pages = await opened.enter_async_context(httpx.AsyncClient(transport=transport, base_url=PUBLIC))
        world = Households(access, cloud, pages, page)
        page.wall = lambda: world.wall
        cloud.on("GET", "/v1/gateway-devices", lambda _: Answer([a_device(one) for one in world.devices]))
        yield world


async def test_a_household_connects_its_account_by_its_link_once(households: Households) -> None:
    link = await households.link()
    asked = await households.pages.get(link)
    assert (asked.status_code, asked.headers["cache-control"]) == (200, "no-store")
    assert "Connect my" in asked.text
    assert households.cloud.requests == [], "a mail program that opens the link asks the vendor nothing"
    done = await households.pages.get(await households.consents(link))
    assert (done.status_code, "it reaches 2 heat pumps" in done.text) == (200, True)
    (account,) = await households.accounts()
    assert account.startswith("daikin-home-")
    again = await households.pages.get(link)
    assert (again.status_code, "used already" in again.text) == (404, True)
    assert (await households.pages.post(link)).status_code == 404
    audit = [(line["act"], line["who"]) for line in await households.access.ledger.reports.audit_trail()]
    assert {("accounts-invite", "onboarding"), ("account-connect", "household")} <= set(audit)


async def test_an_answer_with_another_state_or_a_second_time_connects_nothing(households: Households) -> None:
    back = await households.consents(await households.link())
    query = dict(parse_qsl(urlsplit(back).query))
    forged = await households.pages.get("/callback", params=query | {"state": "guessed"})
    assert (forged.status_code, await households.accounts()) == (400, [])
    assert (await households.pages.get(back)).status_code == 200
    assert (await households.pages.get(back)).status_code == 400
    assert len(await households.accounts()) == 1


async def test_a_link_that_is_made_up_or_old_and_an_answer_that_comes_late_connect_nothing(
    households: Households,
) -> None:
    for link, said in (
        (f"{PUBLIC}/invite/guessed", "not one of ours"),
        (await households.link(timedelta()), "expired"),
    ):
        for answer in (await households.pages.get(link), await households.pages.post(link)):
            assert (answer.status_code, said in answer.text) == (404, True)
    link = await households.link()
    back = await households.consents(link)
    households.wall += CONSENT_WITHIN
    late = await households.pages.get(back)
    assert (late.status_code, "too late" in late.text) == (400, True)
    assert await households.accounts() == []
    assert (await households.pages.get(link)).status_code == 200, "the link is good for another try"


async def test_heat_pumps_that_one_link_connected_are_not_connected_by_another(households: Households) -> None:
    first, second = await households.link(), await households.link()
    assert (await households.pages.get(await households.consents(first))).status_code == 200
    households.devices = ["d-2", "d-3"]
    twice = await households.pages.get(await households.consents(second))
    assert (twice.status_code, "connected already" in twice.text) == (400, True)
    assert len(await households.accounts()) == 1


async def test_a_household_that_declines_is_told_so_and_may_come_back(households: Households) -> None:
    link = await households.link()
    pressed = await households.pages.post(link)
    state = dict(parse_qsl(urlsplit(pressed.headers["location"]).query))["state"]
    declined = await households.pages.get("/callback", params={"state": state, "error": "access_denied"})
    assert (declined.status_code, "access_denied" in declined.text) == (400, True)
    assert (await households.pages.get(link)).status_code == 200


async def test_a_number_of_invitations_that_is_none_is_refused(access: Access) -> None:
    with pytest.raises(Refused):
        await invite(access, "daikin", 0, timedelta(days=1), BY)
