import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.pipelines import app
from pipelines.lib.snapshot import SnapshotStore
from pipelines.run import ASSETS, materialize
from pipelines.snapshot import connect
from service.adapters.postgres.call_store import PostgresCallStore
from service.domain.call import CallKind
from service.domain.errors import InvalidSettings, Refused, StorageUnavailable
from service.settings import Settings
from tests.pipelines.seed import SeededCall, live, some_history, with_store, write
from tests.pipelines.seed import turn as seeded_turn


def settings(database_url: str | None, data_dir: Path) -> Settings:
    return Settings(database_url=database_url, data_dir=data_dir)


def test_a_run_publishes_the_calls(
    seeded_url: str, history: tuple[SeededCall, ...], tmp_path: Path
) -> None:
    heard: list[str] = []
    summary = materialize(settings(seeded_url, tmp_path), on_asset=heard.append)
    assert sorted(heard) == sorted(ASSETS)
    assert summary.rows["raw_calls"] == len(history)
    assert summary.rows["call_facts"] == len(live(history))
    assert summary.rows["turn_facts"] == sum(len(seeded.turns) for seeded in live(history))
    with connect(tmp_path) as snapshot:
        assert snapshot.id == summary.snapshot_id
        assert snapshot.path == summary.snapshot_path
        assert len(snapshot.sql("FROM call_facts")) == summary.rows["call_facts"]


def test_unpriced_usage_is_a_warning(seeded_url: str, tmp_path: Path) -> None:
    warnings = materialize(settings(seeded_url, tmp_path)).warnings
    assert len(warnings) == 1
    assert "call_facts.no_unpriced_usage" in warnings[0]


def test_a_second_run_publishes_the_same_facts(seeded_url: str, tmp_path: Path) -> None:
    first = materialize(settings(seeded_url, tmp_path))
    with connect(tmp_path) as snapshot:
        before = {name: snapshot.sql(f"FROM {name}") for name in ("call_facts", "turn_facts")}
        second = materialize(settings(seeded_url, tmp_path))
        assert second.snapshot_id > first.snapshot_id
        assert second.rows == first.rows
        assert snapshot.refresh()
        assert all(snapshot.sql(f"FROM {name}").equals(frame) for name, frame in before.items())


def test_a_lost_turn_stops_publishing_and_is_named(
    postgres_url: str, seeded_url: str, tmp_path: Path
) -> None:
    published = materialize(settings(seeded_url, tmp_path)).snapshot_id
    call = some_history()[0]
    asyncio.run(write(postgres_url, [call]))

    async def skip_a_turn(store: PostgresCallStore) -> None:
        await store.record_turn(seeded_turn(call.call.call_id, 7, seed=1), ())

    asyncio.run(with_store(postgres_url, skip_a_turn))
    with pytest.raises(Refused, match=f"turn_indexes_contiguous failed.*{call.call.call_id}"):
        materialize(settings(postgres_url, tmp_path))
    assert SnapshotStore(tmp_path).current_id() == published


def test_only_synthetic_calls_make_no_facts(postgres_url: str, tmp_path: Path) -> None:
    made_up = [seeded for seeded in some_history() if seeded.call.kind is not CallKind.LIVE]
    asyncio.run(write(postgres_url, made_up))
    rows = materialize(settings(postgres_url, tmp_path)).rows
    assert rows["raw_calls"] == len(made_up) == 2
    assert {rows[name] for name in ("call_facts", "turn_facts", "cost_facts")} == {0}


def test_errors_keep_their_kind(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="REAUTO_DATABASE_URL"):
        materialize(settings(None, tmp_path))
    with pytest.raises(StorageUnavailable):
        materialize(settings(f"postgresql://postgres:@/postgres?host={tmp_path}", tmp_path))


def test_the_replica_is_read_when_there_is_one(seeded_url: str, tmp_path: Path) -> None:
    away = f"postgresql://postgres:@/postgres?host={tmp_path}"
    read = Settings(database_url=away, database_read_url=seeded_url, data_dir=tmp_path)
    assert materialize(read).rows["raw_calls"] == 8


def test_the_command_writes_the_snapshot_as_data(
    seeded_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REAUTO_DATABASE_URL", seeded_url)
    monkeypatch.setenv("REAUTO_DATA_DIR", str(tmp_path / "data"))
    report = tmp_path / "report.json"
    done = CliRunner().invoke(app, ["run", "--json", str(report)])
    assert done.exit_code == 0
    data = json.loads(report.read_text())
    assert Path(data["snapshot"]["path"]).exists()
    assert data["snapshot"]["id"] in done.stdout
    assert data["rows"]["call_facts"] == 6


def test_the_command_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REAUTO_DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["run"])
    assert done.exit_code == 1
    assert "REAUTO_DATABASE_URL: is not set" in done.stderr
