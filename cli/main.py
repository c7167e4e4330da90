"""The front door: `reauto`, one module per command group."""

import logging
import sys

import typer

from cli import configs, models, pipelines, service_commands
from cli.demo.command import demo
from cli.output import PlainErrors
from service.observability.logging import configure_logging

app = typer.Typer(
    name="reauto",
    cls=PlainErrors,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="An AI voice agent for real-estate calls, and the workbench that makes them better.",
)
app.command()(demo)
app.command()(service_commands.up)
app.command()(service_commands.doctor)
app.command()(service_commands.drain)
app.command()(service_commands.settings)
app.add_typer(configs.app)
app.add_typer(models.app)
app.add_typer(pipelines.app)


def run() -> None:
    """Entry point of the console script; logs go to stderr, data alone to stdout."""
    configure_logging("text", sys.stderr, level=logging.WARNING)
    app()
