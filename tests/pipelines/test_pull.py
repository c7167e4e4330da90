import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.lib.parquet import RawStore
from pipelines.lib.pull import Pulled, pull
from pipelines.lib.tables import RAW_CALLS, RAW_LEDGER, RAW_TABLES, RAW_TURNS, RawTable
from service.adapters.postgres.call_store import PostgresCallStore
from service.adapters.postgres.schema import migrate
from service.domain.call import CallStatus
from service.domain.errors import StorageUnavailable
from service.ports.call_store import StatusReport
from tests.pipelines.seed import SeededCall, some_history, with_store, write

INSERT_CALL = """
    INSERT INTO calls
        (call_id, direction, kind, from_number, to_number, status, config_id, created_at)
    VALUES
        (gen_random_uuid(), 'inbound', 'live', '+15550000001', '+15550000002', 'completed',
         '{0}', '{1}')
"""
NOON = "2026-11-20 12:00+00"


@contextmanager
def transaction(database_url: str) -> Iterator[Any]:
    """A transaction of its own that commits when told to."""
    with adbc_driver_postgresql.dbapi.connect(database_url) as connection:
        yield connection


def insert_call(connection: Any, *, config_id: str, created_at: str = NOON) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT_CALL.format(config_id, created_at))


def stored(raw: RawStore, table: RawTable) -> list[dict[str, Any]]:
    return [row for part in raw.parts(table) for row in pq.read_table(part).to_pylist()]


def configs(raw: RawStore) -> set[str]:
    return {row["config_id"] for row in stored(raw, RAW_CALLS)}


def files(raw: RawStore, table: RawTable) -> dict[Path, int]:
    return {part: part.stat().st_ino for part in raw.parts(table)}


def test_the_first_pull_stores_every_row_in_its_utc_day(
    pulled: dict[str, Pulled], history: tuple[SeededCall, ...], raw: RawStore
) -> None:
    turns = sum(len(seeded.turns) for seeded in history)
    lines = sum(len(seeded.lines) for seeded in history)
    assert {name: found.rows for name, found in pulled.items()} == {
        "raw_calls": len(history),
        "raw_turns": turns,
        "raw_ledger": lines,
    }
    for found in pulled.values():
        assert found.stored_rows == found.source_rows == found.rows
    for table in RAW_TABLES:
        assert raw.days(table) == (date(2026, 11, 20), date(2026, 11, 21))
    late = [seeded.call for seeded in history if seeded.call.created_at.day == 21]
    second = pq.read_table(raw.part(RAW_CALLS, date(2026, 11, 21)))
    assert sorted(second.column("call_id").to_pylist()) == sorted(str(c.call_id) for c in late)


def test_values_arrive_exactly(
    pulled: dict[str, Pulled], history: tuple[SeededCall, ...], raw: RawStore
) -> None:
    costs = {row["cost_usd"] for row in stored(raw, RAW_LEDGER)}
    assert costs == {line.cost_usd for seeded in history for line in seeded.lines}
    assert Decimal("0.000000000001") in costs
    rows = {(row["call_id"], row["turn_index"]): row for row in stored(raw, RAW_TURNS)}
    for turn in (turn for seeded in history for turn in seeded.turns):
        row = rows[str(turn.call_id), turn.turn_index]
        stamps = msgspec.structs.asdict(turn.stamps)
        assert {name: row[name] for name in stamps} == stamps
    call = {row["call_id"]: row for row in stored(raw, RAW_CALLS)}[str(history[0].call.call_id)]
    assert call["created_at"] == history[0].call.created_at
    assert call["stt_engine"] == "pocketsphinx:general"
    assert call["outcome"] == history[0].outcome.value


def test_a_second_pull_without_news_rewrites_nothing(
    pulled: dict[str, Pulled], seeded_url: str, raw: RawStore
) -> None:
    before = {table.name: files(raw, table) for table in RAW_TABLES}
    for table in RAW_TABLES:
        again = pull(table, database_url=seeded_url, store=raw)
        assert (again.days, again.rows) == (0, 0)
        assert again.stored_rows == pulled[table.name].stored_rows
    assert {table.name: files(raw, table) for table in RAW_TABLES} == before


def test_a_pull_repeated_from_the_start_gives_the_same_rows(
    pulled: dict[str, Pulled], seeded_url: str, raw: RawStore
) -> None:
    before = {table.name: stored(raw, table) for table in RAW_TABLES}
    for table in RAW_TABLES:
        (raw.folder(table) / "cursor.json").unlink()
        assert pull(table, database_url=seeded_url, store=raw).rows == len(before[table.name])
    assert {table.name: stored(raw, table) for table in RAW_TABLES} == before


def test_a_changed_call_rewrites_its_own_day_only(
    pulled: dict[str, Pulled],
    history: tuple[SeededCall, ...],
    seeded_url: str,
    raw: RawStore,
) -> None:
    call = history[0].call
    before = files(raw, RAW_CALLS)

    async def complete(store: PostgresCallStore) -> None:
        await store.placed(call.call_id, twilio_sid="CA1")
        report = StatusReport(
            twilio_sid="CA1", status=CallStatus.COMPLETED, at=call.created_at, duration_s=31
        )
        await store.report(report)

    asyncio.run(with_store(seeded_url, complete))
    assert pull(RAW_CALLS, database_url=seeded_url, store=raw).days == 1
    after = files(raw, RAW_CALLS)
    assert [path.parent.name for path in before if before[path] != after[path]] == [
        "day=2026-11-20"
    ]
    rows = {row["call_id"]: row for row in stored(raw, RAW_CALLS)}
    assert (rows[str(call.call_id)]["status"], rows[str(call.call_id)]["duration_s"]) == (
        "completed",
        31,
    )
    assert len(rows) == len(history)


def test_an_outcome_that_comes_later_than_its_call_is_pulled(
    postgres_url: str, raw: RawStore
) -> None:
    with transaction(postgres_url) as writer:
        insert_call(writer, config_id="a")
        writer.commit()
        pull(RAW_CALLS, database_url=postgres_url, store=raw)
        with writer.cursor() as cursor:
            cursor.execute(
                "INSERT INTO conversations SELECT call_id, 'qualified', '[]', '', now() FROM calls"
            )
        writer.commit()
    assert pull(RAW_CALLS, database_url=postgres_url, store=raw).rows == 1
    assert [row["outcome"] for row in stored(raw, RAW_CALLS)] == ["qualified"]


def test_a_transaction_that_commits_late_is_not_lost(postgres_url: str, raw: RawStore) -> None:
    with transaction(postgres_url) as slow, transaction(postgres_url) as quick:
        insert_call(slow, config_id="slow")
        insert_call(quick, config_id="quick")
        quick.commit()
        pull(RAW_CALLS, database_url=postgres_url, store=raw)
        assert configs(raw) == {"quick"}
        insert_call(quick, config_id="quicker")
        quick.commit()
        pull(RAW_CALLS, database_url=postgres_url, store=raw)
        assert configs(raw) == {"quick", "quicker"}
        slow.commit()
    pull(RAW_CALLS, database_url=postgres_url, store=raw)
    assert configs(raw) == {"slow", "quick", "quicker"}
    assert len(stored(raw, RAW_CALLS)) == 3


def test_what_a_late_commit_leaves_behind_a_highest_id_watermark(
    postgres_url: str, raw: RawStore
) -> None:
    """The cursor stays at the oldest running transaction, below rows that are stored already."""
    with transaction(postgres_url) as slow, transaction(postgres_url) as quick:
        insert_call(slow, config_id="slow")
        insert_call(quick, config_id="quick")
        quick.commit()
        pull(RAW_CALLS, database_url=postgres_url, store=raw)
        cursor = raw.cursor(RAW_CALLS)
        assert cursor is not None
        assert cursor.row_xid < max(row["row_xid"] for row in stored(raw, RAW_CALLS))
        slow.rollback()
    pull(RAW_CALLS, database_url=postgres_url, store=raw)
    assert configs(raw) == {"quick"}


def test_another_database_starts_over(
    pulled: dict[str, Pulled], empty_postgres_url: str, raw: RawStore
) -> None:
    asyncio.run(migrate(empty_postgres_url))
    other = some_history()[:1]
    asyncio.run(write(empty_postgres_url, other))
    found = pull(RAW_CALLS, database_url=empty_postgres_url, store=raw)
    assert found.stored_rows == found.source_rows == 1
    assert raw.days(RAW_CALLS) == (date(2026, 11, 20),)
    assert [row["call_id"] for row in stored(raw, RAW_CALLS)] == [str(other[0].call.call_id)]


def test_a_database_that_went_back_in_time_starts_over(
    pulled: dict[str, Pulled], seeded_url: str, raw: RawStore
) -> None:
    cursor = raw.cursor(RAW_CALLS)
    assert cursor is not None
    ahead = msgspec.structs.replace(cursor, row_xid=cursor.row_xid + 1_000_000)
    raw.move_cursor(RAW_CALLS, ahead)
    found = pull(RAW_CALLS, database_url=seeded_url, store=raw)
    assert found.rows == found.source_rows == pulled["raw_calls"].rows


def test_a_database_that_is_away_is_said_to_be(raw: RawStore, tmp_path: Path) -> None:
    url = f"postgresql://postgres:@/postgres?host={tmp_path}"
    with pytest.raises(StorageUnavailable, match="analytics views could not be read"):
        pull(RAW_CALLS, database_url=url, store=raw)


def test_a_day_that_fails_half_way_keeps_its_old_file(
    pulled: dict[str, Pulled], raw: RawStore
) -> None:
    day = raw.days(RAW_CALLS)[0]
    before = raw.part(RAW_CALLS, day).read_bytes()

    def broken() -> Iterator[pa.RecordBatch]:
        yield pq.ParquetFile(raw.part(RAW_CALLS, day)).read_row_group(0).to_batches()[0]
        raise StorageUnavailable("the server went away")

    with pytest.raises(StorageUnavailable):
        raw.write_day(RAW_CALLS, day, broken())
    assert raw.part(RAW_CALLS, day).read_bytes() == before
    assert [path.name for path in raw.part(RAW_CALLS, day).parent.iterdir()] == ["part.parquet"]


def test_batches_are_written_as_they_come(raw: RawStore) -> None:
    taken: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(3):
            taken.append(number)
            columns = {name: [None] * 4 for name in RAW_TURNS.schema.names}
            yield pa.record_batch(columns, schema=RAW_TURNS.schema)

    day = date(2026, 11, 20)
    assert raw.write_day(RAW_TURNS, day, batches()) == 12
    assert taken == [0, 1, 2]
    assert pq.ParquetFile(raw.part(RAW_TURNS, day)).num_row_groups == 3


KILLED_PULL = """
import os, signal, sys
from pathlib import Path
from pipelines.lib.parquet import RawStore
from pipelines.lib.pull import pull
from pipelines.lib.tables import RAW_CALLS

class Killed(RawStore):
    def write_day(self, table, day, batches):
        def dying():
            yield next(iter(batches))
            os.kill(os.getpid(), signal.SIGKILL)
        return super().write_day(table, day, dying())

pull(RAW_CALLS, database_url=sys.argv[1], store=Killed(Path(sys.argv[2])))
"""


def test_a_killed_pull_leaves_no_half_file_and_is_done_again(
    pulled: dict[str, Pulled], seeded_url: str, raw: RawStore, tmp_path: Path
) -> None:
    before = {part: part.read_bytes() for part in raw.parts(RAW_CALLS)}
    cursor = raw.cursor(RAW_CALLS)
    with transaction(seeded_url) as writer:
        insert_call(writer, config_id="new")
        writer.commit()
    command = [sys.executable, "-c", KILLED_PULL, seeded_url, str(tmp_path)]
    done = subprocess.run(command, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert {part: part.read_bytes() for part in raw.parts(RAW_CALLS)} == before
    assert raw.cursor(RAW_CALLS) == cursor
    pull(RAW_CALLS, database_url=seeded_url, store=raw)
    assert "new" in configs(raw)
    assert list(raw.folder(RAW_CALLS).rglob("*.tmp*")) == []


def test_days_are_days_of_utc(postgres_url: str, raw: RawStore) -> None:
    with transaction(postgres_url) as writer:
        insert_call(writer, config_id="a", created_at="2026-11-20 23:59:59.999999+00")
        insert_call(writer, config_id="b", created_at="2026-11-21 01:00+02")
        insert_call(writer, config_id="c", created_at="2026-11-21 00:00+00")
        writer.commit()
    pull(RAW_CALLS, database_url=postgres_url, store=raw)
    by_day = {
        day: {row["config_id"] for row in pq.read_table(raw.part(RAW_CALLS, day)).to_pylist()}
        for day in raw.days(RAW_CALLS)
    }
    assert by_day == {date(2026, 11, 20): {"a", "b"}, date(2026, 11, 21): {"c"}}
