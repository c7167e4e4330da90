"""Redis clients with bounded waits, and the one translation of their errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from service.domain.errors import StorageUnavailable

_CONNECTIONS = 32
_WAIT_S = 2.0


def make_client(redis_url: str, *, answer_timeout_s: float = _WAIT_S) -> redis.Redis:
    """Make a client for a `redis://`, `rediss://` or `unix://` URL; it connects when first used.

    A broken connection is replaced once per command; a slow answer is not asked for again.
    """
    pool = redis.BlockingConnectionPool.from_url(
        redis_url,
        max_connections=_CONNECTIONS,
        timeout=_WAIT_S,
        socket_connect_timeout=_WAIT_S,
        socket_timeout=answer_timeout_s,
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )
    return redis.Redis.from_pool(pool)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what redis-py and the socket raise into StorageUnavailable."""
    try:
        yield
    except RedisError as error:
        raise StorageUnavailable(f"Redis: {error}") from error
    except OSError as error:
        raise StorageUnavailable(f"Redis cannot be reached: {error}") from error
