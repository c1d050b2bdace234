"""What was nominated of an area before gate closure: a load curve that the plans of its day then keep to, at a price.

Protects: only a curve that was known at gate closure counts as nominated, no load is nominated twice, and every
nomination and withdrawal is signed and kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from application.access import Access
from application.audit_log import Actor, audited
from application.errors import ErrorCode, Refused
from application.planning.load_curve import market_area
from domain.planning.load_curve import DeviationPrices, LoadCurve, Nomination
from domain.slots import SLOT, bounds_of

GATE_CLOSURE, GATE_TZ = time(12), ZoneInfo("Europe/Brussels")
"""Of the day-ahead auction, the day before delivery, all over the coupled markets."""


@dataclass(frozen=True)
class Nominated:
    """A nomination as it stands now."""

    nomination: Nomination
    curve: LoadCurve
    planned_before: bool
    """A plan of the day was made before, and does not know of it."""


@dataclass(frozen=True)
class Withdrawn:
    """A nomination that binds no plan any more."""

    nomination: Nomination
    day: date
    planned_before: bool
    """A plan of the day was made before, and still keeps to it."""


async def nominate(
    access: Access,
    area: str,
    day: date | None,
    version: int | None,
    prices: DeviationPrices,
    by: Actor,
    tz_of: Callable[[str], str],
) -> Nominated:
    """A load curve of a market day (tomorrow, and the newest, where none is given) was nominated at these prices.

    It takes the place of what was nominated of the area for that day before. Raises Refused for an area without pumps,
    a day that is over, a curve that is missing, not whole or made after gate closure, and where the area lies in one,
    or holds one, that has a nomination of its own.
    """
    price_area, bounds, chosen = await _day_of(access, area, day, tz_of)
    found, curve = await _curve(access, area, chosen, version)
    _judge(found, curve, bounds)
    stand = await access.ledger.load_curves.nominations(price_area, bounds[0])
    other = next((one.area for one in stand if one.area != area and price_area in (one.area, area)), None)
    if other is not None:
        sentence = f"{other} has a nomination for {chosen} of its own, and the load of {area} would count twice"
        raise Refused(ErrorCode.ALREADY_NOMINATED, sentence, area=other, day=str(chosen))

    async def store() -> Nominated:
        await access.ledger.load_curves.nominate(curve, found, prices, bounds, access.now())
        nomination = await _standing(access, price_area, area, bounds)
        assert nomination is not None
        return Nominated(nomination, curve, await _is_planned(access, price_area, bounds))

    detail = {"day": str(chosen), "curve": found, **prices.model_dump()}
    return await audited(access, "nominate", area, by, detail, store)


async def withdraw_nomination(
    access: Access, area: str, day: date | None, by: Actor, tz_of: Callable[[str], str]
) -> Withdrawn:
    """Plans of a market day (tomorrow where none is given) keep to nothing any more; Refused where nothing stands."""
    price_area, bounds, chosen = await _day_of(access, area, day, tz_of)
    nomination = await _standing(access, price_area, area, bounds)
    if nomination is None:
        sentence = f"nothing is nominated of {area} for {chosen}"
        raise Refused(ErrorCode.NOTHING_STANDS, sentence, scope=area, standing=[])
    standing = nomination

    async def withdraw() -> Withdrawn:
        await access.ledger.load_curves.withdraw(standing, bounds, access.now())
        return Withdrawn(standing, chosen, await _is_planned(access, price_area, bounds))

    return await audited(access, "nominate-clear", area, by, {"day": str(chosen)}, withdraw)


async def _day_of(
    access: Access, area: str, day: date | None, tz_of: Callable[[str], str]
) -> tuple[str, tuple[datetime, datetime], date]:
    """The area's price area, the market day's bounds and the day; Refused where it is over."""
    price_area = (await market_area(access, area)).price_area
    tz = tz_of(price_area)
    chosen = day or access.now().astimezone(ZoneInfo(tz)).date() + timedelta(days=1)
    bounds = bounds_of(chosen, tz)
    if bounds[1] <= access.now():
        sentence = f"{chosen} is over: what is nominated binds the plans of a day that is still to come"
        raise Refused(ErrorCode.INVALID_VALUE, sentence, field="day", value=str(chosen), problem="is over")
    return price_area, bounds, chosen


async def _curve(access: Access, area: str, day: date, version: int | None) -> tuple[int, LoadCurve]:
    """The load curve of this version, else the newest of the area and day; Refused where there is none of them."""
    curves = access.ledger.load_curves
    if version is None:
        newest = await curves.newest_by_day(area, day, day)
        if not newest:
            raise Refused(
                ErrorCode.NO_LOAD_CURVE, f"there is no load curve of {area} for {day}", area=area, day=str(day)
            )  # fmt: skip
        return newest[0]
    curve = await curves.curve(version)
    if curve is None:
        raise Refused(ErrorCode.NO_LOAD_CURVE, f"there is no load curve {version}", area=area, day=str(day))
    if (curve.area, curve.day) != (area, day):
        sentence = f"load curve {version} is of {curve.area} for {curve.day}, not of {area} for {day}"
        raise Refused(ErrorCode.NO_LOAD_CURVE, sentence, area=area, day=str(day))
    return version, curve


def _judge(version: int, curve: LoadCurve, bounds: tuple[datetime, datetime]) -> None:
    """Refused where the curve cannot have been nominated for the day."""
    slots = (bounds[1] - bounds[0]) // SLOT
    if curve.slots[0].start != bounds[0] or len(curve.slots) != slots:
        raise Refused(
            ErrorCode.INVALID_REQUEST,
            f"load curve {version} covers {len(curve.slots)} of the {slots} quarter-hours of {curve.day}: only a whole "
            "day can be nominated",
        )
    closes = gate_closure(curve.day)
    if curve.made_at > closes:
        made, closed = (f"{moment.astimezone(GATE_TZ):%F %H:%M}" for moment in (curve.made_at, closes))
        raise Refused(
            ErrorCode.INVALID_REQUEST,
            f"load curve {version} was made at {made}, after gate closure for {curve.day} at {closed}: it cannot have "
            "been nominated, so name one that was made before, or a later day",
        )


def gate_closure(day: date) -> datetime:
    """When the day-ahead auction of a market day closes."""
    return datetime.combine(day - timedelta(days=1), GATE_CLOSURE, GATE_TZ)


async def _standing(access: Access, price_area: str, area: str, bounds: tuple[datetime, datetime]) -> Nomination | None:
    stand = await access.ledger.load_curves.nominations(price_area, bounds[0])
    return next((one for one in stand if one.area == area), None)


async def _is_planned(access: Access, price_area: str, bounds: tuple[datetime, datetime]) -> bool:
    plans = await access.ledger.plans.newest_outlines(bounds[0])
    return any((plan.price_area, plan.end) == (price_area, bounds[1]) for plan, _ in plans)
