"""One bounded connection pool per process, and the short transactions that the stores run on it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from service.adapters.postgres.connecting import make_engine, translated
from service.domain.errors import InvalidSettings, StorageUnavailable
from service.settings import Settings


class PoolStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """The pool at one moment, and what waiting for it came to since it was opened.

    `waits` counts every time a connection was asked for; `wait_s` sums how long that took,
    connecting and pre-ping included; `longest_wait_s` is the worst.
    """

    size: int
    in_use: int
    waiting: int
    waits: int
    wait_s: float
    longest_wait_s: float


class PostgresDatabase:
    """The pool. `open` connects to nothing yet, so a server that is away delays no start.

    `on_wait` is told the seconds that each request for a connection took, failed ones included.
    """

    def __init__(
        self, settings: Settings, *, on_wait: Callable[[float], None] = lambda _seconds: None
    ) -> None:
        if settings.database_url is None:
            raise InvalidSettings("REAUTO_DATABASE_URL: is not set")
        self._url = settings.database_url
        self._pool = settings.pool
        self._on_wait = on_wait
        self._engine: AsyncEngine | None = None
        self._waiting = 0
        self._waits = 0
        self._wait_s = 0.0
        self._longest_wait_s = 0.0

    async def open(self) -> None:
        """Make the pool. A dead connection is noticed by a ping before it is lent."""
        self._engine = make_engine(
            self._url,
            timeout_s=self._pool.statement_timeout_s,
            connect_timeout_s=self._pool.wait_s,
            poolclass=AsyncAdaptedQueuePool,
            pool_size=self._pool.size,
            max_overflow=0,
            pool_timeout=self._pool.wait_s,
            pool_pre_ping=True,
        )

    async def close(self) -> None:
        """Close every connection; a second time does nothing."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Lend a connection inside a transaction: committed at the end, rolled back on error.

        Raises StorageUnavailable, Conflict or NotFound (see `connecting.translated`).
        """
        with translated():
            connection = await self._lend()
            try:
                async with connection.begin():
                    yield connection
            finally:
                # A cancelled call must still give its connection back.
                await asyncio.shield(asyncio.ensure_future(connection.close()))

    async def probe(self) -> str:
        """Ask the server for its version. Raises StorageUnavailable."""
        async with self.transaction() as connection:
            version = await connection.scalar(sa.text("SHOW server_version"))
        used = self.statistics()
        return f"PostgreSQL {version}, {used.in_use} of {used.size} connections in use"

    def statistics(self) -> PoolStatistics:
        """Read the pool; never waits."""
        pool = cast(AsyncAdaptedQueuePool, self._opened().pool)
        return PoolStatistics(
            size=self._pool.size,
            in_use=pool.checkedout(),
            waiting=self._waiting,
            waits=self._waits,
            wait_s=self._wait_s,
            longest_wait_s=self._longest_wait_s,
        )

    async def _lend(self) -> AsyncConnection:
        engine = self._opened()
        asked_at = time.monotonic()
        self._waiting += 1
        try:
            return await engine.connect()
        finally:
            waited_s = time.monotonic() - asked_at
            self._waiting -= 1
            self._waits += 1
            self._wait_s += waited_s
            self._longest_wait_s = max(self._longest_wait_s, waited_s)
            self._on_wait(waited_s)

    def _opened(self) -> AsyncEngine:
        if self._engine is None:
            raise StorageUnavailable("the PostgreSQL pool is not open")
        return self._engine
