"""`reauto pipelines`: pull the calls and publish a snapshot of the marts."""

from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from cli.output import JsonFile, PlainErrors, emit, table
from service.settings import Settings, load_settings
from service.supervisor.embedded import with_embedded_urls

if TYPE_CHECKING:
    from pipelines.run import RunSummary

app = typer.Typer(
    name="pipelines",
    cls=PlainErrors,
    no_args_is_help=True,
    help="The workbench's pipelines: calls in PostgreSQL to Parquet to a DuckDB snapshot.",
)


@app.callback()
def pipelines() -> None:
    """Keep `run` a command of its own while it is the only one."""


@app.command()
def run(*, json_file: JsonFile = None) -> None:
    """Pull the calls, build and check the marts, publish a snapshot.

    Reads REAUTO_DATABASE_READ_URL, else REAUTO_DATABASE_URL, else the embedded server of a running
    `reauto up`; writes under REAUTO_DATA_DIR.
    """
    # Dagster takes seconds to import; only this command pays.
    from pipelines.run import ASSETS, materialize  # noqa: PLC0415

    with Progress(
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task("pipelines", total=len(ASSETS))
        summary = materialize(
            _settings(),
            on_asset=lambda name: progress.update(task, advance=1, description=name),
        )
    emit(_data(summary), json_file, lambda: _rendered(summary))


def _settings() -> Settings:
    settings = load_settings()
    has_database = settings.database_read_url or settings.database_url
    return settings if has_database else with_embedded_urls(settings)


def _data(summary: "RunSummary") -> dict[str, Any]:
    return {
        "snapshot": {"id": summary.snapshot_id, "path": str(summary.snapshot_path)},
        "rows": summary.rows,
        "warnings": summary.warnings,
    }


def _rendered(summary: "RunSummary") -> RenderableType:
    rows = tuple((name, f"{count:,}") for name, count in summary.rows.items())
    return Group(
        table("table", "rows", rows=rows),
        Text(f"\nsnapshot {summary.snapshot_id}\n{summary.snapshot_path}"),
        *(Text(f"warning: {warning}", style="yellow") for warning in summary.warnings),
    )
