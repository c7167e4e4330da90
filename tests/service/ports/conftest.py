"""Each port's implementations: every contract test runs on all of them."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from service.adapters.memory.calls import InMemoryCallStore
from service.adapters.memory.campaigns import InMemoryCampaignStore
from service.adapters.memory.configs import InMemoryConfigStore
from service.adapters.memory.contacts import InMemoryContactStore
from service.adapters.memory.idempotency import InMemoryIdempotency
from service.adapters.memory.sessions import InMemorySessions
from service.adapters.postgres.call_store import PostgresCallStore
from service.adapters.postgres.campaign_store import PostgresCampaignStore
from service.adapters.postgres.config_store import PostgresConfigStore
from service.adapters.postgres.contact_store import PostgresContactStore
from service.adapters.postgres.database import PostgresDatabase
from service.adapters.redis.idempotency import RedisIdempotency
from service.adapters.redis.sessions import RedisSessions
from service.adapters.system_clock import SystemClock
from service.domain.ids import new_id
from service.ports.idempotency import Idempotency
from service.ports.sessions import Sessions
from service.settings import PoolSettings, Settings
from tests.service.ports.port_twins import Stores


@pytest.fixture(params=["memory", "postgres"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    if request.param == "memory":
        calls, contacts = InMemoryCallStore(), InMemoryContactStore()
        campaigns = InMemoryCampaignStore(calls=calls, contacts=contacts)
        yield Stores(calls, contacts, campaigns, InMemoryConfigStore(SystemClock()))
        return
    url = request.getfixturevalue("postgres_url")
    database = PostgresDatabase(Settings(database_url=url, pool=PoolSettings(size=4)))
    await database.open()
    yield Stores(
        PostgresCallStore(database),
        PostgresContactStore(database),
        PostgresCampaignStore(database),
        PostgresConfigStore(database),
    )
    await database.close()


@pytest.fixture(params=["memory", "redis"])
async def sessions(request: pytest.FixtureRequest) -> AsyncIterator[Sessions]:
    if request.param == "memory":
        yield InMemorySessions(SystemClock())
        return
    real = RedisSessions(request.getfixturevalue("redis_url"))
    yield real
    await real.close()


@pytest.fixture(params=["memory", "redis"])
async def idempotency(request: pytest.FixtureRequest) -> AsyncIterator[Idempotency]:
    if request.param == "memory":
        yield InMemoryIdempotency(SystemClock())
        return
    real = RedisIdempotency(request.getfixturevalue("redis_url"))
    yield real
    await real.close()


@pytest.fixture
def unknown_id() -> UUID:
    return new_id()
