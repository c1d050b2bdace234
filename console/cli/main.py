"""The `heatsteer` command.

Exit codes: 0 done, 1 failed, 2 wrong input or usage, 130 interrupted. Errors are one sentence on stderr; `--json`
prints one document on stdout and nothing else.
"""

import json
import signal
import sys
import tempfile
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from cryptography.fernet import Fernet
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError, SQLAlchemyError
from temporalio.service import RPCError

from application.errors import Complaint, WrongInput
from console.cli import areas, dead_letters, fleet, homes, oem, people, price_checks, stack, why
from console.cli.running import Interrupted, run
from demo.order import demo_order
from demo.progress import Board
from demo.report.text import print_report
from demo.run import run_demo
from embedded.errors import StackError
from worker_environment import SetupError, configure_logging, leave

INTERRUPTED = 130
NO_ARGUMENTS = "NoArgsIsHelpError"
"""Raised with the whole help as its message; the class itself is private to typer."""

app = typer.Typer(
    name="heatsteer",
    help="Steers fleets of heat pumps against electricity prices, and proves what it did.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
app.add_typer(people.app, name="pumps")
app.add_typer(homes.app, name="homes")
app.command("why")(why.why)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(oem.app, name="oem")
app.add_typer(areas.area, name="area")
app.add_typer(fleet.fleet, name="fleet")
app.add_typer(stack.prices, name="prices")
stack.prices.command("check")(price_checks.check)
app.command("up")(stack.up)
app.command("doctor")(stack.doctor)
app.command("prepare")(stack.prepare)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"heatsteer {version('heatsteer')}")
        raise typer.Exit


@app.callback()
def _whole(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say which heatsteer this is.")
    ] = False,
) -> None:
    """Steers fleets of heat pumps against electricity prices, and proves what it did."""


@app.command("new-key")
def new_key() -> None:
    """Print a new key for HEATSTEER_SECRET_KEYS."""
    typer.echo(Fernet.generate_key().decode())


@app.command()
def demo(
    pumps: Annotated[int, typer.Option(min=1, max=2000, help="Heat pumps in the fleet.")] = 12,
    hours: Annotated[float | None, typer.Option(min=0.25, max=25, help="Default: the whole market day.")] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            min=1, max=1440, help="Steered seconds per wall second; 720, or 60 where things are killed or cut."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides houses, people, weather, faults.")] = 1,
    prices: Annotated[Path | None, typer.Option(help="Energy-Charts JSON of one market day.")] = None,
    weather: Annotated[Path | None, typer.Option(help="Open-Meteo JSON that covers the day.")] = None,
    day: Annotated[str | None, typer.Option("--date", help="Market day, YYYY-MM-DD.")] = None,
    fault: Annotated[list[str] | None, typer.Option(help="NAME=RATE, may be given several times.")] = None,
    kill_worker_every: Annotated[
        str | None, typer.Option(help="Kill a worker in turn every so much steered time: 60m, 2h.")
    ] = None,
    outage: Annotated[
        list[str] | None,
        typer.Option(help="VENDOR@TIME+DURATION (nibe@02:00+2h): cut a vendor off; may be given several times."),
    ] = None,
    out_folder: Annotated[
        str | None, typer.Option("--out", help="Folder for report.json, truth.jsonl, commands.jsonl.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the stack up after the report.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON on stdout.")] = False,
) -> None:
    """Steer a winter market day at speed: stack, simulator, planner and report, from one command."""
    if out_folder is not None and not out_folder.strip():
        raise WrongInput("--out '' names no folder")
    out = None if out_folder is None else Path(out_folder)
    order = demo_order(
        pumps=pumps,
        hours=hours,
        speed=speed,
        seed=seed,
        prices=prices,
        weather=weather,
        day=_as_date(day),
        faults=fault or [],
        out=out,
        keep=keep,
        kill_every=kill_worker_every,
        outages=outage or [],
    )
    tz = ZoneInfo(order.staging.tz)
    board = Board(tz)

    def on_kept(ui_url: str) -> None:
        typer.echo(f"The stack stays up: {ui_url}  (heatsteer pumps list; Ctrl-C ends it)", err=True)

    def on_report(report: dict[str, Any]) -> None:
        board.close()
        if as_json:
            typer.echo(json.dumps(report))
        else:
            print_report(report, tz)
            _where_next(keep)

    with tempfile.TemporaryDirectory(prefix="heatsteer-", ignore_cleanup_errors=True) as scratch:
        Path(scratch).chmod(0o711)  # the database's own user must be able to enter when we are root
        if order.folder is None:
            order = order.in_folder(Path(scratch) / "stack")
        try:
            run(run_demo(order, board, on_report, on_kept))
        finally:
            board.close()


def _where_next(keep: bool) -> None:
    if not keep:
        typer.echo(
            "Look inside: heatsteer demo --keep leaves the Temporal Web UI up; "
            "--fault silent-ignore=0.3 shows what it is for; heatsteer up runs at wall time."
        )


def _as_date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not 2000 <= day.year < 2100:
        raise typer.BadParameter(f"{text!r} is no date from 2000 to 2099: write YYYY-MM-DD", param_hint="--date")
    return day


def main() -> None:
    """Entry point of the installed command."""
    code = _main(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is stopped; one more Ctrl-C has nothing left to break into
    leave(code)


def _main(arguments: list[str]) -> int:
    configure_logging("WARNING")
    try:
        result = app(arguments, prog_name="heatsteer", standalone_mode=False)
    except Complaint as complaint:
        return _sorry(str(complaint), complaint.exit_code)
    except (StackError, SetupError) as error:
        return _sorry(str(error), 1)
    except (ConnectionError, OperationalError, InterfaceError, ArgumentError) as error:
        return _sorry(
            f"the database does not answer ({type(error).__name__}): is DATABASE_URL right and it running?", 1
        )
    except SQLAlchemyError as error:
        return _sorry(f"the database refused what was given ({type(error).__name__})", 1)
    except OSError as error:
        return _sorry(f"{error.filename or 'a file'}: {error.strerror or error}", 1)
    except RPCError as error:
        return _sorry(f"Temporal refused ({error.status.name.lower()}): {error.message[:200]}", 1)
    except typer.TyperException as error:
        if type(error).__name__ == NO_ARGUMENTS:
            typer.echo(str(error), err=True)
            return 2
        return _sorry(_usage(error), 2)
    except (Interrupted, KeyboardInterrupt, typer.Abort) as error:
        said = str(error) if isinstance(error, Interrupted) else ""
        return _sorry(said or "interrupted; nothing was left running", INTERRUPTED)
    except typer.Exit as error:
        return error.exit_code
    return result if isinstance(result, int) else 0


def _usage(error: typer.TyperException) -> str:
    """What is wrong with the words of a command, and where to read on."""
    said = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
    return f"{' '.join(said.split()).removesuffix('.')} (heatsteer COMMAND --help shows what can be said)"


def _sorry(sentence: str, code: int) -> int:
    print(f"heatsteer: {sentence}", file=sys.stderr)  # noqa: T201 -- the one place where errors are said
    return code


if __name__ == "__main__":
    main()
