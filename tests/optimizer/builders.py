"""Builders for planning requests: pumps as enrolled, price shapes, winter weather."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from domain.homes.comfort import ComfortBand
from domain.homes.enrolment import BuildingClass, Enrolment, PumpProfile
from domain.homes.site import Emitter
from domain.modes import Mode
from domain.oem.lever import LeverSpec
from domain.planning.fleet_plan import PlanningRequest, PumpForPlanning
from domain.planning.load_curve import DeviationPrices, NominatedPower
from domain.planning.series import HomePrices, WeatherSeries
from oem_adapters.nibe.manifest import HEATING_OFFSET, ROOM_SETPOINT
from optimizer.house import LOSS_W_PER_M2_K
from tests.builders import a_lever

FIRST_SLOT = datetime(2026, 1, 14, 23, tzinfo=UTC)
Array = npt.NDArray[np.float64]


def a_pump(
    number: int = 0,
    *,
    building_class: BuildingClass = BuildingClass.RENOVATED,
    area_m2: float = 140.0,
    emitter: Emitter = Emitter.RADIATOR,
    spec: LeverSpec = HEATING_OFFSET,
    rated_heat_kw: float | None = None,
    room_c: float | None = 21.3,
    sensor: bool = True,
    band: ComfortBand | None = None,
    mode: Mode = Mode.LOW,
    held_slots: int = 96,
) -> PumpForPlanning:
    """One pump, sized for its house unless told otherwise."""
    heat_kw = rated_heat_kw or round(LOSS_W_PER_M2_K[building_class] * area_m2 * 32 * 1.15 / 1000, 1)
    enrolment = Enrolment(
        pump_id=f"pump-{number:04d}",
        oem="nibe",
        account_id="account-1",
        vendor_ref=f"unit-{number}",
        price_area="DE-LU",
        grid_area="feeder-1",
        weather_cell="52.5,13.4",
        building_class=building_class,
        heated_area_m2=area_m2,
        emitter=emitter,
        rated_heat_kw=heat_kw,
        band=band or ComfortBand(),
    )
    profile = PumpProfile(enrolment=enrolment, model="S1155", heating=a_lever(spec), has_room_sensor=sensor)
    return PumpForPlanning(profile=profile, room_c=room_c if sensor else None, mode=mode, held_slots=held_slots)


def a_fleet(count: int, seed: int = 1) -> tuple[PumpForPlanning, ...]:
    """Unlike houses, all with a room sensor."""
    draw = np.random.default_rng(seed)
    return tuple(
        a_pump(
            number,
            building_class=list(BuildingClass)[number % 4],
            area_m2=float(draw.uniform(90, 220)),
            emitter=Emitter.FLOOR if draw.random() < 0.4 else Emitter.RADIATOR,
            spec=ROOM_SETPOINT if draw.random() < 0.3 else HEATING_OFFSET,
            room_c=float(draw.uniform(20.8, 21.8)),
        )
        for number in range(count)
    )


def two_peaks(slots: int = 96, *, mean: float = 100.0, spread: float = 120.0, seed: int = 0) -> Array:
    """A winter day's prices: a morning and a higher evening peak, cheap night and noon, a saw-tooth by the hour."""
    hour = np.arange(slots) / 4 % 24
    shape = np.exp(-(((hour - 8) / 1.8) ** 2)) + 1.15 * np.exp(-(((hour - 18.5) / 2.2) ** 2))
    shape -= 0.45 * np.exp(-(((hour - 3) / 2.5) ** 2)) + 0.35 * np.exp(-(((hour - 13) / 2.0) ** 2))
    shape += 0.05 * np.where(np.arange(slots) % 4 < 2, 1, -1)
    shape += np.random.default_rng(seed).normal(0, 0.03, slots)
    shape -= shape.mean()
    return np.asarray(shape / (shape.max() - shape.min()) * spread + mean)


def a_request(
    pumps: Sequence[PumpForPlanning],
    prices: Sequence[float] | Array | None = None,
    *,
    outdoor_c: float = 0.0,
    swing_k: float = 3.0,
    sun_w_per_m2: float = 120.0,
    cap_kw: float | None = None,
    budget_s: float = 60.0,
) -> PlanningRequest:
    """A request over as many slots as there are prices, with a winter day's weather."""
    price = two_peaks() if prices is None else np.asarray(prices, dtype=float)
    hour = np.arange(len(price)) / 4 % 24
    outdoor = outdoor_c + swing_k * np.sin((hour - 9) / 24 * 2 * np.pi)
    sun = sun_w_per_m2 * np.clip(np.sin((hour - 8) / 8 * np.pi), 0, None) * ((hour > 8) & (hour < 16))
    return PlanningRequest(
        first_slot=FIRST_SLOT,
        slots=len(price),
        prices=HomePrices(
            tariff="spot",
            source="made up",
            start=FIRST_SLOT,
            price_eur_per_mwh=tuple(price.tolist()),
        ),
        weather=WeatherSeries(
            cell="52.5,13.4",
            source="made up",
            start=FIRST_SLOT,
            outdoor_c=tuple(outdoor.tolist()),
            radiation_w_per_m2=tuple(sun.tolist()),
        ),
        pumps=tuple(pumps),
        cap_kw=cap_kw,
        budget_s=budget_s,
    )


def nominated(
    request: PlanningRequest, power_kw: Sequence[float] | Array, up: float, down: float | None = None
) -> PlanningRequest:
    """The same request with a nomination, deviations at these prices in EUR/MWh (`down` is `up` unless given)."""
    prices = DeviationPrices(up_eur_per_mwh=up, down_eur_per_mwh=up if down is None else down)
    named = NominatedPower(power_kw=tuple(float(kw) for kw in power_kw), prices=prices)
    return request.model_copy(update={"nominated": named})
