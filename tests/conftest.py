"""Real servers for every test, files of the test assets, and a guard against what tests leak."""

import asyncio
import inspect
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
import pytest_asyncio
import redis

from service.adapters.postgres.embedded import EmbeddedPostgres, binaries
from service.adapters.postgres.schema import migrate
from service.adapters.redis.embedded import EmbeddedRedis

_TEMPLATE = "migrated"
_SERVERS = "reauto-test-"
_ROOM_BYTES = 1 << 30
_LEAK_PATIENCE_S = 2.0
# The interpreter keeps these for itself until it exits.
_HOUSEKEEPING = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of recordings and contracts that REAUTO_TEST_ASSETS names."""
    folder = os.environ.get("REAUTO_TEST_ASSETS")
    if not folder:
        pytest.skip("REAUTO_TEST_ASSETS is not set: the recordings and contracts are not here")
    path = Path(folder).resolve()
    if not path.is_dir():
        pytest.fail(f"REAUTO_TEST_ASSETS names no folder: {folder}")
    return path


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A short folder that an unprivileged account may pass through, unlike pytest's own.

    It lies in memory where there is room: a database per test is much writing.
    """
    memory = Path("/dev/shm")
    is_roomy = memory.is_dir() and shutil.disk_usage(memory).free > _ROOM_BYTES
    folder = Path(tempfile.mkdtemp(prefix=_SERVERS, dir=memory if is_roomy else None))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_server(server_folder: Path) -> Iterator[str]:
    """URL of a PostgreSQL of this test process, with a migrated template database."""
    server = EmbeddedPostgres(server_folder / "postgres", durable=False)
    url = server.start()
    try:
        _sql(url, f"CREATE DATABASE {_TEMPLATE}")
        # A thread of its own: an async fixture may ask for the server while its loop runs.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, migrate(_database(url, _TEMPLATE))).result()
        yield url
    finally:
        server.stop()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """URL of a migrated, empty database of this test alone."""
    name = f"test_{uuid4().hex}"
    _sql(postgres_server, f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY file_copy")
    yield _database(postgres_server, name)
    _sql(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_postgres_url(postgres_server: str) -> Iterator[str]:
    """URL of a database without tables, for tests of the migrations themselves."""
    name = f"test_{uuid4().hex}"
    _sql(postgres_server, f"CREATE DATABASE {name}")
    yield _database(postgres_server, name)
    _sql(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def redis_server(server_folder: Path) -> Iterator[str]:
    """URL of a Redis of this test process."""
    server = EmbeddedRedis(server_folder / "redis", durable=False)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """URL of an empty Redis."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    if inspect.iscoroutinefunction(getattr(request.node, "function", None)):
        request.getfixturevalue("_leaves_no_task")
    before = set(_children())
    yield
    left = [process for process in _children() if process not in before]
    _, alive = psutil.wait_procs(left, timeout=_LEAK_PATIENCE_S)
    assert not alive, f"the test left processes running: {alive}"


@pytest_asyncio.fixture
async def _leaves_no_task() -> AsyncIterator[None]:
    yield
    mine = asyncio.current_task()
    left = {task for task in asyncio.all_tasks() if task is not mine}
    if left:
        _, left = await asyncio.wait(left, timeout=_LEAK_PATIENCE_S)
    assert not left, f"the test left tasks running: {left}"


def _children() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children():
        try:
            command, folder = " ".join(child.cmdline()), child.cwd()
        except psutil.Error:
            continue
        if _SERVERS not in folder and not any(name in command for name in _HOUSEKEEPING):
            found.append(child)
    return found


def _database(url: str, name: str) -> str:
    return url.replace("/postgres?", f"/{name}?")


def _sql(url: str, statement: str) -> None:
    subprocess.run(
        [
            binaries() / "psql",
            "--no-psqlrc",
            "--quiet",
            "-v",
            "ON_ERROR_STOP=1",
            url,
            "-c",
            statement,
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
