"""The enrolment sheet: what is wrong is named by line and column, with the way out."""

import csv
import io
import time

import pytest

from application.fleet.sheet import COLUMNS, read_sheet, write_sheet
from console.cli.commands.onboarding.enrol import world_check
from domain.homes.panels import Panels
from market.tariff_files import tariffs_in

WORLD = world_check(tariffs_in())

GOOD = {
    "pump_id": "home-0001",
    "oem": "nibe",
    "account_id": "nibe-main",
    "vendor_ref": "sys-1/dev-1",
    "online": "yes",
    "price_area": "DE-LU",
    "grid_area": "feeder-1",
    "weather_cell": "52.5,13.4",
    "building_class": "renovated",
    "heated_area_m2": "140",
    "emitter": "radiator",
    "rated_heat_kw": "9.5",
}


def a_sheet(*changed: dict[str, str]) -> str:
    rows = [
        GOOD | {"pump_id": f"home-{n:04d}", "vendor_ref": f"sys-{n}/dev-{n}"} | change
        for n, change in enumerate(changed, 1)
    ]
    return write_sheet(rows)


def test_a_sheet_that_discovery_wrote_is_read_once_it_is_filled_in() -> None:
    sheet = read_sheet(a_sheet({}, {"own_setting": "-1", "room_min_c": "20.5", "room_max_c": "23"}), WORLD)
    assert sheet.faults == ()
    first, second = sheet.rows
    assert (first.line, first.enrolment.rated_heat_kw, first.own_setting) == (2, 9.5, None)
    assert (second.enrolment.band.room_min_c, second.own_setting) == (20.5, -1.0)


def test_a_homes_panels_are_columns_of_the_sheet() -> None:
    (row,) = read_sheet(a_sheet({"panels_kwp": "9.8", "panels_azimuth_deg": "135", "feed_in_eur_per_mwh": "80"})).rows
    assert row.enrolment.panels == Panels(kwp=9.8, azimuth_deg=135.0, feed_in_eur_per_mwh=80.0)
    (without,) = read_sheet(a_sheet({})).rows
    assert without.enrolment.panels is None


def test_a_spreadsheet_with_semicolons_and_decimal_commas_is_read_too() -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, delimiter=";", restval="")
    writer.writeheader()
    writer.writerow(GOOD | {"rated_heat_kw": "9,5"})
    sheet = read_sheet("\ufeff" + out.getvalue(), WORLD)
    assert sheet.faults == ()
    assert sheet.rows[0].enrolment.rated_heat_kw == 9.5


@pytest.mark.parametrize(
    ("change", "column", "said"),
    [
        ({"price_area": ""}, "price_area", "is empty"),
        ({"heated_area_m2": "big"}, "heated_area_m2", "'big' is no number"),
        ({"heated_area_m2": "5"}, "heated_area_m2", "greater than 20"),
        ({"building_class": "castle"}, "building_class", "old, renovated, modern, new"),
        ({"emitter": "stove"}, "emitter", "radiator, floor"),
        ({"pump_id": "Anna Example"}, "pump_id", "no name or address"),
        ({"price_area": "XX"}, "price_area", "known are"),
        ({"weather_cell": "13.4,52.5"}, "weather_cell", "lies outside price area DE-LU"),
        ({"weather_cell": "Berlin"}, "weather_cell", "latitude"),
        ({"tariff": "free"}, "tariff", "known are"),
        ({"settlement": "yearly"}, "settlement", "profile, hour, quarter"),
        ({"panels_kwp": "9.8"}, "feed_in_eur_per_mwh", "required"),
        ({"panels_kwp": "0", "feed_in_eur_per_mwh": "80"}, "panels_kwp", "greater than 0"),
        ({"room_min_c": "5"}, "room_min_c", "greater than or equal to 14"),
        ({"room_min_c": "22", "room_max_c": "22.5"}, "room_min_c", "at least 1 K wide"),
    ],
)
def test_a_bad_cell_is_named_by_line_and_column_with_the_way_out(
    change: dict[str, str], column: str, said: str
) -> None:
    sheet = read_sheet(a_sheet({}, change), WORLD)
    assert [(fault.line, fault.column) for fault in sheet.faults] == [(3, column)]
    assert said in sheet.faults[0].problem
    assert [row.line for row in sheet.rows] == [2]


def test_a_pump_or_a_unit_that_stands_twice_is_named_with_the_first_line() -> None:
    doubled = read_sheet(a_sheet({}, {"pump_id": "home-0001"}, {"vendor_ref": "sys-1/dev-1"}))
    assert [str(fault) for fault in doubled.faults] == [
        "line 3, pump_id: home-0001 stands in line 2 too: give each its own",
        "line 4, vendor_ref: this unit stands in line 2 too: leave one of them",
    ]


def test_missing_unknown_and_doubled_columns_are_all_named_and_nothing_else_is_looked_at() -> None:
    sheet = read_sheet("pump_id,oem,oem,street\nhome-1,nibe,nibe,x\n")
    named = {fault.column for fault in sheet.faults}
    assert {"account_id", "vendor_ref", "street", "oem"} <= named
    assert {fault.line for fault in sheet.faults} == {1}
    assert sheet.rows == ()


@pytest.mark.parametrize("text", ["", "\n", "not a table", 'pump_id,"oem\n', "\x00,\x00\n"])
def test_what_is_no_sheet_is_refused_without_a_crash(text: str) -> None:
    assert read_sheet(text).faults


def test_a_row_with_too_few_cells_is_a_fault_of_that_row_only() -> None:
    lines = a_sheet({}, {}, {}).splitlines()
    lines[2] = lines[2].rsplit(",", 3)[0]
    sheet = read_sheet("\n".join(lines))
    assert [fault.line for fault in sheet.faults] == [3]
    assert [row.line for row in sheet.rows] == [2, 4]


def test_thousands_of_rows_are_read_in_a_moment() -> None:
    text = a_sheet(*({} for _ in range(5000)))
    begun = time.process_time()
    assert len(read_sheet(text, WORLD).rows) == 5000
    assert time.process_time() - begun < 5
