"""What a day or a month came to, for the operator and for each household.

Protects: what a fleet saved is the claim with its interval; what a single home would have paid is the model's, and is
called so; both come from what was settled, and nothing is worked out anew for the page.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from application.access import Access
from application.errors import ErrorCode, Refused
from application.scopes import is_meant
from domain.commands.command import Authority
from domain.homes.comfort import ComfortBand
from domain.homes.enrolment import PumpProfile
from domain.homes.settlement import Benefit
from domain.modes import Circuit
from domain.planning.power_charge import bill
from domain.planning.tariff import Tariff, Tariffs, home_prices
from domain.savings.claim import Claim
from domain.savings.energy import Evidence, Flag
from domain.savings.experiment import Arm
from domain.savings.home_day import HomeDay
from domain.savings.regret import Regret
from domain.slots import SLOT, market_day_slots
from domain.steering.journal import JournalEntry
from domain.steering.orders import Order, OrderKind, hours_under

MOST_ACTS = 40
"""Of one home: a month of plans is summed up, not listed."""


@dataclass(frozen=True)
class Act:
    """Something that was done with a home's heating, and why."""

    at: datetime
    mode: str
    authority: str
    reason: str


@dataclass(frozen=True)
class DayCourse:
    """One home's day by slot."""

    slots: Sequence[datetime]
    kwh: Sequence[float]
    evidence: Sequence[Evidence]
    price_eur_per_mwh: Sequence[float]
    modes: Sequence[tuple[datetime, str]]
    rooms: Sequence[tuple[datetime, float]]


@dataclass(frozen=True)
class PowerMonth:
    """A month's charge for peak power, from its settled days."""

    month: str
    name: str
    level_kw: float
    eur: float
    unsteered_eur: float
    """By the model, had the pump been left to its own control."""
    is_metered: bool
    """False where the household beside the pump is assumed: then both are estimated."""


@dataclass(frozen=True)
class HomeReport:
    """A household's report."""

    pump: str
    days: Sequence[HomeDay]
    acts: Sequence[Act]
    acts_by_plan: int
    """Changes that plans made; the list holds them for a single day only."""
    band: ComfortBand
    course: DayCourse | None
    """Of a single day."""
    benefit: Benefit = Benefit.HOUSEHOLD
    """Whose cost its plans lower."""
    power: Sequence[PowerMonth] = ()
    """Charges for peak power by month, as far as its days are settled."""
    has_panels: bool = False
    dimmed_year_h: float = 0.0
    """Hours under a grid operator's dimming (section 14a), from the year's first day to the report's last."""

    @property
    def own_sun_kwh(self) -> float | None:
        """What the pump used of the surplus of its home's panels; None where there are none, or they do not count."""
        used = sum(day.own_sun_kwh for day in self.days)
        return used if used or (self.has_panels and self.benefit is Benefit.HOUSEHOLD) else None

    @property
    def kwh(self) -> float:
        """Electricity used."""
        return sum(day.kwh for day in self.days)

    @property
    def cost_eur(self) -> float:
        """What was paid for it."""
        return sum(day.cost_eur for day in self.days)

    @property
    def unsteered_eur(self) -> float:
        """What the model says it would have cost."""
        return sum(day.unsteered_eur for day in self.days)

    @property
    def household_eur(self) -> float:
        """What it paid under its tariff for energy, whoever was saved for."""
        return sum(day.ledgers.household_eur for day in self.days if day.ledgers)

    @property
    def supplier_cost_eur(self) -> float:
        """What its supplier bought it for."""
        return sum(day.ledgers.supplier_cost_eur for day in self.days if day.ledgers)

    @property
    def supplier_billed_eur(self) -> float:
        """What its supplier billed for itself, without VAT."""
        return sum(day.ledgers.supplier_billed_eur for day in self.days if day.ledgers)

    @property
    def room_c(self) -> float | None:
        """Mean room temperature; None where none was measured."""
        rooms = [day.room_c for day in self.days if day.room_c is not None]
        return sum(rooms) / len(rooms) if rooms else None

    @property
    def kelvin_hours(self) -> float | None:
        """Outside the household's band, on the days on which a room was measured; None where none was."""
        known = [day.kelvin_hours for day in self.days if day.room_c is not None]
        return sum(known) if known else None

    @property
    def neutral_days(self) -> int:
        """Days on which it was left neutral to be compared with."""
        return sum(day.arm is Arm.NEUTRAL for day in self.days)


@dataclass(frozen=True)
class Report:
    """The operator's report, with the households' in it."""

    first: date
    last: date
    made_at: datetime
    claims: Sequence[Claim]
    homes: Sequence[HomeReport]
    evidence_kwh: dict[Evidence, float] = field(default_factory=dict)
    excluded: dict[Flag, int] = field(default_factory=dict)
    commands: dict[str, int] = field(default_factory=dict)
    revised_home_days: int = 0
    """Home-days that came out differently when they were settled again."""
    regrets: Sequence[Regret] = ()
    """By day and scope."""

    @property
    def cost_eur(self) -> float:
        """What all homes paid."""
        return sum(home.cost_eur for home in self.homes)

    @property
    def kwh(self) -> float:
        """What all homes used."""
        return sum(home.kwh for home in self.homes)

    @property
    def days(self) -> Sequence[tuple[date, float, float]]:
        """By day: what was paid, and what the model says it would have cost."""
        found: dict[date, tuple[float, float]] = {}
        for home in self.homes:
            for day in home.days:
                paid, would = found.get(day.day, (0.0, 0.0))
                found[day.day] = (paid + day.cost_eur, would + day.unsteered_eur)
        return [(day, *found[day]) for day in sorted(found)]


async def make_report(
    access: Access, first: date, last: date, tariffs: Tariffs, tz_of: Callable[[str], ZoneInfo]
) -> Report:
    """The report on settled days, both included; Refused where nothing is settled there."""
    settled = await access.ledger.savings.settled(first, last)
    if not settled:
        sentence = f"nothing is settled from {first} to {last}: `heatsteer savings settle --day {last}` settles it"
        raise Refused(ErrorCode.NOTHING_SETTLED, sentence, first=first, last=last)
    by_pump: dict[str, list[HomeDay]] = {}
    evidence: dict[Evidence, float] = {}
    excluded: dict[Flag, int] = {}
    for day, _, _ in settled:
        by_pump.setdefault(day.pump_id, []).append(day)
        for kind, kwh in day.evidence.items():
            evidence[kind] = evidence.get(kind, 0.0) + kwh
        for flag, count in day.excluded.items():
            excluded[flag] = excluded.get(flag, 0) + count
    courses = {day.pump_id: (energy.kwh, energy.evidence) for day, energy, _ in settled} if first == last else {}
    orders = [o for o in await access.ledger.orders.given() if o.kind is OrderKind.SECTION_14A]
    homes = []
    for pump, days in sorted(by_pump.items()):
        homes.append(await _home(access, pump, days, courses.get(pump), tariffs, tz_of, orders, last))
    # A day alone compares nobody with himself: what is claimed of it is the month's claim up to it.
    claims = await access.ledger.savings.claims(first.replace(day=1), last)
    return Report(
        first=first,
        last=last,
        made_at=access.now(),
        claims=claims,
        homes=homes,
        evidence_kwh=evidence,
        excluded=excluded,
        commands=await _commands(access, settled[0][0], first, last, tz_of),
        revised_home_days=sum(revision > 1 for _, _, revision in settled),
        regrets=await access.ledger.regrets.regrets(first, last),
    )


async def _home(
    access: Access,
    pump: str,
    days: Sequence[HomeDay],
    course: tuple[Sequence[float], Sequence[Evidence]] | None,
    tariffs: Tariffs,
    tz_of: Callable[[str], ZoneInfo],
    dimmings: Sequence[Order],
    last: date,
) -> HomeReport:
    tz = tz_of(days[0].price_area)
    start = market_day_slots(days[0].day, tz)[0]
    slots = market_day_slots(days[-1].day, tz)
    entries = await access.ledger.journal.between(pump, start, slots[-1] + SLOT)
    changes = _changes(entries)
    by_plan = sum(act.authority == Authority.PLAN.value for act in changes)
    profile = await access.ledger.pumps.profile(pump)
    listed = changes if course else [act for act in changes if act.authority != Authority.PLAN.value]
    return HomeReport(
        benefit=profile.enrolment.benefit,
        power=_power_months(tariffs(profile.enrolment.tariff), days),
        has_panels=profile.enrolment.panels is not None,
        dimmed_year_h=hours_under(
            [order for order in dimmings if is_meant(order.scope, profile)],
            market_day_slots(last.replace(month=1, day=1), tz)[0],
            min(market_day_slots(last, tz)[-1] + SLOT, access.now()),
        ),
        pump=pump,
        days=days,
        acts=listed[:MOST_ACTS],
        acts_by_plan=by_plan,
        band=profile.enrolment.band,
        course=None if course is None else await _course(access, profile, days[-1], course, slots, changes, tariffs),
    )


def _power_months(tariff: Tariff, days: Sequence[HomeDay]) -> list[PowerMonth]:
    months: dict[date, list[HomeDay]] = {}
    for day in days:
        if day.peaks:
            months.setdefault(day.day.replace(day=1), []).append(day)
    found = []
    for first, settled in sorted(months.items()):
        charge, tz, per_eur = tariff.power_charge(first), ZoneInfo(tariff.tz), tariff.per_eur(settled[-1].day)
        if charge is None:
            continue
        was = bill(charge, [peak for day in settled for peak in day.peaks], tz)
        own = bill(charge, [peak for day in settled for peak in day.unsteered_peaks], tz)
        found.append(
            PowerMonth(
                month=f"{first:%Y-%m}",
                name=charge.name,
                level_kw=was.level_kw,
                eur=was.amount / per_eur,
                unsteered_eur=own.amount / per_eur,
                is_metered=all(day.is_house_metered for day in settled),
            )
        )
    return found


async def _course(
    access: Access,
    profile: PumpProfile,
    day: HomeDay,
    course: tuple[Sequence[float], Sequence[Evidence]],
    slots: Sequence[datetime],
    changes: Sequence[Act],
    tariffs: Tariffs,
) -> DayCourse:
    e = profile.enrolment
    wholesale = await access.ledger.series.prices(day.price_version)
    prices = home_prices(wholesale, tariffs(e.tariff), e.settlement, e.benefit).cut(slots[0], len(slots))
    readings = await access.ledger.history.readings(e.pump_id, slots[0], slots[-1] + SLOT)
    return DayCourse(
        slots=slots,
        kwh=course[0],
        evidence=course[1],
        price_eur_per_mwh=prices.price_eur_per_mwh,
        modes=[(act.at, act.mode) for act in changes],
        rooms=[(reading.as_of, reading.room_c) for reading in readings if reading.room_c is not None],
    )


def _changes(entries: Sequence[JournalEntry]) -> list[Act]:
    """Where the heating's target changed, oldest first."""
    found: list[Act] = []
    for entry in entries:
        target = entry.decided.target
        if entry.circuit is not Circuit.HEATING:
            continue
        act = Act(at=entry.at, mode=target.mode.value, authority=target.authority.value, reason=target.reason)
        if not found or (found[-1].mode, found[-1].authority) != (act.mode, act.authority):
            found.append(act)
    return found


async def _commands(
    access: Access, one: HomeDay, first: date, last: date, tz_of: Callable[[str], ZoneInfo]
) -> dict[str, int]:
    tz = tz_of(one.price_area)
    start = market_day_slots(first, tz)[0]
    return await access.ledger.reports.ended(start, market_day_slots(last, tz)[-1] + SLOT)
