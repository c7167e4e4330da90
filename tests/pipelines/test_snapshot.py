import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from pipelines.lib.parquet import RawStore
from pipelines.lib.snapshot import MARTS, SnapshotStore
from pipelines.lib.tables import RAW_LEDGER
from pipelines.snapshot import Snapshot, connect
from service.domain.errors import NotFound
from service.measures.cost import call_cost
from service.measures.latency import percentiles, response_latencies_ms, waterfall
from tests.pipelines.seed import SeededCall, live


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path)


@pytest.fixture
def snapshot(published: Path) -> Iterator[Snapshot]:
    """The published snapshot of the history."""
    with connect(published) as opened:
        yield opened


def ids(frame: pd.DataFrame) -> set[str]:
    return set(frame["call_id"])


def test_only_live_calls_become_facts(snapshot: Snapshot, history: tuple[SeededCall, ...]) -> None:
    real = {str(seeded.call.call_id) for seeded in live(history)}
    assert len(real) < len(history)
    assert ids(snapshot.sql("FROM call_facts")) == real
    assert ids(snapshot.sql("FROM turn_facts")) == real
    assert ids(snapshot.sql("FROM latency_waterfall")) <= real
    assert ids(snapshot.sql("FROM cost_facts")) <= real


def test_call_facts_are_what_the_measures_say(
    snapshot: Snapshot, history: tuple[SeededCall, ...]
) -> None:
    rows = snapshot.sql("FROM call_facts").set_index("call_id")
    for seeded in live(history):
        row = rows.loc[str(seeded.call.call_id)]
        assert row["outcome"] == seeded.outcome.value
        assert row["turns"] == len(seeded.turns)
        cost = call_cost(seeded.lines)
        assert row["unpriced_lines"] == cost.unpriced_lines
        assert (None if pd.isna(row["cost_usd"]) else row["cost_usd"]) == cost.cost_usd
        latency = percentiles(response_latencies_ms(seeded.turns))
        p50, p95 = row["response_latency_p50_ms"], row["response_latency_p95_ms"]
        if latency is None:
            assert pd.isna(p50)
        else:
            assert (p50, p95) == pytest.approx((latency.p50, latency.p95))


def test_money_is_exact_and_an_unknown_cost_is_missing(snapshot: Snapshot) -> None:
    costs = snapshot.sql("SELECT cost_usd, ledger_lines FROM call_facts ORDER BY created_at")
    assert costs["cost_usd"].iloc[0] == Decimal("0.014000000001")
    assert isinstance(costs["cost_usd"].iloc[0], Decimal)
    assert pd.isna(costs["cost_usd"].iloc[3])
    assert costs["ledger_lines"].iloc[3] == 0
    parts = snapshot.sql("SELECT * FROM cost_facts WHERE unpriced_lines > 0")
    assert list(parts["component"]) == ["language_model"]
    assert pd.isna(parts["cost_usd"].iloc[0])
    both = snapshot.sql(
        "SELECT (SELECT sum(cost_usd) FROM cost_facts) = (SELECT sum(cost_usd) FROM call_facts) ok"
    )
    assert both["ok"].iloc[0]


def test_the_waterfall_in_sql_is_the_waterfall_of_the_measures(
    snapshot: Snapshot, history: tuple[SeededCall, ...]
) -> None:
    frame = snapshot.sql("FROM latency_waterfall ORDER BY call_id, turn_index, position")
    found = {
        (row.call_id, row.turn_index, row.segment): (row.start_ms, row.duration_ms)
        for row in frame.itertuples()
    }
    expected = {
        (str(turn.call_id), turn.turn_index, part.name): (part.start_ms, part.duration_ms)
        for seeded in live(history)
        for turn in seeded.turns
        for part in waterfall(turn.stamps)
    }
    assert expected
    assert found == expected


def test_segments_of_a_turn_sum_to_its_response_latency(snapshot: Snapshot) -> None:
    sums = snapshot.sql("""
        SELECT t.response_latency_ms, sum(w.duration_ms) AS explained_ms
        FROM turn_facts AS t LEFT JOIN latency_waterfall AS w USING (call_id, turn_index)
        GROUP BY t.call_id, t.turn_index, t.response_latency_ms
    """)
    measured = sums.dropna()
    assert len(measured) > 3
    assert (measured["response_latency_ms"] == measured["explained_ms"]).all()
    assert sums["response_latency_ms"].isna().equals(sums["explained_ms"].isna())


def test_whole_numbers_stay_whole_where_some_are_missing(snapshot: Snapshot) -> None:
    stamps = snapshot.sql(
        "SELECT first_token_ms, created_at FROM turn_facts JOIN call_facts USING (call_id)"
    )
    assert stamps["first_token_ms"].isna().any()
    assert str(stamps["first_token_ms"].dtype) == "Int32"
    assert str(stamps["created_at"].dtype) == "datetime64[us, UTC]"


def test_a_snapshot_says_which_it_is(snapshot: Snapshot) -> None:
    assert snapshot.path.name == f"wb-{snapshot.id}.duckdb"
    assert timedelta(0) <= snapshot.age < timedelta(minutes=10)
    assert snapshot.caption.startswith(f"snapshot {snapshot.id}, ")
    snapshot.built_at -= timedelta(hours=50)
    assert snapshot.caption.endswith("2 days old")
    sources = snapshot.sql("FROM snapshot_sources")
    assert list(sources["raw_table"]) == ["raw_calls", "raw_turns", "raw_ledger"]


def test_a_reader_cannot_write(snapshot: Snapshot) -> None:
    with pytest.raises(duckdb.Error, match="read-only"):
        snapshot.sql("DELETE FROM call_facts")


def test_an_open_reader_keeps_its_snapshot_until_it_refreshes(
    snapshot: Snapshot, store: SnapshotStore, raw: RawStore
) -> None:
    before = snapshot.sql("FROM cost_facts")
    assert not snapshot.refresh()
    raw.clear(RAW_LEDGER)
    newer = store.build()
    store.publish(newer.snapshot_id, keep=1)
    assert not snapshot.path.exists()
    pd.testing.assert_frame_equal(snapshot.sql("FROM cost_facts"), before)
    assert snapshot.refresh()
    assert snapshot.id == newer.snapshot_id
    assert len(snapshot.sql("FROM cost_facts")) == 0


def test_a_built_snapshot_is_read_by_nobody_before_it_is_published(
    snapshot: Snapshot, store: SnapshotStore, tmp_path: Path
) -> None:
    built = store.build()
    assert built.path.exists()
    with connect(tmp_path) as other:
        assert other.id == snapshot.id != built.snapshot_id


def test_the_oldest_snapshots_are_dropped(store: SnapshotStore, tmp_path: Path) -> None:
    built = [store.build() for _ in range(3)]
    store.publish(built[0].snapshot_id, keep=1)
    assert set((tmp_path / "snapshots").glob("wb-*")) == {
        built[0].path,
        built[2].path,
    }
    store.publish(built[2].snapshot_id, keep=1)
    assert list((tmp_path / "snapshots").glob("wb-*")) == [built[2].path]


def test_without_calls_the_marts_are_empty_tables(store: SnapshotStore) -> None:
    assert store.build().rows == dict.fromkeys(MARTS, 0)


def test_before_the_first_snapshot_the_door_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="reauto pipelines run"):
        connect(tmp_path)


def test_an_unknown_snapshot_is_not_published(store: SnapshotStore) -> None:
    with pytest.raises(NotFound):
        store.publish("nope")


KILLED_BUILD = """
import os, signal, sys
from pathlib import Path
from pipelines.lib import snapshot

snapshot._count = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
snapshot.SnapshotStore(Path(sys.argv[1])).build()
"""


def test_a_killed_build_leaves_no_half_file_and_the_pointer_where_it_was(
    snapshot: Snapshot, store: SnapshotStore, tmp_path: Path
) -> None:
    before = sorted((tmp_path / "snapshots").glob("wb-*"))
    done = subprocess.run(
        [sys.executable, "-c", KILLED_BUILD, str(tmp_path)], check=False, timeout=60
    )
    assert done.returncode == -signal.SIGKILL
    assert list((tmp_path / "snapshots").glob(".*.tmp*"))
    assert sorted((tmp_path / "snapshots").glob("wb-*")) == before
    assert store.current_id() == snapshot.id
    store.publish(store.build().snapshot_id)
    assert list((tmp_path / "snapshots").glob(".*.tmp*")) == []
    assert snapshot.refresh()
