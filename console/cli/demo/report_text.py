"""The report as a person reads it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from console.cli.demo.trouble_text import trouble_rows
from console.cli.terminal import terminal

DONE = ("applied", "effective")
VENDOR_HEADS = ("vendor", "pumps", "fidelity", "calls", "of grant", "seen after", "95 in 100", "ignored", "evidence")
LONGEST_DAY_HOURS = 25
"""What is longer has a plan for each of its days, of which the newest is shown."""


def print_report(report: Mapping[str, Any], tz: ZoneInfo, console: Console | None = None) -> None:
    """Print it, on stdout unless another console is given."""
    console = console or terminal()
    start = datetime.fromisoformat(report["start"]).astimezone(tz)
    console.print(
        f"\n[bold]{report['pumps']} pumps steered for {report['hours']:g} h from {start:%a %d %b %Y %H:%M}[/bold]"
        f"  (seed {report['seed']}, {report['speed']:g} times wall time)\n"
    )
    table = Table.grid(padding=(0, 2))
    for name, sentence in report_rows(report):
        table.add_row(f"[dim]{name}[/dim]", sentence)
    console.print(table)
    console.print(_vendors(report["vendors"]))


def _vendors(vendors: Mapping[str, Mapping[str, Any]]) -> Table:
    """What each vendor's cloud was asked, and how its pumps obeyed."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for n, name in enumerate(VENDOR_HEADS):
        table.add_column(name, justify="right" if n else "left")
    for row in vendor_rows(vendors):
        table.add_row(*row)
    return table


def vendor_rows(vendors: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Each vendor under `VENDOR_HEADS`."""
    return [
        (
            oem,
            str(told["pumps"]),
            _share(told["fidelity_pct"]),
            str(told["calls"]),
            _share(told["quota_pct"]),
            *("" if told[name] is None else span_text(told[name]) for name in ("verify_s_p50", "verify_s_p95")),
            str(told["ignored"]),
            _share(told["evidence_pct"]),
        )
        for oem, told in vendors.items()
    ]


def _share(percent: float | None) -> str:
    return "" if percent is None else f"{percent:.1f} %"


def report_rows(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The report line by line: what, and a sentence with rich's marks."""
    comfort, energy = report["comfort"], report["energy"]
    rows = [("fidelity", _fidelity(report)), *_given_rows(report), *_command_rows(report)]
    rows += trouble_rows(report)
    rows += [
        ("modes", ", ".join(report["modes_used"]) or "none but neutral"),
        (
            "comfort",
            f"{comfort['kelvin_hours']:.2f} kelvin-hours outside the bands "
            f"(own control {comfort['baseline_kelvin_hours']:.2f}); "
            f"mean room {comfort['mean_room_c']:.2f} C (own control {comfort['baseline_mean_room_c']:.2f} C)",
        ),
        *_hot_water_rows(report),
        *_energy_rows(energy, comfort),
        ("power", _power(report["power"])),
        ("Temporal", f"{report['temporal']['actions']} actions, {report['temporal']['events']} events"),
    ]
    return rows


def _fidelity(report: Mapping[str, Any]) -> str:
    said = f"[bold]{report['fidelity_pct']:.1f} %[/bold] of pump-slots ended with the lever on its target"
    water = report.get("hot_water_fidelity_pct")
    return said if water is None else f"{said}; hot water {water:.1f} %"


def _given_rows(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the run was given: prices, weather, and the plan that was made of them."""
    rows = []
    if prices := report["prices"]:
        rows.append(
            (
                "prices",
                f"{prices['source']}: {prices['min']:g} to {prices['max']:g}, mean {prices['mean']:.1f} EUR/MWh "
                f"({prices['slots']} slots, {prices['basis']}, every {prices['resolution_min']} min)",
            )
        )
    if weather := report["weather"]:
        rows.append(("weather", f"{weather['source']}: {weather['min_c']:.1f} to {weather['max_c']:.1f} C"))
    plan = report["plan"]
    if plan is None:
        return [*rows, ("plan", "none: every pump stayed on its own control")]
    cap = (
        "no limit"
        if plan["cap_kw"] is None
        else f"{plan['cap_kw']:.1f} kW, up to {plan['reserved_kw']:.1f} kW kept back for tanks and doubt; "
        f"what is left is reached in {plan['cap_binding_slots']} slots"
    )
    which = "newest revision" if report["hours"] > LONGEST_DAY_HOURS else "revision"
    said = (
        f"{which} {plan['revision']}: {plan['cost_eur']:.2f} EUR, no plan under {plan['lower_bound_eur']:.2f} EUR "
        f"(gap {plan['gap_pct']:.2f} %, {plan['gap_of_gain_pct']:.1f} % of the gain); "
        f"planned under a limit of {cap}; solved in {plan['seconds']:.1f} s"
    )
    return [*rows, ("plan", said)]


def _command_rows(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    commands, writes = report["commands"], report["writes"]
    done = sum(commands[name] for name in DONE)
    evident = f" ({commands['effective']} with physical evidence)" if commands["effective"] else ""
    others = ", ".join(
        f"{commands[n]} {n.replace('_', '-')}" for n in commands if n not in ("planned", *DONE) and commands[n]
    )
    took = report["latency"]["applied_s"]
    timed = (
        ""
        if took["p50"] is None
        else f"; seen {span_text(took['p50'])} after the decision (99 in 100 {span_text(took['p99'])})"
    )
    wrong = [f"{writes[name]} {name}" for name in ("late", "conflicting") if writes[name]]
    if report["dwell_violations"]:
        wrong.append(f"{report['dwell_violations']} inside the dwell")
    return [
        (
            "commands",
            f"{commands['planned']}: {done} seen to be obeyed{evident}" + (f"; {others}" if others else "") + timed,
        ),
        (
            "writes",
            f"{writes['sent']} sent, {writes['repeated']} of them again; accepted and then ignored: "
            f"{writes['ignored_true']} in truth, {writes['ignored_found']} found by us"
            + (f"; [bold red]{', '.join(wrong)}[/bold red]" if wrong else ""),
        ),
    ]


def _hot_water_rows(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    water = report.get("hot_water")
    if water is None or water["min_c"] is None:
        return []
    used = [mode for mode in water["modes_used"] if mode != "NORMAL"]
    said = (
        f"{water['pumps']} tanks, the coolest {water['min_c']:.1f} C (own control {water['baseline_min_c']:.1f} C); "
        f"{water['kwh']:.1f} kWh (own control {water['baseline_kwh']:.1f} kWh)"
    )
    return [("hot water", f"{said}; {', '.join(used)} used" if used else said)]


def _power(power: dict[str, Any]) -> str:
    """A line for people."""
    said = f"at most {power['peak_kw']:.1f} kW (own control {power['baseline_peak_kw']:.1f} kW)"
    if power["cap_kw"] is None:
        return said
    return (
        f"{said}; over the planned limit of {power['cap_kw']:.1f} kW in {power['over_cap_slots']} slots by "
        f"{power['over_cap_kwh']:.1f} kWh (own control {power['baseline_over_cap_slots']} by "
        f"{power['baseline_over_cap_kwh']:.1f} kWh)"
    )


def span_text(seconds: float) -> str:
    """Seconds, or minutes where that reads better."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _energy_rows(energy: Mapping[str, Any], comfort: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Shifting is what the price paid per MWh shows; everything else is more or less heat, said as such."""
    if energy["cost_eur"] is None:
        kwh, own = energy["kwh"], energy["baseline_kwh"]
        return [
            ("energy", f"{kwh:.1f} kWh (own control {own:.1f} kWh); without prices there is nothing to say of money")
        ]
    rows = [
        (
            "energy",
            f"{energy['kwh']:.1f} kWh for {energy['cost_eur']:.2f} EUR (own control {energy['baseline_kwh']:.1f} kWh "
            f"for {energy['baseline_cost_eur']:.2f} EUR); "
            f"{energy['stored_heat_kwh']:+.1f} kWh of heat left in the houses",
        )
    ]
    paid, base = energy["price_paid_eur_per_mwh"], energy["baseline_price_paid_eur_per_mwh"]
    if paid is None or base is None:
        return rows
    if abs(paid - base) < 0.005:
        rows.append(("shifting", "nothing is claimed: a MWh cost the same as under own control"))
    else:
        word = "less" if paid < base else "more"
        rows.append(
            (
                "shifting",
                f"a MWh cost {paid:.2f} EUR, under own control {base:.2f} EUR: {abs(base - paid):.2f} EUR {word}",
            )
        )
    difference = energy["settled_kwh"] - energy["baseline_kwh"]
    warmth = comfort["mean_room_c"] - comfort["baseline_mean_room_c"]
    word = "fewer" if difference < 0 else "more"
    rows.append(
        ("volume", f"{abs(difference):.1f} kWh {word}, stored heat settled, with rooms {warmth:+.2f} K on average")
    )
    return rows
