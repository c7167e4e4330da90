import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import adbc_driver_postgresql.dbapi
import pytest

from pipelines.lib.parquet import RawStore
from pipelines.lib.pull import Pulled, pull
from pipelines.lib.snapshot import SnapshotStore
from pipelines.lib.tables import RAW_TABLES
from service.adapters.postgres.schema import migrate
from tests.pipelines.seed import SeededCall, some_history, write

_SEEDED = "seeded"


@pytest.fixture(scope="session")
def history() -> tuple[SeededCall, ...]:
    """The calls of the seeded databases."""
    return some_history()


@pytest.fixture(scope="session")
def seeded_template(postgres_server: str, history: tuple[SeededCall, ...]) -> str:
    """URL of a database with the history; nobody but clones may touch it."""
    url = postgres_server.replace("/postgres?", f"/{_SEEDED}?")
    _execute(postgres_server, f"CREATE DATABASE {_SEEDED}")
    asyncio.run(migrate(url))
    asyncio.run(write(url, history))
    return url


@pytest.fixture
def seeded_url(postgres_server: str, seeded_template: str) -> Iterator[str]:
    """URL of a database of this test alone, with the history."""
    name = f"test_{uuid4().hex}"
    _execute(postgres_server, f"CREATE DATABASE {name} TEMPLATE {_SEEDED} STRATEGY file_copy")
    yield postgres_server.replace("/postgres?", f"/{name}?")
    _execute(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def raw(tmp_path: Path) -> RawStore:
    """An empty raw store."""
    return RawStore(tmp_path)


@pytest.fixture
def pulled(seeded_url: str, raw: RawStore) -> dict[str, Pulled]:
    """The history, pulled into `raw`."""
    return {table.name: pull(table, database_url=seeded_url, store=raw) for table in RAW_TABLES}


@pytest.fixture(scope="session")
def published_once(seeded_template: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the history pulled and a snapshot published, to be copied."""
    folder = tmp_path_factory.mktemp("published")
    for table in RAW_TABLES:
        pull(table, database_url=seeded_template, store=RawStore(folder))
    store = SnapshotStore(folder)
    store.publish(store.build().snapshot_id)
    return folder


@pytest.fixture
def published(published_once: Path, tmp_path: Path) -> Path:
    """A data folder of this test alone, with the history pulled and a snapshot published."""
    shutil.copytree(published_once, tmp_path, dirs_exist_ok=True)
    return tmp_path


def _execute(url: str, statement: str) -> None:
    with (
        adbc_driver_postgresql.dbapi.connect(url, autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
