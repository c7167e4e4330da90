"""The Redis that is ours: nothing it confirmed is lost, whatever kills it."""

from pathlib import Path

import psutil
import redis

from service.adapters.redis.embedded import EmbeddedRedis
from service.adapters.redis.sessions import RedisSessions
from tests.service.ports.test_sessions_contract import a_live_call


async def test_sessions_and_queue_survive_kill_9(server_folder: Path) -> None:
    server = EmbeddedRedis(server_folder / ("long-" * 30))
    url = server.start()
    assert server.start() == url
    sessions = RedisSessions(url)
    calls = [a_live_call() for _ in range(20)]
    try:
        for live in calls:
            await sessions.save(live, ttl_s=600)
        with redis.Redis.from_url(url) as client:
            client.rpush("reauto:queue:dial", *range(100))
        process = psutil.Process(server.pid)
        process.kill()
        process.wait(10)
        assert server.start() == url
        assert set(await sessions.list()) == set(calls)
        with redis.Redis.from_url(url) as client:
            assert client.lrange("reauto:queue:dial", 0, -1) == [b"%d" % n for n in range(100)]
    finally:
        await sessions.close()
        server.stop()


def test_it_is_safe_by_default_and_gone_after_stop(server_folder: Path) -> None:
    server = EmbeddedRedis(server_folder / "safe")
    with redis.Redis.from_url(server.start()) as client:
        settings = client.config_get()
    pid = server.pid
    server.stop()
    server.stop()
    assert pid is not None
    assert not psutil.pid_exists(pid)
    assert (settings["appendonly"], settings["appendfsync"]) == ("yes", "always")
    assert (settings["maxmemory-policy"], settings["port"]) == ("noeviction", "0")
