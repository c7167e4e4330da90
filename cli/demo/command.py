"""`reauto demo`: stage, calls, warehouse, report; exit code 0 only if every call ended right."""

import signal
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from cli.demo.campaign import Campaign, Progress
from cli.demo.cast import cast
from cli.demo.live_view import LiveView
from cli.demo.render import log_hint, render_engines, render_report
from cli.demo.report import as_json, build_report
from cli.demo.stage import Stage, open_stage
from cli.output import STDOUT, JsonFile, emit

CALLS = 8
SECONDS_PER_CALL = 25
LOCAL = Path("data/local")


def demo(
    *,
    calls: Annotated[int, typer.Option(min=1, max=64, help="How many calls.")] = CALLS,
    llm: Annotated[
        str, typer.Option(help="`standin`, or `ollama` for a real server with the model.")
    ] = "standin",
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the service running until Ctrl-C.")
    ] = False,
    json_file: JsonFile = None,
) -> None:
    """Run simulated calls end to end through the real service, and report on them."""
    if llm not in ("standin", "ollama"):
        raise typer.BadParameter("must be `standin` or `ollama`", param_hint="--llm")
    # As the supervisor, this process must stop what it started when a time limit ends it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    console = Console(stderr=json_file == STDOUT)
    began_at = time.monotonic()
    with console.status("starting PostgreSQL, Redis, the phone network and the service"):
        stage_context = open_stage(llm=llm, local=LOCAL)
        stage = stage_context.__enter__()
    try:
        console.print(f"service up after {time.monotonic() - began_at:.0f} s: {stage.service_url}")
        report = _run(stage, count=calls, console=console)
        emit(as_json(report), json_file, lambda: render_report(report, json_file=json_file))
        if keep:
            _keep(stage, console)
    finally:
        with console.status("stopping the service"):
            stage_context.__exit__(None, None, None)
    console.print(f"took {time.monotonic() - began_at:.0f} s; {log_hint(stage.folder)}")
    if report["totals"]["passed"] < calls:
        raise typer.Exit(1)


def _run(stage: Stage, *, count: int, console: Console) -> dict[str, Any]:
    roles = cast(count)
    with closing(Campaign(stage, roles)) as campaign:
        engines = campaign.readiness()["engines"]
        console.print(render_engines(engines), soft_wrap=True)
        progress = Progress()
        with LiveView(console, began_at=time.monotonic()) as view:
            for progress in campaign.run(timeout_s=60 + SECONDS_PER_CALL * count):
                view.show(progress)
        with console.status("pulling the calls into Parquet and DuckDB"):
            # Dagster takes seconds to import: the calls run first.
            from pipelines.run import materialize  # noqa: PLC0415
            from pipelines.snapshot import connect  # noqa: PLC0415

            run = materialize(stage.settings)
            with connect(stage.folder) as snapshot:
                return build_report(
                    snapshot=snapshot,
                    network=progress.network,
                    calls=progress.calls,
                    scenarios={role.scenario.name: role.scenario for role in roles},
                    transcript=campaign.transcript,
                    engines=engines,
                    warnings=run.warnings,
                    not_dialled=progress.skipped,
                    not_imported=progress.rejected_rows,
                )


def _keep(stage: Stage, console: Console) -> None:
    console.print(
        f"The service stays up at {stage.service_url}; in another terminal:\n"
        f"  export REAUTO_PORT={stage.settings.port} REAUTO_API_KEYS={stage.api_key} "
        f"REAUTO_DATA_DIR={stage.folder}\n"
        "Ctrl-C stops it."
    )
    try:
        while True:
            stage.supervisor.watch()
            time.sleep(1)
    except KeyboardInterrupt:
        return
