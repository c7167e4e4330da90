"""The raw store: one Parquet file per table and day, and a cursor: how far a table was pulled.

Layout: `<data_dir>/raw/<table>/day=YYYY-MM-DD/part.parquet`, zstd; `cursor.json` beside the days.
A day's file is replaced whole. The cursor moves after the files of a pull, so that a pull that dies
is simply done again.
"""

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.lib.files import replace_text, replacing
from pipelines.lib.tables import RawTable

_DAY = "day="
_PART = "part.parquet"


class Cursor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a table was pulled: every row of `source_id` written before `row_xid` is stored."""

    source_id: str
    row_xid: int
    pulled_at: datetime


class RawStore:
    """The raw Parquet files under one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / "raw"

    def folder(self, table: RawTable) -> Path:
        """Where a table lives."""
        return self._root / table.name

    def days(self, table: RawTable) -> tuple[date, ...]:
        """The days that have a file, in order."""
        return tuple(
            sorted(
                date.fromisoformat(path.parent.name.removeprefix(_DAY))
                for path in self.folder(table).glob(f"{_DAY}*/{_PART}")
            )
        )

    def part(self, table: RawTable, day: date) -> Path:
        """The file of one day."""
        return self.folder(table) / f"{_DAY}{day.isoformat()}" / _PART

    def parts(self, table: RawTable) -> tuple[Path, ...]:
        """The files of all days, in order."""
        return tuple(self.part(table, day) for day in self.days(table))

    def rows(self, table: RawTable) -> int:
        """How many rows are stored, from the files' footers."""
        return sum(pq.read_metadata(path).num_rows for path in self.parts(table))

    def write_day(self, table: RawTable, day: date, batches: Iterable[pa.RecordBatch]) -> int:
        """Replace one day's file, holding one batch in memory at a time; return its rows."""
        rows = 0
        with (
            replacing(self.part(table, day)) as temporary,
            pq.ParquetWriter(temporary, table.schema, compression="zstd") as writer,
        ):
            for batch in batches:
                writer.write_batch(batch)
                rows += batch.num_rows
        return rows

    def cursor(self, table: RawTable) -> Cursor | None:
        """How far the table was pulled; None before the first pull."""
        path = self._cursor_path(table)
        return msgspec.json.decode(path.read_bytes(), type=Cursor) if path.exists() else None

    def move_cursor(self, table: RawTable, cursor: Cursor) -> None:
        """Record how far the table was pulled; call it when the files are in place."""
        replace_text(self._cursor_path(table), msgspec.json.encode(cursor).decode())

    def clear(self, table: RawTable) -> None:
        """Forget a table: the cursor first, so that dying half-way repeats the pull."""
        self._cursor_path(table).unlink(missing_ok=True)
        for path in self.parts(table):
            path.unlink()
            path.parent.rmdir()

    def _cursor_path(self, table: RawTable) -> Path:
        return self.folder(table) / "cursor.json"
