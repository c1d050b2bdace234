"""What a manifest must declare before a vendor's units can be steered."""

from datetime import timedelta

import pytest
from pydantic import SecretStr, ValidationError

from domain.modes import Circuit, HotWaterMode, Mode
from domain.oem.lever import NEVER_STUCK, LeverSpec, StuckLimits, ThermalResponse
from domain.oem.manifest import Manifest
from oem_adapters.nibe.manifest import HEATING_OFFSET, HOT_WATER_COMFORT, MANIFEST
from tests.builders import a_lever

RESPONSE = ThermalResponse(water_k_per_unit=3.5)
DELTAS = {Mode.MIN: -3.0, Mode.MID: 0.5, Mode.MAX: 1.5}
HOURS = timedelta(hours=3)


def a_spec(**given: object) -> LeverSpec:
    return LeverSpec.model_validate(
        {"name": "quick_veto", "title": "quick veto", "circuit": "heating", "deltas": DELTAS, "response": RESPONSE}
        | given
    )


def test_a_heating_lever_declares_what_it_is_to_be_stuck_with_it_or_that_it_expires() -> None:
    assert a_spec(expires_after=HOURS).stuck_limits == NEVER_STUCK
    assert a_spec(stuck=StuckLimits(drop_k=1, fall_k=2)).stuck_limits.drop_k == 1
    for neither_or_both in ({}, {"expires_after": HOURS, "stuck": StuckLimits(drop_k=1, fall_k=2)}):
        with pytest.raises(ValidationError, match="either stuck limits or its expiry"):
            a_spec(**neither_or_both)


@pytest.mark.parametrize(
    "given",
    [
        {"deltas": {Mode.MIN: -1.0, Mode.MAX: 1.0}},
        {"deltas": DELTAS | {Mode.LOW: 0.0}},
        {"deltas": DELTAS | {HotWaterMode.BOOST: 1.0}},
        {"settings": {Mode.MAX: 25.0}},
        {"circuit": "hot_water"},
    ],
)
def test_every_mode_of_its_circuit_but_neutral_is_a_delta_or_a_setting_and_not_both(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="must be a delta or a setting"):
        a_spec(expires_after=HOURS, **given)


def test_a_heating_lever_declares_what_the_planner_may_expect_of_it() -> None:
    with pytest.raises(ValidationError, match="thermal response"):
        a_spec(expires_after=HOURS, response=None)


def test_a_new_hot_water_lever_is_of_the_hot_water_whatever_its_name() -> None:
    boost = LeverSpec(
        name="one_time_charge",
        title="one-time charge",
        circuit=Circuit.HOT_WATER,
        settings={HotWaterMode.HOLD: 0.0, HotWaterMode.BOOST: 1.0},
    )
    lever = a_lever(HOT_WATER_COMFORT).model_copy(update={"spec": boost})
    assert lever.circuit is Circuit.HOT_WATER
    assert lever.level_of(1.0) is HotWaterMode.BOOST


def test_a_spec_is_the_same_after_a_stay_in_the_ledger() -> None:
    for spec in (*MANIFEST.levers, a_spec(expires_after=HOURS)):
        assert LeverSpec.model_validate(spec.model_dump(mode="json")) == spec


def test_two_levers_of_a_vendor_have_two_names() -> None:
    with pytest.raises(ValidationError, match="same name"):
        Manifest.model_validate(MANIFEST.model_dump() | {"levers": [HEATING_OFFSET, HEATING_OFFSET]})
    with pytest.raises(LookupError, match="declares no lever veto"):
        MANIFEST.lever("veto")


def test_a_vendor_at_another_address_keeps_its_paths() -> None:
    moved = MANIFEST.at("http://127.0.0.1:8000/")
    assert (moved.api_url, moved.authentication.token_url) == (
        "http://127.0.0.1:8000",
        "http://127.0.0.1:8000/oauth/token",
    )
    account = moved.account("one", "client", SecretStr("s"))
    assert (account.api_url, account.token_url, account.quotas) == (
        moved.api_url,
        moved.authentication.token_url,
        MANIFEST.quotas,
    )
