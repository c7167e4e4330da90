"""The PostgreSQL that is ours: start, stop, and what a killed owner leaves."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from service.adapters.postgres.embedded import EmbeddedPostgres
from service.domain.errors import Conflict, StorageUnavailable

_OWNER = """
import sys, time
from pathlib import Path
from service.adapters.postgres.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def data_dir(server_folder: Path) -> Path:
    return server_folder / ("long-" * 30)


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data_dir, durable=False)
    yield server
    server.stop()


async def _scalar(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_it_serves_a_unix_socket_only_and_keeps_its_data(server: EmbeddedPostgres) -> None:
    url = server.start()
    assert server.start() == url
    assert await _scalar(url, "SHOW listen_addresses") == ""
    await _scalar(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    pid = server.pid
    assert pid is not None
    server.stop()
    server.stop()
    assert server.pid is None
    assert not psutil.pid_exists(pid)
    assert await _scalar(server.start(), "SELECT answer FROM kept") == 42


async def test_it_starts_after_kill_9(server: EmbeddedPostgres) -> None:
    url = server.start()
    await _scalar(url, "CREATE TABLE survived AS SELECT 7 AS n")
    process = psutil.Process(server.pid)
    process.kill()
    process.wait(10)
    assert await _scalar(server.start(), "SELECT n FROM survived") == 7


def test_a_killed_owner_is_cleaned_up_and_a_living_one_respected(
    server: EmbeddedPostgres, data_dir: Path
) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(data_dir)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert owner.stdout is not None
        orphan = int(owner.stdout.readline())
        with pytest.raises(Conflict):
            server.start()
        server.stop()
        assert asyncio.run(_scalar(server.url, "SELECT 1")) == 1
        owner.kill()
        owner.wait()
        assert psutil.pid_exists(orphan)
        server.start()
        assert not psutil.pid_exists(orphan)
        assert server.pid not in (None, orphan)
    finally:
        owner.kill()
        owner.communicate()


def test_a_half_made_cluster_is_made_again(server_folder: Path) -> None:
    data_dir = server_folder / "half"
    (data_dir / "cluster.new" / "base").mkdir(parents=True)
    server = EmbeddedPostgres(data_dir, durable=False)
    try:
        server.start()
        assert server.pid is not None
        assert not (data_dir / "cluster.new").exists()
    finally:
        server.stop()


def test_a_server_that_cannot_start_shows_its_log(server_folder: Path) -> None:
    cluster = server_folder / "broken" / "cluster"
    cluster.mkdir(parents=True)
    server = EmbeddedPostgres(server_folder / "broken", durable=False)
    with pytest.raises(StorageUnavailable, match=r"postgresql\.conf"):
        server.start()
    assert server.pid is None
    cluster.rmdir()
