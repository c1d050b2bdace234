"""The operations that a device document says its unit supports.

Protects: the names are those of real answers; clients look for them.
"""

_ALWAYS = (
    *("settings", "reboot", "forcesync", "forceUpdate", "resetAlarm", "triggerEvent", "sendHaystack"),
    *("setSmartMode", "setAidMode"),
)
_WITH_ZONES = (
    *("getMenu", "getMenuChain", "getGuideQuestion", "getZones", "processIntent"),
    *("getScheduleConfig", "getScheduleModes", "getScheduleWeekly", "getScheduleVacation"),
    *("setScheduleModes", "setScheduleWeekly", "setScheduleOverride", "setScheduleVacation"),
)
_NEVER = ("requestUpdate", "boostHotWater", "boostVentilation", "setVentilationMode")


def available_features(*, has_zones: bool) -> dict[str, bool]:
    """By name of the operation; only the newer controllers know zones, menus and schedules."""
    by_zones = dict.fromkeys(_WITH_ZONES, has_zones)
    return dict.fromkeys(_ALWAYS, True) | by_zones | dict.fromkeys(_NEVER, False)
