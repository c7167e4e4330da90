"""Activation tells listeners, once it is committed."""

import asyncio

import asyncpg

from service.adapters.postgres.config_store import CHANNEL, PostgresConfigStore
from service.adapters.postgres.database import PostgresDatabase
from service.settings import Settings
from tests.service.ports.test_config_store_contract import a_version


async def test_activation_notifies(postgres_url: str) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    listener = await asyncpg.connect(postgres_url)
    await listener.add_listener(CHANNEL, lambda *message: told.put_nowait(message[-1]))
    database = PostgresDatabase(Settings(database_url=postgres_url))
    await database.open()
    store = PostgresConfigStore(database)
    for name in "ab":
        version = await store.put(a_version(name))
        await store.activate(version.config_id, reason="test", expected_generation=None)
    async with asyncio.timeout(10):
        assert [await told.get(), await told.get()] == ["1", "2"]
    await database.close()
    await listener.close()
