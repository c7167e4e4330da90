"""Engines on asyncpg that are safe behind PgBouncer, and the one translation of their errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from service.domain.errors import Conflict, NotFound, StorageUnavailable

_UNIQUE_VIOLATION = "23505"
_FOREIGN_KEY_VIOLATION = "23503"
# SQLSTATE classes (PostgreSQL manual, appendix A): connection, transaction rollback, insufficient
# resources, operator intervention, system error.
_AWAY = ("08", "40", "53", "57", "58")


def make_engine(
    database_url: str, *, timeout_s: float, connect_timeout_s: float, **options: Any
) -> AsyncEngine:
    """Make an engine for a libpq URL (`postgresql://...`, unix sockets by `?host=/folder`).

    `timeout_s` bounds one statement: the client cancels it on the server. No statement is cached
    and names are unique, because PgBouncer may serve each transaction from another connection; no
    startup parameter is set, because PgBouncer refuses those it does not know. Errors show the
    statement without its parameters, which hold names and transcripts.
    """

    async def connect(**_: Any) -> Any:
        return await asyncpg.connect(
            database_url,
            timeout=connect_timeout_s,
            command_timeout=timeout_s,
            statement_cache_size=0,
        )

    return create_async_engine(
        "postgresql+asyncpg://",
        connect_args={
            "async_creator_fn": connect,
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": lambda: f"__reauto_{uuid4()}__",
        },
        hide_parameters=True,
        **options,
    )


@contextmanager
def translated() -> Iterator[None]:
    """Turn what SQLAlchemy, asyncpg and the socket raise into the house's errors.

    Conflict for a unique key, NotFound for a missing referenced row, StorageUnavailable for a
    server that is away, full or too slow; anything else is a defect and passes through.
    """
    try:
        yield
    except PoolTimeout as error:
        raise StorageUnavailable(
            "PostgreSQL: no connection of the pool came free in time"
        ) from error
    except DBAPIError as error:
        raise _translate(error) from error
    except asyncpg.PostgresError as error:
        raise StorageUnavailable(f"PostgreSQL refused the connection: {error}") from error
    except (TimeoutError, asyncpg.InterfaceError) as error:
        raise StorageUnavailable("PostgreSQL did not answer in time") from error
    except OSError as error:
        raise StorageUnavailable(f"PostgreSQL cannot be reached: {error}") from error


def _translate(error: DBAPIError) -> Exception:
    state = getattr(error.orig, "sqlstate", None)
    if state == _UNIQUE_VIOLATION:
        return Conflict("it exists already")
    if state == _FOREIGN_KEY_VIOLATION:
        return NotFound("something that it refers to does not exist")
    if error.connection_invalidated or (state is not None and state.startswith(_AWAY)):
        return StorageUnavailable("PostgreSQL went away or stopped the statement")
    return error
