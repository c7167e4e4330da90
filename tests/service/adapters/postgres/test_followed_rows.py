"""What pulls rely on: a call's row moves when its outcome comes, and money is stored exactly."""

from collections.abc import AsyncIterator
from decimal import Decimal

import asyncpg
import pytest

from service.adapters.postgres.call_store import PostgresCallStore
from service.adapters.postgres.database import PostgresDatabase
from service.domain.conversation import ConversationResult
from service.domain.outcome import Outcome
from service.settings import Settings
from tests.service.ports.port_twins import NOON, a_call
from tests.service.ports.test_call_store_contract import a_line, a_turn


@pytest.fixture
async def calls(postgres_url: str) -> AsyncIterator[PostgresCallStore]:
    database = PostgresDatabase(Settings(database_url=postgres_url))
    await database.open()
    yield PostgresCallStore(database)
    await database.close()


@pytest.fixture
async def reader(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


async def test_finishing_moves_the_calls_own_row_once(
    calls: PostgresCallStore, reader: asyncpg.Connection
) -> None:
    xid = "SELECT row_xid::text::bigint FROM calls"
    call = await calls.create(a_call())
    created = await reader.fetchval(xid)
    result = ConversationResult(outcome=Outcome.QUALIFIED)
    await calls.finish(call.call_id, result=result, ledger=[], at=NOON)
    finished = await reader.fetchval(xid)
    await calls.finish(call.call_id, result=result, ledger=[], at=NOON)
    assert created < finished == await reader.fetchval(xid)
    assert finished == await reader.fetchval("SELECT row_xid::text::bigint FROM conversations")


async def test_a_turn_and_its_money_are_one_transaction(
    calls: PostgresCallStore, reader: asyncpg.Connection
) -> None:
    call = await calls.create(a_call())
    await calls.record_turn(a_turn(call.call_id), [a_line(cost="0.1"), a_line(cost=None)])
    rows = await reader.fetch(
        "SELECT t.row_xid = e.row_xid AS together, e.cost_usd, e.quantity FROM turns t "
        "JOIN ledger_entries e USING (call_id, turn_index) ORDER BY line_index"
    )
    assert [tuple(row) for row in rows] == [
        (True, Decimal("0.1"), Decimal("1234.5")),
        (True, None, Decimal("1234.5")),
    ]
