"""What a system counts of its electricity: the generators there are, and their use by the hour.

Protects: keys and types are those of real answers; hours of which nothing was heard yet are 0, as there.
"""

import uuid
from datetime import UTC, datetime
from typing import Any

from simulator.homes.history import SLOT_S, History

HOUR_S = 3600
ELECTRICITY = "CONSUMED_ELECTRICAL_ENERGY"
MODES = ("HEATING", "DOMESTIC_HOT_WATER")
_FIRST = "2024-12-09T17:39:11.06Z"


def pump_id(system_id: str) -> str:
    """The heat pump's own id."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{system_id}/pump").hex


def heater_id(system_id: str) -> str:
    """The electric heater's own id."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{system_id}/heater").hex


def generators_of(system_id: str, heard_at_s: float) -> dict[str, Any]:
    """The answer that names what there is."""
    pump = _device(pump_id(system_id), "HMU03", "HEATPUMP", "aroTHERM plus", heard_at_s)
    heater = _device(heater_id(system_id), "VWZ02", "ELECTRIC_AUXILIARY_HEATER", "uniTOWER", heard_at_s)
    return {
        "system_type": "HEATPUMP",
        "has_emf_capable_devices": True,
        "primary_heat_generator": pump,
        "secondary_heat_generators": [],
        "electric_backup_heater": heater,
        "solar_station": None,
        "ventilation": None,
        "gateway": None,
    }


def _device(device_id: str, bus_id: str, kind: str, name: str, heard_at_s: float) -> dict[str, Any]:
    data = [
        {"operation_mode": mode, "value_type": ELECTRICITY, "calculated": False, "from": _FIRST, "to": _z(heard_at_s)}
        for mode in MODES
    ]
    return {
        "device_uuid": device_id,
        "ebus_id": bus_id,
        "spn": 351,
        "bus_coupler_address": 0,
        "article_number": "0010021117",
        "emfValid": True,
        "device_serial_number": device_id,
        "device_type": kind,
        "first_data": _FIRST,
        "last_data": _z(heard_at_s),
        "data": data,
        "product_name": name,
    }


def buckets_of(history: History, of_heater: bool, mode: str, span: tuple[float, float], at_s: float) -> dict[str, Any]:
    """Use of one device for one purpose by the hour, as known at a moment."""
    first, last = (int(moment // HOUR_S) for moment in span)
    data = [
        {
            "startDate": _z(hour * HOUR_S, "seconds"),
            "endDate": _z((hour + 1) * HOUR_S, "seconds"),
            "value": _watt_hours(history, of_heater, mode, hour * HOUR_S, at_s),
        }
        for hour in range(first, last)
    ]
    return {
        "startDate": _z(span[0], "seconds"),
        "endDate": _z(span[1], "seconds"),
        "resolution": "HOUR",
        "operationMode": mode,
        "energyType": ELECTRICITY,
        "totalConsumption": sum(bucket["value"] for bucket in data),
        "data": data,
    }


def _watt_hours(history: History, of_heater: bool, mode: str, start_s: float, at_s: float) -> float:
    """The heater works for the rooms first, as far as they used anything."""
    kwh = 0.0
    for slot in range(int(start_s // SLOT_S), int((start_s + HOUR_S) // SLOT_S)):
        if slot * SLOT_S >= at_s:
            continue
        totals = history.get(slot)
        rooms_kwh = totals.kwh - totals.hot_water_kwh
        for_rooms_kwh = min(totals.backup_kwh, rooms_kwh)
        heater_kwh = for_rooms_kwh if mode == "HEATING" else totals.backup_kwh - for_rooms_kwh
        used_kwh = rooms_kwh if mode == "HEATING" else totals.hot_water_kwh
        kwh += heater_kwh if of_heater else used_kwh - heater_kwh
    return kwh * 1000.0


def _z(at_s: float, spec: str = "milliseconds") -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec=spec).replace("+00:00", "Z")
