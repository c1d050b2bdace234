"""The `heatsteer` command.

Exit codes: 0 done, 1 failed, 2 wrong input or usage, 130 interrupted. Errors are one sentence on stderr; `--json`
prints one document on stdout and nothing else.
"""

import signal
import sys
from importlib.metadata import version
from typing import Annotated

import typer
from cryptography.fernet import Fernet
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError, SQLAlchemyError
from temporalio.service import RPCError

from application.errors import UseCaseError
from console.access import NoStack
from console.cli.commands import (
    areas,
    dead_letters,
    fleet,
    homes,
    oem,
    savings,
    stack,
    why,
)
from console.cli.commands.onboarding import enrol, handover, invitations, shadow
from console.cli.commands.planning import load_curve, nominate, plans, weather
from console.cli.commands.prices import checks, tariffs, versions
from console.cli.demo.command import demo
from console.cli.errors import FAILED, INTERRUPTED, WRONG_INPUT, CommandFailed, UsageError, exit_code_of, sentence_of
from console.cli.running import Interrupted
from console.cli.seasons.command import backtest
from console.cli.watching import metrics, top
from demo.errors import DemoFailed
from embedded.errors import StackError
from worker_environment import SetupError, configure_logging, leave

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
app.command("demo")(demo)
app.command("backtest")(backtest)
app.add_typer(handover.app, name="pumps")
app.add_typer(invitations.app, name="accounts")
app.add_typer(shadow.app, name="shadow")
app.add_typer(homes.app, name="homes")
app.command("why")(why.why)
app.command("report")(savings.report)
app.add_typer(savings.app, name="savings")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(oem.app, name="oem")
app.add_typer(areas.area, name="area")
app.add_typer(fleet.fleet, name="fleet")
app.add_typer(plans.app, name="plan")
app.command("load-curve")(load_curve.load_curve)
app.command("nominate")(nominate.nominate_curve)
app.add_typer(versions.app, name="prices")
app.add_typer(tariffs.app, name="tariff")
app.add_typer(weather.app, name="weather")
app.add_typer(metrics.app, name="metrics")
app.command("top")(top.top)
versions.app.command("check")(checks.check)
app.command("up")(stack.up)
app.command("enrol")(enrol.enrol)
app.command("doctor")(stack.doctor)
app.command("prepare")(stack.prepare)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"heatsteer {version('heatsteer')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Steers fleets of heat pumps against electricity prices, and proves what it did."""


@app.command("new-key")
def new_key() -> None:
    """Print a new key for HEATSTEER_SECRET_KEYS."""
    typer.echo(Fernet.generate_key().decode())


def main() -> None:
    """Entry point of the installed command."""
    code = _main(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is stopped; there is nothing left to interrupt
    leave(code)


def _main(arguments: list[str]) -> int:
    configure_logging("WARNING")
    try:
        result = app(arguments, prog_name="heatsteer", standalone_mode=False)
    except UseCaseError as error:
        return _fail(sentence_of(error), exit_code_of(error))
    except UsageError as error:
        return _fail(str(error), WRONG_INPUT)
    except (CommandFailed, DemoFailed, NoStack, StackError, SetupError) as error:
        return _fail(str(error), FAILED)
    except (ConnectionError, OperationalError, InterfaceError, ArgumentError) as error:
        return _fail(
            f"the database does not answer ({type(error).__name__}): is it running, and is DATABASE_URL right?", FAILED
        )
    except SQLAlchemyError as error:
        return _fail(f"the database refused a query ({type(error).__name__})", FAILED)
    except OSError as error:
        return _fail(f"{error.filename or 'a file'}: {error.strerror or error}", FAILED)
    except RPCError as error:
        return _fail(f"Temporal refused ({error.status.name.lower()}): {error.message[:200]}", FAILED)
    except typer.TyperException as error:
        if type(error).__name__ == NO_ARGUMENTS:
            typer.echo(str(error), err=True)
            return WRONG_INPUT
        return _fail(_usage(error), WRONG_INPUT)
    except (Interrupted, KeyboardInterrupt, typer.Abort) as error:
        sentence = str(error) if isinstance(error, Interrupted) else ""
        return _fail(sentence or "interrupted; nothing was left running", INTERRUPTED)
    except typer.Exit as error:
        return error.exit_code
    return result if isinstance(result, int) else 0


def _usage(error: typer.TyperException) -> str:
    """What is wrong with a command line, and where to read on."""
    problem = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
    return f"{' '.join(problem.split()).removesuffix('.')} (heatsteer COMMAND --help shows its options)"


def _fail(sentence: str, code: int) -> int:
    print(f"heatsteer: {sentence}", file=sys.stderr)  # noqa: T201 -- the one place where errors are printed
    return code


if __name__ == "__main__":
    main()
