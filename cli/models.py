"""`reauto models`: see which better models there are, and fetch one."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn
from rich.progress import TransferSpeedColumn as SpeedColumn
from rich.text import Text

from cli.output import JsonFile, PlainErrors, emit, table
from service.domain.errors import LanguageModelError
from service.settings import Settings, load_settings
from service.voice.engines.catalogue import CATALOGUE, CatalogueEntry, find
from service.voice.engines.download import OnProgress, download
from service.voice.engines.hub import DEFAULT_HUB, Hub

app = typer.Typer(
    name="models",
    cls=PlainErrors,
    no_args_is_help=True,
    help="Better ears, voices and language models than those shipped, fetched on demand.",
)

ENGINES = {"whisper": "hearing", "piper": "voice", "ollama": "language"}
HOW_TO = "fetch one: reauto models pull NAME, as in: reauto models pull base.en"


@app.command("list")
def list_models(*, json_file: JsonFile = None) -> None:
    """List the models to pull, with licences; * marks those that are in MODELS_DIR."""
    _show_catalogue(load_settings(), json_file)


@app.command()
def pull(
    name: Annotated[
        str | None, typer.Argument(help="As `list` has it, or any model:tag of Ollama's.")
    ] = None,
    *,
    json_file: JsonFile = None,
) -> None:
    """Fetch a model into MODELS_DIR, or through Ollama; without NAME, say what there is."""
    settings = load_settings()
    if name is None:
        _show_catalogue(settings, json_file)
        return
    entry = find(name)
    if entry.kind == "ollama":
        data = asyncio.run(_pull_through_ollama(entry, settings.ollama.base_url))
    else:
        data = _pull_from_hub(entry, settings.models_dir)
    emit(data, json_file, lambda: _pulled(data))


def _pull_from_hub(entry: CatalogueEntry, models_dir: Path) -> dict[str, Any]:
    was_here = entry.is_here(models_dir)
    if not was_here:
        endpoint = os.environ.get("HF_ENDPOINT") or DEFAULT_HUB
        with Hub(endpoint) as hub, _progress() as on_progress:
            download(entry, hub=hub, models_dir=models_dir, on_progress=on_progress)
    return _result(entry, where=str(entry.home(models_dir)), was_here=was_here)


async def _pull_through_ollama(entry: CatalogueEntry, base_url: str) -> dict[str, Any]:
    # Ollama's client takes longer to import than every other command of this module to run.
    from service.adapters.ollama.language_model import OllamaLanguageModel  # noqa: PLC0415

    server = OllamaLanguageModel(base_url, model=entry.name)
    status = ""
    try:
        was_here = await server.has_model(entry.name)
        with _progress() as on_progress:
            # Ollama checks what it has and fetches what is new, so a model that is here is asked
            # for all the same.
            async for step in server.pull(entry.name):
                status = step.status
                if step.total:
                    on_progress(status, step.completed or 0, step.total)
    finally:
        await server.close()
    if status != "success":
        raise LanguageModelError(
            f"Ollama at {base_url} broke off the download; run the same command again",
            retryable=True,
            code="broken",
        )
    return _result(entry, where=f"Ollama at {base_url}", was_here=was_here)


def _result(entry: CatalogueEntry, *, where: str, was_here: bool) -> dict[str, Any]:
    return {
        "name": entry.name,
        "kind": entry.kind,
        "licence": entry.licence,
        "where": where,
        "was_here": was_here,
    }


@contextmanager
def _progress() -> Iterator[OnProgress]:
    """Draw one bar per file on stderr, on a terminal only."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), SpeedColumn())
    bars: dict[str, TaskID] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:

        def on_progress(name: str, done: int, total: int) -> None:
            if name not in bars:
                bars[name] = progress.add_task(name, total=total)
            progress.update(bars[name], completed=done)

        yield on_progress


def _show_catalogue(settings: Settings, json_file: str | None) -> None:
    items = [
        {
            "name": entry.name,
            "kind": entry.kind,
            "size_mb": entry.size_mb,
            "licence": entry.licence,
            "note": entry.note,
            "is_here": entry.is_here(settings.models_dir) if entry.files else None,
        }
        for entry in CATALOGUE
    ]
    emit({"items": items}, json_file, lambda: _drawn(items))


def _drawn(items: list[dict[str, Any]]) -> RenderableType:
    rows = [
        (
            "*" if item["is_here"] else "",
            item["name"],
            ENGINES[item["kind"]],
            f"{item['size_mb']} MB",
            item["licence"],
            item["note"],
        )
        for item in items
    ]
    drawn = table("", "name", "for", "size", "licence", "note", rows=rows)
    drawn.columns[1].no_wrap = True
    return Group(drawn, Text(HOW_TO))


def _pulled(data: dict[str, Any]) -> RenderableType:
    already = " already" if data["was_here"] else ""
    return Text(f"{data['name']} is{already} in {data['where']}; licence: {data['licence']}")
