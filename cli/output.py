"""What commands print: text for people, JSON for programs, errors in one line."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from service.domain.errors import InvalidInput, ReautoError

JsonFile = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Write the data as JSON to FILE; - is stdout."),
]
STDOUT = "-"


class PlainErrors(TyperGroup):
    """A command group that ends with exit code 1 and one line on stderr for our own errors."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ReautoError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from error


def emit(data: Any, json_file: str | None, render: Callable[[], RenderableType | str]) -> None:
    """Print `render()` for people, and write `data` as JSON where asked.

    A str is printed as it is, anything else by rich. With `-` only the JSON goes to stdout. A file
    is replaced whole or not at all. Raises InvalidInput when it cannot be written.
    """
    if json_file == STDOUT:
        sys.stdout.write(_json(data).decode())
        return
    if json_file is not None:
        _replace(Path(json_file), _json(data))
    shown = render()
    if isinstance(shown, str):
        typer.echo(shown)
    else:
        # Long lines are left to the terminal: paths and commands stay in one piece.
        Console().print(shown, soft_wrap=True)


def table(*columns: str, rows: Sequence[tuple[str, ...]]) -> Table:
    """Return a table whose cells are plain text: what looks like markup is shown as it is."""
    drawn = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    return drawn


def _json(data: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(data), indent=2) + b"\n"


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise InvalidInput(f"{path} cannot be written: {error}") from error
