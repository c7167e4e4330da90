"""What is particular to sessions in a real Redis: expiry, hashing, outages, warnings."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis.asyncio as redis

from service.adapters.redis.embedded import EmbeddedRedis
from service.adapters.redis.idempotency import RedisIdempotency
from service.adapters.redis.sessions import RedisSessions
from service.domain.errors import BadSignature, StorageUnavailable
from service.domain.events import LegEnded
from service.domain.ids import new_id
from service.ports.idempotency import IN_FLIGHT_S, REMEMBERED_S
from tests.service.ports.test_sessions_contract import a_live_call, a_worker, take


@pytest.fixture
async def sessions(redis_url: str) -> AsyncIterator[RedisSessions]:
    sessions = RedisSessions(redis_url)
    yield sessions
    await sessions.close()


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[redis.Redis]:
    async with redis.Redis.from_url(redis_url) as client:
        yield client


async def test_every_entry_expires(sessions: RedisSessions, client: redis.Redis) -> None:
    live = a_live_call()
    await sessions.save(live, ttl_s=30)
    await sessions.announce(a_worker("w0"), ttl_s=20)
    await sessions.issue_token(live.call_id, worker_id="w0", ttl_s=10)
    await sessions.tell("w0", LegEnded(call_id=live.call_id, status="completed"))
    limits = {"session": 30, "worker": 20, "token": 10, "inbox": 3600}
    for kind, limit_s in limits.items():
        names = [k async for k in client.scan_iter(f"reauto:{kind}:*") if not k.endswith(b":all")]
        assert len(names) == 1
        assert limit_s - 5 < await client.ttl(names[0]) <= limit_s


async def test_what_expired_is_gone_from_the_lists(
    sessions: RedisSessions, client: redis.Redis
) -> None:
    gone, there = a_live_call(), a_live_call()
    for live in (gone, there):
        await sessions.save(live, ttl_s=30)
    await client.pexpire(f"reauto:session:{gone.call_id}", 0)
    assert await sessions.list() == (there,)
    assert await client.smembers("reauto:session:all") == {str(there.call_id).encode()}
    await sessions.save(gone, ttl_s=30)
    assert len(await sessions.list()) == 2


async def test_a_late_token_is_refused(sessions: RedisSessions, client: redis.Redis) -> None:
    token = await sessions.issue_token(new_id(), worker_id="w0", ttl_s=30)
    [name] = [name async for name in client.scan_iter("reauto:token:*")]
    assert token.encode() not in name + await client.get(name)
    await client.pexpire(name, 0)
    with pytest.raises(BadSignature):
        await sessions.redeem_token(token, worker_id="w0")


async def test_an_inbox_nobody_reads_is_capped(
    sessions: RedisSessions, client: redis.Redis
) -> None:
    event = LegEnded(call_id=new_id(), status="completed")
    await asyncio.gather(*(sessions.tell("w0", event) for _ in range(1010)))
    assert await client.xlen("reauto:inbox:w0") == 1000


async def test_an_unreadable_event_does_not_stop_the_inbox(
    sessions: RedisSessions, client: redis.Redis
) -> None:
    await client.xadd("reauto:inbox:w0", {"event": b'{"type": "FromTheFuture"}'})
    event = LegEnded(call_id=new_id(), status="completed")
    await sessions.tell("w0", event)
    inbox = sessions.inbox("w0")
    assert await take(inbox, 1) == [event]
    await inbox.aclose()


async def test_answers_are_kept_a_day(redis_url: str, client: redis.Redis) -> None:
    idempotency = RedisIdempotency(redis_url)
    await idempotency.begin("key", "a")
    [name] = [name async for name in client.scan_iter("reauto:idempotency:*")]
    assert IN_FLIGHT_S - 5 < await client.ttl(name) <= IN_FLIGHT_S
    await idempotency.complete("key", status=200, body=b"{}")
    assert REMEMBERED_S - 5 < await client.ttl(name) <= REMEMBERED_S
    await idempotency.close()


async def test_the_probe_warns_of_what_could_lose_sessions(
    sessions: RedisSessions, client: redis.Redis
) -> None:
    assert "appendonly yes, noeviction" in await sessions.probe()
    assert sessions.warnings() == ()
    try:
        await client.config_set("appendonly", "no")
        await client.config_set("maxmemory-policy", "allkeys-lru")
        await sessions.probe()
        persistence, eviction = sessions.warnings()
        assert "persistence is off" in persistence
        assert "allkeys-lru" in eviction
        await client.config_set("save", "60 1")
        await sessions.probe()
        assert len(sessions.warnings()) == 1
    finally:
        for name, value in (
            ("save", ""),
            ("appendonly", "yes"),
            ("maxmemory-policy", "noeviction"),
        ):
            await client.config_set(name, value)


async def test_an_outage_is_reported_and_gets_over(server_folder: Path) -> None:
    server = EmbeddedRedis(server_folder / "redis-outage")
    sessions = RedisSessions(server.start())
    inbox = sessions.inbox("w0")
    try:
        live, event = a_live_call(), LegEnded(call_id=new_id(), status="completed")
        token = await sessions.issue_token(live.call_id, worker_id="w0", ttl_s=60)
        await sessions.save(live, ttl_s=60)
        reading = asyncio.create_task(take(inbox, 1))
        await asyncio.to_thread(server.stop)
        for failing in (sessions.probe(), sessions.list(), sessions.tell("w0", event)):
            with pytest.raises(StorageUnavailable):
                await failing
        await asyncio.to_thread(server.start)
        assert await sessions.list() == (live,)
        assert await sessions.redeem_token(token, worker_id="w0") == live.call_id
        await sessions.tell("w0", event)
        assert await reading == [event]
    finally:
        await inbox.aclose()
        await sessions.close()
        server.stop()
