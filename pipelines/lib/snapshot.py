"""Versioned DuckDB snapshots: built aside, checked, then pointed to.

Layout: `<data_dir>/snapshots/wb-<id>.duckdb`, and `current`, a text file with the id that readers
open. A published file is never written again, so readers of it never wait and never see it change.
Raw tables stay in Parquet; a snapshot holds the marts of `sql/`, `snapshot_info` and
`snapshot_sources`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa

from pipelines.lib.files import replace_text, replacing, sole_writer
from pipelines.lib.parquet import RawStore
from pipelines.lib.tables import RAW_TABLES, RawTable
from service.domain.errors import NotFound

MARTS = ("call_facts", "turn_facts", "latency_waterfall", "cost_facts")
"""The tables of a snapshot, in the order in which they are made: later ones read earlier ones."""

KEPT = 5
"""How many snapshots stay on disk, the published one included."""


class BuiltSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot on disk; `rows` counts each mart's rows."""

    snapshot_id: str
    path: Path
    rows: dict[str, int]


class SnapshotStore:
    """The snapshots under one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._folder = data_dir / "snapshots"

    def path(self, snapshot_id: str) -> Path:
        """Where a snapshot lives."""
        return self._folder / f"wb-{snapshot_id}.duckdb"

    def current_id(self) -> str:
        """The published snapshot. Raises NotFound before the first."""
        pointer = self._folder / "current"
        if not pointer.exists():
            raise NotFound(
                f"there is no snapshot under {self._folder} yet: `reauto pipelines run` makes one"
            )
        return pointer.read_text(encoding="utf-8").strip()

    def build(self) -> BuiltSnapshot:
        """Build a snapshot from the raw Parquet files; nobody reads it before it is published."""
        with sole_writer(self._folder):
            built_at = datetime.now(UTC)
            snapshot_id = f"{built_at:%Y%m%dT%H%M%S-%f}"
            path = self.path(snapshot_id)
            with replacing(path) as temporary, duckdb.connect(str(temporary)) as db:
                _describe(db, snapshot_id=snapshot_id, built_at=built_at)
                rows = _make_marts(db, RawStore(self._data_dir))
        return BuiltSnapshot(snapshot_id=snapshot_id, path=path, rows=rows)

    def publish(self, snapshot_id: str, *, keep: int = KEPT) -> None:
        """Point readers at a built snapshot and drop the oldest beyond `keep`.

        Readers of a dropped one keep their open file. Raises NotFound for an unknown snapshot.
        """
        if not self.path(snapshot_id).exists():
            raise NotFound(f"there is no snapshot {snapshot_id} under {self._folder}")
        with sole_writer(self._folder):
            replace_text(self._folder / "current", snapshot_id)
            # Names begin with the time of building.
            newest_first = sorted(self._folder.glob("wb-*.duckdb"), reverse=True)
            for path in newest_first[keep:]:
                if path != self.path(snapshot_id):
                    path.unlink()

    @contextmanager
    def reading(self, snapshot_id: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open a snapshot read-only."""
        with duckdb.connect(str(self.path(snapshot_id)), read_only=True) as db:
            yield db


def mart_sql(name: str) -> str:
    """The query that makes a mart."""
    return (resources.files("pipelines.lib") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def _describe(db: duckdb.DuckDBPyConnection, *, snapshot_id: str, built_at: datetime) -> None:
    db.execute("SET TimeZone = 'UTC'")
    db.execute("CREATE TABLE snapshot_info (snapshot_id VARCHAR, built_at TIMESTAMPTZ)")
    db.execute("INSERT INTO snapshot_info VALUES (?, ?)", [snapshot_id, built_at])
    db.execute(
        "CREATE TABLE snapshot_sources "
        "(raw_table VARCHAR, source_id VARCHAR, row_xid BIGINT, pulled_at TIMESTAMPTZ)"
    )


def _make_marts(db: duckdb.DuckDBPyConnection, store: RawStore) -> dict[str, int]:
    for table in RAW_TABLES:
        _show_raw(db, table, store=store)
    for name in MARTS:
        db.execute(f"CREATE TABLE {name} AS {mart_sql(name)}")
    return {name: _count(db, name) for name in MARTS}


def _show_raw(db: duckdb.DuckDBPyConnection, table: RawTable, *, store: RawStore) -> None:
    """Show a raw table to the marts, not to the snapshot's readers; without files it is empty."""
    parts = ", ".join("'{}'".format(str(path).replace("'", "''")) for path in store.parts(table))
    if parts:
        db.execute(
            f"CREATE TEMP VIEW {table.name} AS "  # noqa: S608
            f"SELECT * FROM read_parquet([{parts}], hive_partitioning = true)"
        )
    else:
        db.register(table.name, table.schema.append(pa.field("day", pa.date32())).empty_table())
    cursor = store.cursor(table)
    if cursor is not None:
        db.execute(
            "INSERT INTO snapshot_sources VALUES (?, ?, ?, ?)",
            [table.name, cursor.source_id, cursor.row_xid, cursor.pulled_at],
        )


def _count(db: duckdb.DuckDBPyConnection, table: str) -> int:
    row = db.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    assert row is not None
    return int(row[0])
