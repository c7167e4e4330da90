"""The pool on a real server: bounded, fair, cancel-safe, and back after an outage."""

import asyncio
import traceback
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from service.adapters.postgres.database import PostgresDatabase
from service.adapters.postgres.embedded import EmbeddedPostgres
from service.domain.errors import InvalidSettings, NotFound, StorageUnavailable
from service.settings import PoolSettings, Settings


def a_database(url: str, **pool: float) -> PostgresDatabase:
    return PostgresDatabase(Settings(database_url=url, pool=PoolSettings(**pool)))


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[PostgresDatabase]:
    database = a_database(postgres_url, size=4, wait_s=10)
    await database.open()
    yield database
    await database.close()


async def _one(database: PostgresDatabase, statement: str) -> object:
    async with database.transaction() as connection:
        return await connection.scalar(sa.text(statement))


async def test_forty_tasks_share_four_connections(database: PostgresDatabase) -> None:
    most = 0

    async def work() -> None:
        nonlocal most
        for _ in range(5):
            async with database.transaction() as connection:
                most = max(most, database.statistics().in_use)
                await connection.execute(sa.text("SELECT pg_sleep(0.001)"))

    await asyncio.gather(*(work() for _ in range(40)))
    now = database.statistics()
    assert most == 4
    assert (now.size, now.in_use, now.waiting, now.waits) == (4, 0, 0, 200)
    assert 0 < now.longest_wait_s <= now.wait_s


async def test_waiting_is_seen_and_bounded(postgres_url: str) -> None:
    database = a_database(postgres_url, size=1, wait_s=0.2)
    await database.open()
    async with database.transaction():
        waiter = asyncio.create_task(database.probe())
        await asyncio.sleep(0)
        assert database.statistics().waiting == 1
        with pytest.raises(StorageUnavailable, match="pool"):
            await waiter
    assert "PostgreSQL" in await database.probe()
    await database.close()


async def test_a_slow_statement_is_stopped_on_the_server(postgres_url: str) -> None:
    database = a_database(postgres_url, size=2, statement_timeout_s=0.2)
    await database.open()
    with pytest.raises(StorageUnavailable):
        await _one(database, "SELECT pg_sleep(30)")
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)'"
    async with asyncio.timeout(10):
        while await _one(database, f"{sleeping} AND state = 'active'"):
            await asyncio.sleep(0.01)
    await database.close()


async def test_cancelled_tasks_give_their_connections_back(database: PostgresDatabase) -> None:
    for _ in range(3):
        tasks = [asyncio.create_task(_one(database, "SELECT pg_sleep(5)")) for _ in range(12)]
        while database.statistics().in_use < 4:
            await asyncio.sleep(0.005)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(10):
            while database.statistics().in_use:
                await asyncio.sleep(0.005)
    ones = await asyncio.gather(*(_one(database, "SELECT 1") for _ in range(8)))
    assert ones == [1] * 8


async def test_an_error_rolls_back(database: PostgresDatabase) -> None:
    insert = sa.text("INSERT INTO suppressions (phone, reason) VALUES ('+15550000001', 'x')")

    async def change_my_mind() -> None:
        async with database.transaction() as connection:
            await connection.execute(insert)
            raise NotFound("after all")

    with pytest.raises(NotFound):
        await change_my_mind()
    assert await _one(database, "SELECT count(*) FROM suppressions") == 0


async def test_every_wait_is_told(postgres_url: str) -> None:
    waits: list[float] = []
    settings = Settings(database_url=postgres_url, pool=PoolSettings(size=1, wait_s=0.2))
    database = PostgresDatabase(settings, on_wait=waits.append)
    await database.open()
    async with database.transaction():
        with pytest.raises(StorageUnavailable, match="pool"):
            await database.probe()
    assert len(waits) == database.statistics().waits == 2
    assert sum(waits) == pytest.approx(database.statistics().wait_s)
    await database.close()


async def test_an_error_names_no_parameter(database: PostgresDatabase) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with database.transaction() as connection:
            await connection.execute(
                sa.text("SELECT no_such_column, CAST(:text AS text)"), {"text": "my secret words"}
            )
    told = "".join(traceback.format_exception(caught.value))
    assert "no_such_column" in told
    assert "my secret words" not in told


async def test_nothing_prepared_stays_on_the_server(postgres_url: str) -> None:
    """PgBouncer in transaction mode gives each transaction another server connection."""
    database = a_database(postgres_url, size=1)
    await database.open()
    for number in range(5):
        await _one(database, f"SELECT {number}")
    left = "SELECT count(*) FROM pg_prepared_statements WHERE statement NOT LIKE '%prepared%'"
    assert await _one(database, left) <= 1
    await database.close()


async def test_an_unopened_or_closed_pool_says_so(postgres_url: str) -> None:
    database = a_database(postgres_url)
    with pytest.raises(StorageUnavailable):
        await database.probe()
    await database.open()
    await database.close()
    await database.close()
    with pytest.raises(StorageUnavailable):
        await database.probe()
    with pytest.raises(InvalidSettings):
        PostgresDatabase(Settings(database_url=None))


async def test_a_server_that_stops_and_returns(server_folder: Path) -> None:
    server = EmbeddedPostgres(server_folder / "outage", durable=False)
    database = a_database(server.start(), size=4, wait_s=5)
    try:
        await database.open()
        assert "PostgreSQL 18" in await database.probe()
        busy = asyncio.create_task(_one(database, "SELECT pg_sleep(30)"))
        while database.statistics().in_use < 1:
            await asyncio.sleep(0.005)
        await asyncio.to_thread(server.stop)
        with pytest.raises(StorageUnavailable):
            await busy
        for _ in range(6):
            with pytest.raises(StorageUnavailable):
                await database.probe()
        await asyncio.to_thread(server.start)
        ones = await asyncio.gather(*(_one(database, "SELECT 1") for _ in range(8)))
        assert ones == [1] * 8
    finally:
        await database.close()
        server.stop()
