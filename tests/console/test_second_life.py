"""A pump whose workflow is started anew: it knows what the sweep had told the one before."""

from console.fleet import as_told
from domain.oem import Condition
from domain.pump import Watch
from domain.sweeping import Told, WatchRecord
from tests.builders import at


def test_what_the_sweep_had_told_is_known_to_the_next_life() -> None:
    told = Told(condition=Condition.INSTALLER, is_cold=True)
    watch = as_told(WatchRecord(pump_id="p-0001", looked_at=at(5), as_of=at(4), told=told))
    assert (watch.condition, watch.is_cold, watch.silent_since) == (Condition.INSTALLER, True, None)


def test_a_silence_that_was_told_goes_on() -> None:
    record = WatchRecord(pump_id="p-0001", looked_at=at(5), as_of=at(4), told=Told(silent=True))
    assert as_told(record).silent_since == at(4)


def test_a_pump_that_was_never_looked_at_is_known_of_nothing() -> None:
    assert as_told(None) == Watch()
