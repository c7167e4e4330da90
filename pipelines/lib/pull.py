"""One incremental pull of one table: whole touched days, then the cursor.

The same code backfills: without a cursor, or against another database than last time, every day is
touched.
"""

from datetime import UTC, datetime

import msgspec

from pipelines.lib.extract import Horizon, open_source
from pipelines.lib.files import sole_writer
from pipelines.lib.parquet import Cursor, RawStore
from pipelines.lib.tables import RawTable


class Pulled(msgspec.Struct, frozen=True, kw_only=True):
    """What a pull did; `source_rows` and `stored_rows` are whole tables at the same moment."""

    days: int
    rows: int
    source_rows: int
    stored_rows: int
    row_xid: int


def pull(table: RawTable, *, database_url: str, store: RawStore) -> Pulled:
    """Bring a stored table up to the database as it is now. Raises StorageUnavailable.

    Two pulls of one table wait for each other; each takes its snapshot after waiting, so that an
    older one never overwrites a newer one.
    """
    with sole_writer(store.folder(table)), open_source(database_url) as source:
        horizon = source.horizon()
        days = source.touched_days(table, since=_resume_at(table, horizon, store=store))
        rows = sum(store.write_day(table, day, source.day(table, day)) for day in days)
        _advance(table, horizon, store=store)
        return Pulled(
            days=len(days),
            rows=rows,
            source_rows=source.count(table),
            stored_rows=store.rows(table),
            row_xid=horizon.row_xid,
        )


def _resume_at(table: RawTable, horizon: Horizon, *, store: RawStore) -> int:
    cursor = store.cursor(table)
    if cursor is not None and _continues(cursor, horizon):
        return cursor.row_xid
    store.clear(table)
    return 0


def _continues(cursor: Cursor, horizon: Horizon) -> bool:
    # A database restored from a backup has the same id and counts its transactions again.
    return cursor.source_id == horizon.source_id and cursor.row_xid <= horizon.row_xid


def _advance(table: RawTable, horizon: Horizon, *, store: RawStore) -> None:
    cursor = Cursor(
        source_id=horizon.source_id, row_xid=horizon.row_xid, pulled_at=datetime.now(UTC)
    )
    store.move_cursor(table, cursor)
