import asyncio
import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from cli.pipelines import app
from pipelines.lib.extract import analytics_url
from pipelines.lib.snapshot import SnapshotStore
from pipelines.run import ASSETS, materialize
from pipelines.snapshot import connect
from service.adapters.postgres.call_store import PostgresCallStore
from service.domain.conversation import ConversationResult
from service.domain.errors import Refused, StorageUnavailable
from service.domain.ids import new_id
from service.domain.outcome import Outcome
from service.settings import Settings
from tests.pipelines.seed import SeededCall, live, some_history, turn, with_store


def settings(database_url: str | None, data_dir: Path) -> Settings:
    return Settings(database_url=database_url, data_dir=data_dir)


def test_a_run_publishes_the_calls_and_a_second_one_the_same_facts(
    seeded_url: str, history: tuple[SeededCall, ...], tmp_path: Path
) -> None:
    heard: list[str] = []
    first = materialize(settings(seeded_url, tmp_path), on_asset=heard.append)
    assert sorted(heard) == sorted(ASSETS)
    assert first.rows["raw_calls"] == len(history)
    assert first.rows["call_facts"] == len(live(history))
    assert first.rows["turn_facts"] == sum(len(seeded.turns) for seeded in live(history))
    with connect(tmp_path) as snapshot:
        assert snapshot.id == first.snapshot_id
        assert snapshot.path == first.snapshot_path
        before = {name: snapshot.sql(f"FROM {name}") for name in ("call_facts", "turn_facts")}
        second = materialize(settings(seeded_url, tmp_path))
        assert second.snapshot_id > first.snapshot_id
        assert second.rows == first.rows
        assert snapshot.refresh()
        assert all(snapshot.sql(f"FROM {name}").equals(frame) for name, frame in before.items())
    # The history has one call with usage that no price book knows.
    assert len(second.warnings) == 1
    assert "call_facts.no_unpriced_usage" in second.warnings[0]


def test_a_lost_turn_stops_publishing_and_is_named(seeded_url: str, published: Path) -> None:
    before = SnapshotStore(published).current_id()
    call_id = new_id()

    async def lose_a_turn(store: PostgresCallStore) -> None:
        call = msgspec.structs.replace(some_history()[0].call, call_id=call_id)
        await store.create(call)
        for index in (0, 2):
            await store.record_turn(turn(call_id, index, seed=1), ())
        result = ConversationResult(outcome=Outcome.QUALIFIED)
        await store.finish(call_id, result=result, ledger=(), at=call.created_at)

    asyncio.run(with_store(seeded_url, lose_a_turn))
    with pytest.raises(Refused, match=f"turn_indexes_contiguous failed.*{call_id}"):
        materialize(settings(seeded_url, published))
    assert SnapshotStore(published).current_id() == before


def test_a_database_that_is_away_keeps_its_error(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable):
        materialize(settings(f"postgresql://postgres:@/postgres?host={tmp_path}", tmp_path))


def test_the_replica_is_read_when_there_is_one() -> None:
    both = Settings(database_url="postgresql://primary/x", database_read_url="postgresql://read/x")
    assert analytics_url(both) == "postgresql://read/x"
    assert analytics_url(settings("postgresql://primary/x", Path())) == "postgresql://primary/x"


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
