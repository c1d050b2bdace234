"""Tariffs as files: the examples that come with the project, and what cannot be read."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from domain.planning.tariff import PartKind, price_parts
from market.areas import AREAS
from market.tariff_files import OWN_FOLDER, BadTariff, tariffs_in

OWN = sorted(file.stem for file in OWN_FOLDER.glob("*.toml"))
WINTER = datetime(2026, 1, 15, tzinfo=UTC)


@pytest.mark.parametrize("name", OWN)
def test_every_example_covers_the_year_names_its_sources_and_is_of_a_known_price_area(name: str) -> None:
    tariff = tariffs_in()(name)
    assert tariff.price_areas
    assert set(tariff.price_areas) <= set(AREAS)
    for day in range(0, 350, 7):
        parts = price_parts(tariff, WINTER + timedelta(days=day, hours=9), 80.0)
        kinds = [part.kind for part in parts]
        assert {PartKind.SPOT, PartKind.TAX, PartKind.VAT} <= set(kinds), day
        assert all(part.source for part in parts)
        names = [part.name for part in parts]
        assert len(names) == len(set(names)), f"two dates of one part hold at once: {names}"


def test_there_is_an_example_of_each_country() -> None:
    assert {name[:2] for name in OWN} == {"de", "dk", "nl", "no", "se"}


def test_the_german_example_of_module_3_has_the_three_fees_of_its_price_sheet() -> None:
    tariff = tariffs_in()("de-module-3")
    fees = {
        hour: next(part.eur_per_mwh for part in price_parts(tariff, at, 80.0) if part.kind is PartKind.GRID)
        for hour, at in ((hour, WINTER + timedelta(hours=hour - 1)) for hour in (2, 12, 18))
    }
    assert fees == pytest.approx({2: 34.5, 12: 86.2, 18: 108.4})
    summer = datetime(2026, 7, 15, 16, tzinfo=UTC)
    assert [p.eur_per_mwh for p in price_parts(tariff, summer, 80.0) if p.kind is PartKind.GRID] == pytest.approx(
        [86.2]
    )


def test_the_examples_of_power_charges_have_the_amounts_of_their_price_sheets() -> None:
    january, july = datetime(2026, 1, 15, tzinfo=UTC).date(), datetime(2026, 7, 15, tzinfo=UTC).date()
    found = {name: tariffs_in()(name) for name in ("se-goteborg-power", "se-sollentuna-power", "no-elvia")}
    gothenburg = found["se-goteborg-power"].power_charge(january)
    assert gothenburg is not None
    assert gothenburg.amount(4.0) == pytest.approx(145.0)
    seasons = [found["se-sollentuna-power"].power_charge(day) for day in (january, july)]
    assert [season and season.amount(5.7) for season in seasons] == pytest.approx([635.55, 317.775])
    steps = [found["no-elvia"].power_charge(day) for day in (january, july)]
    assert [step and step.amount(5.0) for step in steps] == pytest.approx([300.0, 420.0])


def test_an_unknown_tariff_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="tariff 'flat' is not known; known are spot"):
        tariffs_in(tmp_path)("flat")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("title = ", "is not TOML"),
        ('title = "t"', "tariff|parts"),
        ('title = "t"\n[[part]]\nkind = "spot"\nname = "n"\nsource = "s"', "begins"),
        ('title = "t"\nprice = 3\n[[part]]\nkind = "spot"\nname = "n"\nsource = "s"\nbegins = 2026-01-01', "price"),
        (
            'title = "t"\n[[part]]\nkind = "grid"\nname = "n"\nsource = "s"\nbegins = 2026-01-01\nvat_pct = nan',
            "vat_pct",
        ),
    ],
)
def test_a_file_that_is_no_tariff_is_refused_with_the_place(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "broken.toml").write_text(text)
    with pytest.raises(BadTariff, match=problem):
        tariffs_in(tmp_path)


def test_what_is_charged_on_working_days_is_not_charged_on_public_holidays() -> None:
    elvia = tariffs_in()("no-elvia")
    wednesday, ascension = datetime(2026, 5, 13, 10, tzinfo=UTC), datetime(2026, 5, 14, 10, tzinfo=UTC)
    steps = [
        next(part.eur_per_mwh for part in price_parts(elvia, at, 80.0) if part.kind is PartKind.GRID)
        for at in (wednesday, ascension)
    ]
    assert steps == pytest.approx([209.9 / 11.5, 129.9 / 11.5])


def test_swedish_peaks_of_working_days_leave_out_holidays_and_their_eves() -> None:
    day, tz = date(2026, 12, 1), ZoneInfo("Europe/Stockholm")
    charge = tariffs_in()("se-sollentuna-power").power_charge(day)
    assert charge is not None
    noons = {n: datetime(2026, 12, n, 11, tzinfo=UTC) for n in (23, 24, 25, 30, 31)}
    assert [n for n, noon in noons.items() if charge.interval_of(noon, tz)] == [23, 30]
    assert charge.days_of(day) == 20, "of 23 days from Monday to Friday, three are Christmas and the eves"


@pytest.mark.parametrize("line", ['holidays_of = "XX"', 'holidays_of = "NO"\nholiday_kinds = ["school"]'])
def test_holidays_that_are_not_known_are_refused(tmp_path: Path, line: str) -> None:
    text = (OWN_FOLDER / "no-elvia.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(text.replace('holidays_of = "NO"', line, 1), encoding="utf-8")
    with pytest.raises(BadTariff, match=r"mine\.toml: holidays_of"):
        tariffs_in(tmp_path)
