"""The command line: finds the command, and turns each error into one clear message."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module, metadata, util
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from geo.errors import (
    ConflictError,
    DatabaseError,
    GridbeatError,
    InputError,
    MissingDependencyError,
    NotFoundError,
)

# Name of the command, the module with its Typer `app`, and its line in `gridbeat --help`. A module
# is imported when its command is asked for: `gridbeat db status` does not wait for the analytics.
COMMANDS = {
    "db": ("web.commands.db", "Start, upgrade, back up and stop the database."),
    "import": ("web.commands.imports", "Take in files: incidents, boundaries, grids, cameras."),
    "grids": ("web.commands.grids", "Check, divide, split and merge responsibility grids."),
    "hotspots": ("web.commands.hotspots", "Find where incidents pile up, and where they rise."),
    "gi": ("web.commands.gi", "Test cells, grids or streets by Getis-Ord, every choice in hand."),
    "density": ("web.commands.density", "Smooth incidents into a surface."),
    "trends": (
        "web.commands.trends",
        "Test areas for trends: Mann-Kendall, seasonal, Sen's slope.",
    ),
    "emerging": (
        "web.commands.emerging",
        "Class cells as new, growing, lasting, past, and say why.",
    ),
    "changes": ("web.commands.changes", "List what changed this week, by class and grid."),
    "scan": ("web.commands.scan", "Find outbreaks by a scan of space and time."),
    "clusters": ("web.commands.clusters", "Find dense knots of incidents."),
    "streets": ("web.commands.streets", "Find hot streets, and density along the network."),
    "near-repeat": ("web.commands.near_repeat", "Test how soon and how near the next follows."),
    "rates": ("web.commands.rates", "Compare rates per household against chance."),
    "association": ("web.commands.association", "Find areas alike or unlike their neighbours."),
    "profile": ("web.commands.profile", "Show at which hours of the week it happens."),
    "effect": ("web.commands.effect", "Compare before and after a measure."),
    "backtest": ("web.commands.backtest", "Say how well each method forecasts, and choose one."),
    "bias": ("web.commands.bias", "Compare communities by reports and by patrols' finds."),
    "export": ("web.commands.export", "Write what may leave the house: counts, masked points."),
    "plan": ("web.commands.plan", "Give patrol hours to grids, with a reason for each."),
    "prescriptions": (
        "web.commands.prescriptions",
        "What is done about each class, and whether it works.",
    ),
    "drones": ("web.commands.drones", "Plan drone missions, hold them to the airspace rules."),
    "cameras": ("web.commands.cameras", "What cameras see, cover and miss; what to watch and add."),
    "routes": ("web.commands.routes", "Route the units on duty through the plan's grids."),
    "coverage": ("web.commands.coverage", "Map who saw what and when; list what nobody saw."),
    "tracks": ("web.commands.tracks", "Take in tracks of duty: effort, stays, conformance."),
    "map": ("web.commands.map", "Write the map of hotspots, trends, grids and plan."),
    "results": ("web.commands.results", "Show stored results, and compute one again."),
    "cases": ("web.commands.cases", "List cases, show one, move one, send late ones up."),
    "reports": ("web.commands.reports", "Reports that wait, and files of other departments."),
    "routing": ("web.commands.routing", "Say which department answers for which class."),
    "indicators": ("web.commands.indicators", "Shares of what was due, with definitions."),
    "brief": ("web.commands.brief", "Write the monthly brief of a grid."),
    "posts": ("web.commands.posts", "Who holds which post, who is on duty, what is vacant."),
    "classifier": ("web.commands.classifier", "Train and try what suggests a report's class."),
    "links": ("web.commands.links", "Other platforms that cases go out to."),
    "contacts": ("web.commands.contacts", "Contacts of reporters: sealed, opened, purged."),
    "field": ("web.commands.field", "What tablets sent, deleted in time."),
    "calendar": ("web.commands.calendar", "Working days, open hours and deadlines."),
    "serve": ("web.commands.serve", "Serve the API and the pages, on this machine by default."),
    "worker": ("web.commands.worker", "Do the long work that people ask for."),
    "users": ("web.commands.users", "Accounts, roles, areas and tokens."),
    "audit": ("web.commands.audit", "Check the log of who did what."),
    "demo": ("web.commands.demo", "Make a simulated district and go the whole way with it."),
}
# How the help groups them; what is not named here stands first.
SECTIONS = {
    "What is happening": (
        "hotspots", "gi", "density", "trends", "emerging", "changes", "scan", "clusters",
        "streets", "near-repeat", "rates", "association", "profile", "effect", "bias",
    ),
}  # fmt: skip
EXIT_CODES: tuple[tuple[type[Exception], int], ...] = (
    (InputError, 2),
    (DatabaseError, 3),
    (MissingDependencyError, 4),
    (NotFoundError, 5),
    (ConflictError, 6),
    (GridbeatError, 1),
    (OSError, 1),
)
# Errors of the database libraries. Only commands that use the database load these, and what is not
# loaded has raised nothing: importing them for `gridbeat --help` would double its time.
DATABASE_ERRORS = (("sqlalchemy.exc", "SQLAlchemyError"), ("psycopg", "Error"))
DATABASE_CODE = 3
FAULT = 70


class Commands(TyperGroup):
    """The group of all commands: imports each when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands that are installed."""
        return [name for name, (module, _) in COMMANDS.items() if util.find_spec(module)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import the command `cmd_name` and return it, or None."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command = typer.main.get_command(import_module(COMMANDS[cmd_name][0]).app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands into the help, without importing them."""
        installed = self.list_commands(ctx)
        named = {name for names in SECTIONS.values() for name in names}
        groups = {"Commands": [name for name in installed if name not in named]}
        groups |= {title: [n for n in installed if n in names] for title, names in SECTIONS.items()}
        for title, names in groups.items():
            with formatter.section(title):
                formatter.write_dl([(name, COMMANDS[name][1]) for name in names])


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def print_version(wanted: bool) -> None:
    """Print the version of Gridbeat and end."""
    if wanted:
        typer.echo(f"gridbeat {metadata.version('gridbeat')}")
        raise typer.Exit


@app.callback()
def gridbeat(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; may stand anywhere.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Where is it getting worse, who goes there, and what does nobody watch? Gridbeat 巡格.

    Exit codes: 0 done, 2 the input cannot be used, 3 database, 4 something is not installed,
    5 something named does not exist, 6 it contradicts what is stored, 70 a fault in Gridbeat.
    """


def exit_code(error: Exception) -> int:
    """Return the exit code of the process for `error`."""
    if _is_of_database(error):
        return DATABASE_CODE
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), FAULT)


def _is_of_database(error: Exception) -> bool:
    loaded = [
        getattr(sys.modules[module], name)
        for module, name in DATABASE_ERRORS
        if module in sys.modules
    ]
    return isinstance(error, tuple(loaded))


def describe(error: Exception) -> str:
    """Return what the user is told: our own words, or those of the system or the database."""
    if _is_of_database(error):
        # SQLAlchemy's own text repeats the statement and the values, which may be confidential.
        inner = getattr(error, "orig", None)
        error = inner if isinstance(inner, Exception) else error
    text = str(error).strip() or type(error).__name__
    if exit_code(error) != FAULT:
        return f"Error: {text}"
    return (
        f"Error: {type(error).__name__}: {text}\n"
        "This is a fault in Gridbeat. The same command with --debug shows where."
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code.

    Parameters
    ----------
    arguments
        What follows the program's name; the process's own when None.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    rest = [argument for argument in given if argument != "--debug"]
    try:
        app(rest, prog_name="gridbeat")
    except Exception as error:
        if len(rest) < len(given):
            raise
        typer.echo(describe(error), err=True)
        raise SystemExit(exit_code(error)) from None
