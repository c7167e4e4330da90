"""The read-only door to the workbench's snapshots, for notebooks and reports.

    with connect() as snapshot:
        calls = snapshot.sql("SELECT * FROM call_facts")

A snapshot never changes and is never locked: a run builds another file and moves the pointer, and
an open one goes on showing what it showed until `refresh` moves it to the newest.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pandas as pd
import pyarrow as pa

from pipelines.lib.snapshot import SnapshotStore
from service.settings import load_settings

_WHOLE_NUMBERS = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
}


def connect(data_dir: Path | None = None) -> "Snapshot":
    """Open the published snapshot under `data_dir` (unset: the settings' `DATA_DIR`).

    Raises NotFound before the first one.
    """
    return Snapshot(SnapshotStore(data_dir or load_settings().data_dir))


class Snapshot:
    """One published snapshot, open for reading; `id`, `built_at` and `caption` tell which."""

    id: str
    built_at: datetime

    def __init__(self, store: SnapshotStore) -> None:
        self._store = store
        self._open(store.current_id())

    @property
    def path(self) -> Path:
        """The DuckDB file."""
        return self._store.path(self.id)

    @property
    def age(self) -> timedelta:
        """Time since it was built."""
        return datetime.now(UTC) - self.built_at

    @property
    def caption(self) -> str:
        """What every figure carries: the snapshot's id and age."""
        return f"snapshot {self.id}, {_in_words(self.age)} old"

    def sql(self, query: str) -> pd.DataFrame:
        """Run a query: money as exact Decimals, times in UTC, whole numbers whole or <NA>."""
        frame: pd.DataFrame = (
            self._db.sql(query).to_arrow_table().to_pandas(types_mapper=_WHOLE_NUMBERS.get)
        )
        return frame

    def refresh(self) -> bool:
        """Move on to the newest published snapshot; False when this is it already."""
        newest = self._store.current_id()
        if newest == self.id:
            return False
        before = self._db
        self._open(newest)
        before.close()
        return True

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self, snapshot_id: str) -> None:
        self._db = duckdb.connect(str(self._store.path(snapshot_id)), read_only=True)
        self._db.execute("SET TimeZone = 'UTC'")
        info = self._db.sql("SELECT built_at FROM snapshot_info").to_arrow_table().to_pylist()
        self.id, self.built_at = snapshot_id, info[0]["built_at"].astimezone(UTC)


def _in_words(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes < 1:
        return "less than a minute"
    size, name = next(
        (size, name)
        for size, name in ((1440, "day"), (60, "hour"), (1, "minute"))
        if minutes >= size
    )
    count = minutes // size
    return f"{count} {name}{'s' if count > 1 else ''}"
