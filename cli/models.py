"""`reauto models`: see which better models there are, and fetch one."""

from pathlib import Path
from typing import Any

import typer
from rich.console import RenderableType

from cli.output import JsonFile, PlainErrors, emit, table
from service.settings import load_settings
from service.voice.engines.catalogue import CATALOGUE

app = typer.Typer(
    name="models",
    cls=PlainErrors,
    no_args_is_help=True,
    help="Better ears, voices and language models than those shipped, fetched on demand.",
)


@app.command("list")
def list_models(*, json_file: JsonFile = None) -> None:
    """List the models that `pull` knows, with licences, and which of them are here."""
    items = _catalogue(load_settings().models_dir)
    emit({"items": items}, json_file, lambda: _drawn(items))


def _catalogue(models_dir: Path) -> list[dict[str, Any]]:
    return [
        {
            "name": entry.name,
            "kind": entry.kind,
            "size_mb": entry.size_mb,
            "licence": entry.licence,
            "note": entry.note,
            "is_here": (place := entry.place(models_dir)) is not None and place.is_file(),
        }
        for entry in CATALOGUE
    ]


def _drawn(items: list[dict[str, Any]]) -> RenderableType:
    rows = [
        (
            "*" if item["is_here"] else "",
            item["name"],
            item["kind"],
            f"{item['size_mb']} MB",
            item["licence"],
            item["note"],
        )
        for item in items
    ]
    return table("", "name", "for", "size", "licence", "note", rows=rows)
