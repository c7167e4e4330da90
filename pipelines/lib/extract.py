"""PostgreSQL to Arrow: read the analytics views through ADBC, in one snapshot, by transaction id.

Every row carries `row_xid`, the transaction that last wrote it. A pull reads, in one REPEATABLE
READ transaction, `pg_snapshot_xmin(pg_current_snapshot())`: every transaction below that horizon
has ended, so the next pull starts there and meets whatever was still running now. A timestamp
watermark would lose such late commits. Rows above the horizon that have committed are visible and
come along; they come again next time, and whole days are rewritten, so nothing is stored twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import adbc_driver_manager
import adbc_driver_postgresql.dbapi
import msgspec
import pyarrow as pa

from pipelines.lib.tables import RawTable
from service.domain.errors import InvalidSettings, StorageUnavailable
from service.settings import PREFIX, Settings

_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_HORIZON = """
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS row_xid,
           system_identifier::text || '/' || (
               SELECT oid::text FROM pg_database WHERE datname = current_database()
           ) AS source_id
    FROM pg_control_system()
"""


def analytics_url(settings: Settings) -> str:
    """The database to read: the replica when there is one. Raises InvalidSettings without any."""
    url = settings.database_read_url or settings.database_url
    if url is None:
        raise InvalidSettings(
            f"{PREFIX}DATABASE_URL: is not set; the pipelines read calls from PostgreSQL "
            f"(or run `reauto up` here, whose embedded one is found by itself)"
        )
    return url


class Horizon(msgspec.Struct, frozen=True, kw_only=True):
    """The transaction id below which nothing is still to come, on one particular database."""

    source_id: str
    row_xid: int


class AnalyticsSource:
    """The analytics views as one consistent snapshot sees them."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def horizon(self) -> Horizon:
        """Where the next pull must start."""
        row = self._rows(_HORIZON)[0]
        return Horizon(source_id=row["source_id"], row_xid=int(row["row_xid"]))

    def touched_days(self, table: RawTable, *, since: int) -> tuple[date, ...]:
        """The UTC days of `table` that have a row written by transaction `since` or later."""
        query = (
            f"SELECT DISTINCT (({table.day_of} AT TIME ZONE 'UTC')::date) AS day "  # noqa: S608
            f"FROM {table.view} WHERE row_xid >= '{since:d}'::xid8 ORDER BY day"
        )
        return tuple(row["day"] for row in self._rows(query))

    def count(self, table: RawTable) -> int:
        """How many rows the view has."""
        return int(self._rows(f"SELECT count(*) AS rows FROM {table.view}")[0]["rows"])  # noqa: S608

    def day(self, table: RawTable, day: date) -> Iterator[pa.RecordBatch]:
        """Yield the rows of one UTC day in the table's schema, a bounded batch at a time."""
        begin = datetime.combine(day, time(), UTC)
        query = (
            f"SELECT {table.select_list} FROM {table.view} "  # noqa: S608
            f"WHERE {table.day_of} >= '{begin.isoformat()}' "
            f"AND {table.day_of} < '{(begin + timedelta(days=1)).isoformat()}' "
            f"ORDER BY {', '.join(table.key)}"
        )
        with _translated(), self._connection.cursor() as cursor:
            cursor.execute(query)
            for batch in cursor.fetch_record_batch():
                yield pa.record_batch(
                    [
                        batch.column(name).cast(table.schema.field(name).type)
                        for name in table.schema.names
                    ],
                    schema=table.schema,
                )

    def _rows(self, query: str) -> list[dict[str, Any]]:
        with _translated(), self._connection.cursor() as cursor:
            cursor.execute(query)
            rows: list[dict[str, Any]] = cursor.fetch_arrow_table().to_pylist()
            return rows


@contextmanager
def open_source(database_url: str) -> Iterator[AnalyticsSource]:
    """Open a read-only snapshot of the database. Raises StorageUnavailable."""
    with _translated():
        connection = adbc_driver_postgresql.dbapi.connect(database_url)
    try:
        with _translated(), connection.cursor() as cursor:
            cursor.execute(_SNAPSHOT)
        yield AnalyticsSource(connection)
    finally:
        connection.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except adbc_driver_manager.Error as error:
        raise StorageUnavailable(f"the analytics views could not be read: {error}") from error
