"""What `heatsteer nominate` says, refuses, and lets be read of a plan that it binds."""

from dataclasses import replace
from datetime import timedelta

import pytest

from application.errors import ErrorCode, Refused
from application.planning.nominations import Nominated, Withdrawn
from application.planning.plans import PlannedDeviation
from console.cli.commands.planning.nominate import _document, _print, _print_withdrawn
from console.cli.commands.planning.plans import _nominated
from console.cli.errors import sentence_of
from console.cli.main import _main
from domain.planning.load_curve import DeviationPrices, NominatedPower, Nomination
from tests.console.test_plan_panels import an_area_view
from tests.domain.planning.test_load_curve import START, a_curve, a_scenario

SIGNED = ["--who", "trading", "--why", "as sent to the exchange"]


def a_nomination(up: float = 60.0, down: float = 40.0) -> Nomination:
    prices = DeviationPrices(up_eur_per_mwh=up, down_eur_per_mwh=down)
    return Nomination(
        number=3,
        area="feeder-1",
        price_area="DE-LU",
        first_slot=START,
        power=NominatedPower(power_kw=(4.0, 6.0), prices=prices, curve=12),
        revision=8,
        given_at=START,
    )


def said_of(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--price-up", "-1"], "--price-up"),
        (["--price-down", "cheap"], "--price-down"),
        (["--version", "0"], "--version"),
        (["--date", "tomorrow"], "--date"),
        (["--clear", "--version", "3"], "--clear withdraws whatever stands for the day: leave --version out"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_stack_is_asked(
    given: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(["nominate", "DE-LU", *given, *SIGNED]) == 2
    assert says in capsys.readouterr().err


def test_a_nomination_without_a_signature_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert _main(["nominate", "DE-LU"]) == 2
    assert "--who" in capsys.readouterr().err


def test_prices_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEATSTEER_DEVIATION_PRICE_UP", "-5")
    assert _main(["nominate", "DE-LU", *SIGNED]) == 2
    assert "HEATSTEER_DEVIATION_PRICE_UP" in capsys.readouterr().err


def test_it_says_what_was_nominated_at_which_prices_and_that_an_earlier_plan_does_not_know(
    capsys: pytest.CaptureFixture[str],
) -> None:
    curve = a_curve(a_scenario("base", 4.0, 6.0))
    _print(Nominated(a_nomination(), curve, planned_before=False))
    said = said_of(capsys)
    assert "nomination 3: load curve 12 of feeder-1, 2026-01-15, 2 kWh, heating only" in said
    assert "a MWh beyond it costs 60 EUR more than the day's price, one missing of it loses 40 EUR" in said
    assert "plan run" not in said
    _print(Nominated(a_nomination(0.0, 0.0), curve, planned_before=True))
    said = said_of(capsys)
    assert "at no price it binds no plan" in said
    assert "was made before does not know of it: `heatsteer plan run --area DE-LU --date 2026-01-15`" in said
    _print_withdrawn(Withdrawn(a_nomination(), curve.day, planned_before=True))
    said = said_of(capsys)
    assert "nomination 3 of feeder-1 is withdrawn" in said
    assert "still keeps to it" in said
    document = _document(Withdrawn(a_nomination(), curve.day, planned_before=False))
    assert (document["withdrawn"], document["area"], document["power"]["curve"]) == (True, "feeder-1", 12)


def test_what_is_refused_names_the_way_out() -> None:
    missing = Refused(ErrorCode.NO_LOAD_CURVE, "there is no load curve of x for D", area="x", day="D")
    assert sentence_of(missing) == "there is no load curve of x for D: `heatsteer load-curve x --date D` makes one"
    twice = Refused(ErrorCode.ALREADY_NOMINATED, "DE-LU has one", area="DE-LU", day="D")
    assert sentence_of(twice) == "DE-LU has one: `heatsteer nominate DE-LU --date D --clear` withdraws it"


def test_a_plan_names_its_deviation_and_what_it_costs_and_what_was_nominated_since() -> None:
    view = an_area_view(None)
    assert _nominated(view) == []
    off = PlannedDeviation([12], 100.0, 3.2, 1.25, 0.242, 4.1)
    (line,) = _nominated(replace(view, deviation=off))
    assert line == (
        "nominated: load curve 12, 100 kWh; planned 3.2 kWh above it and 1.2 kWh below, which costs 0.24 EUR "
        "(under own control 4.10 EUR)"
    )
    since = a_nomination().model_copy(update={"given_at": START + timedelta(hours=1)})
    (line,) = _nominated(replace(view, nominated_since=[since]))
    assert line.startswith("load curve 12 of feeder-1 was nominated ")
    assert line.endswith(": this plan does not know of it")
