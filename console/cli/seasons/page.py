"""A backtest as one HTML page that prints."""

from collections.abc import Sequence
from datetime import date, timedelta
from html import escape

from backtest.course import daily_gains_eur, shown_days
from backtest.run import Season
from backtest.season import TZ
from console.cli.reports import charts
from console.cli.reports.fleet_pictures import fleet_pictures, pump_pictures
from console.cli.reports.parts import table, tiles, whole_page
from console.cli.seasons.words import HEADS, METHOD, NAMES, controller_rows, headline, sentences
from domain.savings.fleet_course import FleetCourse


def page_of(season: Season) -> str:
    """The whole page."""
    days = [_day(name, day, course) for name, (day, course) in shown_days(season).items()]
    first, last = season.order.first, season.order.first + timedelta(days=season.order.days - 1)
    return whole_page(f"heatsteer backtest, {first} to {last}", [_whole(season, first, last), *days])


def _whole(season: Season, first: date, last: date) -> str:
    found, order = season.figures, season.order
    gain, over = found["gain_eur"], found["gain_over_threshold_eur"]
    share, kept = found["gain_pct"], found["share_of_perfect_pct"]
    by_day = daily_gains_eur(season).tolist()
    places = ", ".join(local.place for local in order.places)
    return "".join(
        [
            f"<section><h1>{first:%d %b %Y} to {last:%d %b %Y}</h1>",
            f'<p class="lead">What heatsteer’s plan would have been worth in {found["houses"]} simulated homes</p>',
            tiles(
                ("Worth a home over own control", _with_interval(gain)),
                ("Of what own control costs", "–" if share is None else f"{share:.1f} %"),
                ("Over a price threshold", _with_interval(over)),
                ("Kept of perfect forecasts", "–" if kept is None else f"{kept:.1f} %"),
            ),
            f"<p>{escape(headline(found))} {escape(' '.join(sentences(found)))}</p>",
            charts.intervals(
                [
                    (NAMES[name], one["mean"], one["low"], one["high"])
                    for name, one in found["gain_eur_by_controller"].items()
                    if name != "curve"
                ],
                "EUR over own control at the same mean room, with 95 % interval",
                "What each controller was worth a home",
            ),
            _by_day(by_day, first),
            table(HEADS, controller_rows(found)),
            f'<p class="note">{escape(METHOD)}</p>',
            f'<p class="note">Prices: {escape(order.prices)}. Weather: {escape(order.weather)}; places: '
            f"{escape(places)}. Seed {order.seed}.</p></section>",
        ]
    )


def _by_day(gains_eur: Sequence[float], first: date) -> str:
    if len(gains_eur) < 2:
        return ""
    axis = charts.axis_over(gains_eur, 110, from_zero=True)
    every = max(1, len(gains_eur) // 10)
    labels = [
        ((n + 0.5) / len(gains_eur), f"{first + timedelta(days=n):%d %b}")
        for n in range(0, len(gains_eur), every)
    ]  # fmt: skip
    marks = charts.bars(axis, gains_eur, ["paid"] * len(gains_eur))
    return charts.picture(
        "Own control’s cost less the plan’s, by day", "EUR, all homes; rooms not set equal", axis, marks, labels
    )


def _day(name: str, day: date, course: FleetCourse) -> str:
    return (
        f"<section><h1>{escape(name)}: {day:%a %d %b %Y}</h1>"
        f'<p class="lead">All homes, local time</p>{fleet_pictures(course, TZ)}'
        f"<h2>One home: the one that was moved most</h2>{pump_pictures(course, TZ)}</section>"
    )


def _with_interval(interval: dict[str, float]) -> str:
    return f"{interval['mean']:.2f} EUR <small>{interval['low']:.2f} to {interval['high']:.2f}</small>"
