"""Rows for the ledger's tests: pumps with an account, commands of a pump, lines of their lives."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.commands.command import Authority, Command, CommandEvent, EventKind
from domain.homes.comfort import ComfortBand
from domain.modes import Mode
from domain.oem.credentials import AccountCredentials
from domain.oem.lever import LeverName
from domain.planning.fleet_plan import Certificate, FleetPlanResult, PlanningRequest
from domain.planning.series import WeatherSeries, WholesalePrices
from domain.planning.tariff import WHOLESALE, home_prices
from ledger.commands import LedgerCommands
from ledger.pumps import LedgerPumps, Vault
from oem_adapters.nibe.manifest import MANIFEST
from tests.builders import MIDNIGHT, OFFSET, a_profile, at

SECRET = "a-secret-of-the-household"


def a_key() -> SecretStr:
    return SecretStr(Fernet.generate_key().decode())


def an_account(account_id: str = "nibe-main") -> AccountCredentials:
    return MANIFEST.at("http://cloud.invalid").account(account_id, "client", SecretStr(SECRET))


async def enrol_pumps(
    engine: AsyncEngine, *pump_ids: str, account_id: str = "nibe-main", band: ComfortBand | None = None
) -> None:
    """Enrol these pumps under one account."""
    await Vault(engine, [a_key()]).add_account(an_account(account_id))
    for pump_id in pump_ids:
        profile = a_profile()
        update = {"pump_id": pump_id, "account_id": account_id, "band": band or profile.enrolment.band}
        enrolment = profile.enrolment.model_copy(update=update)
        await LedgerPumps(engine).enrol(profile.model_copy(update={"enrolment": enrolment}), MIDNIGHT)


def a_command_of(pump_id: str = "p-0001", seq: int = 1) -> Command:
    return Command(
        command_id=f"{pump_id}-c{seq:05d}",
        pump_id=pump_id,
        seq=seq,
        mode=Mode.MAX,
        lever=OFFSET,
        setting=3.0,
        authority=Authority.PLAN,
        revision=1,
        decided_at=MIDNIGHT,
        expires_at=at(2),
    )


def an_event(
    command: Command, kind: EventKind, write_no: int = 0, when: datetime = MIDNIGHT, lever: LeverName = OFFSET
) -> CommandEvent:
    """A line of a command's life; its writes set the lever to 10 x seq + write number."""
    return CommandEvent(
        command_id=command.command_id,
        pump_id=command.pump_id,
        at=when,
        kind=kind,
        write_no=write_no,
        lever=lever,
        setting=10.0 * command.seq + write_no,
        reason="as the test says",
    )


async def live(commands: LedgerCommands, command: Command, *kinds: EventKind) -> None:
    """Begin a command and record these events, one minute apart; every `SENT` begins its next write."""
    await commands.begin(command, [])
    write_no = 0
    for minute, kind in enumerate(kinds):
        write_no += kind is EventKind.SENT
        of_write = kind.state is None or kind in (EventKind.SENT, EventKind.ACCEPTED)
        await commands.record([an_event(command, kind, write_no if of_write else 0, at(0, minute))])


def prices(start: datetime = MIDNIGHT, slots: int = 96, level: float = 80.0) -> WholesalePrices:
    return WholesalePrices(
        price_area="DE-LU",
        source="as the test says",
        resolution_min=15,
        start=start,
        price_eur_per_mwh=tuple(level + slot / 4 for slot in range(slots)),
    )


def weather(start: datetime = MIDNIGHT, slots: int = 96) -> WeatherSeries:
    return WeatherSeries(
        cell="50.0,10.0",
        source="as the test says",
        start=start,
        outdoor_c=(-2.0,) * slots,
        radiation_w_per_m2=(0.0,) * slots,
    )


def a_request(slots: int = 96) -> PlanningRequest:
    return PlanningRequest(
        first_slot=MIDNIGHT,
        slots=slots,
        prices=home_prices(prices(slots=slots), WHOLESALE),
        weather=weather(slots=slots),
        pumps=(),
    )


def a_result(cost_eur: float = 10.0, slots: int = 96) -> FleetPlanResult:
    certificate = Certificate(
        cost_eur=cost_eur,
        lower_bound_eur=cost_eur - 0.5,
        neutral_cost_eur=cost_eur + 2,
        energy_cost_eur=cost_eur,
        gap_pct=5.0,
        gap_of_gain_pct=20.0,
        cap_kw=None,
        cap_binding_slots=0,
        overflow_kwh=0.0,
        kelvin_hours=0.0,
        segments=1,
        iterations=1,
        seconds=0.1,
        status="optimal-within-gap",
    )
    return FleetPlanResult(
        pumps=(), certificate=certificate, cap_price_eur_per_mwh=(0.0,) * slots, neutral_load_kw=(0.0,) * slots
    )


async def count(engine: AsyncEngine, table: type) -> int:
    async with engine.connect() as connection:
        return int(await connection.scalar(select(func.count()).select_from(table)) or 0)


async def waiting_for_a_lock(engine: AsyncEngine) -> bool:
    """Whether somebody in this database stands in line for an advisory lock."""
    query = text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    async with engine.connect() as connection:
        return bool(await connection.scalar(query))


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it holds; the suite's own time limit ends what never comes."""
    while not await holds():  # noqa: ASYNC110 -- what is waited for happens in the database
        await asyncio.sleep(0.01)
