"""Calls, turns and ledger in PostgreSQL, by the contract of `service.ports.call_store`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.adapters.call_signals import mark_served, merge_report
from service.adapters.cursors import decode_cursor, encode_cursor
from service.adapters.postgres.database import PostgresDatabase
from service.adapters.postgres.rows import (
    call_from,
    call_row,
    ledger_line_from,
    ledger_rows,
    result_from,
    result_row,
    turn_from,
    turn_row,
)
from service.adapters.postgres.tables import (
    calls,
    conversations,
    ledger_entries,
    turns,
)
from service.domain.call import Call
from service.domain.conversation import ConversationResult
from service.domain.errors import Conflict, NotFound
from service.domain.money import LedgerLine
from service.domain.turn import Turn
from service.ports.call_store import Page, StatusReport

_CALL = sa.select(
    *(column for column in calls.c if column.name != "row_xid"), conversations.c.outcome
).select_from(calls.outerjoin(conversations))


class PostgresCallStore:
    """Implements `CallStore`. A change locks the call's row, so changes of one call queue up."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def create(self, call: Call) -> Call:
        """Insert; a second call with the same `call_id` or `twilio_sid` returns the first."""
        async with self._database.transaction() as connection:
            inserted = await connection.scalar(
                insert(calls)
                .values(call_row(call))
                .on_conflict_do_nothing()
                .returning(calls.c.call_id)
            )
            if inserted is not None:
                return call
            same = sa.or_(calls.c.call_id == call.call_id, calls.c.twilio_sid == call.twilio_sid)
            return await _one(connection, same, lock=False)

    async def get(self, call_id: UUID) -> Call:
        """Raises NotFound."""
        async with self._database.transaction() as connection:
            return await _one(connection, calls.c.call_id == call_id, lock=False)

    async def by_sid(self, twilio_sid: str) -> Call:
        """Raises NotFound."""
        async with self._database.transaction() as connection:
            return await _one(connection, calls.c.twilio_sid == twilio_sid, lock=False)

    async def page(self, *, limit: int, cursor: str | None, contact_id: UUID | None = None) -> Page:
        """List newest first. Raises InvalidInput for a cursor that this method did not make."""
        key = sa.tuple_(calls.c.created_at, calls.c.call_id)
        query = _CALL.order_by(calls.c.created_at.desc(), calls.c.call_id.desc()).limit(limit + 1)
        if cursor is not None:
            query = query.where(key < sa.tuple_(*decode_cursor("calls", cursor)))
        if contact_id is not None:
            query = query.where(calls.c.contact_id == contact_id)
        found = await self._all(query)
        shown = tuple(call_from(row) for row in found[:limit])
        if len(found) <= limit:
            return Page(calls=shown, next_cursor=None)
        last = shown[-1]
        next_cursor = encode_cursor("calls", at=last.created_at, row_id=last.call_id)
        return Page(calls=shown, next_cursor=next_cursor)

    async def placed(self, call_id: UUID, *, twilio_sid: str) -> Call:
        """Attach the network's id. Raises Conflict when the call or the id has another."""
        async with self._database.transaction() as connection:
            call = await _one(connection, calls.c.call_id == call_id)
            if call.twilio_sid == twilio_sid:
                return call
            if call.twilio_sid is not None:
                raise Conflict(f"the call {call_id} is attached to another sid already")
            return await _change(connection, call, replace(call, twilio_sid=twilio_sid))

    async def report(self, report: StatusReport) -> Call:
        """Apply a status callback in any order, any number of times. Raises NotFound."""
        async with self._database.transaction() as connection:
            call = await _one(connection, calls.c.twilio_sid == report.twilio_sid)
            return await _change(connection, call, merge_report(call, report))

    async def answered_by(self, call_id: UUID, verdict: str) -> Call:
        """Keep the first answering-machine verdict."""
        async with self._database.transaction() as connection:
            call = await _one(connection, calls.c.call_id == call_id)
            judged = replace(call, answered_by=call.answered_by or verdict)
            return await _change(connection, call, judged)

    async def served_by(
        self, call_id: UUID, *, worker_id: str, engines: dict[str, str], at: datetime
    ) -> Call:
        """The media stream started: the call is answered, on this worker."""
        async with self._database.transaction() as connection:
            call = await _one(connection, calls.c.call_id == call_id)
            served = replace(mark_served(call, at), worker_id=worker_id, engines=engines)
            return await _change(connection, call, served)

    async def record_turn(self, turn: Turn, ledger: Sequence[LedgerLine]) -> None:
        """Insert a turn with its ledger lines, once. Raises NotFound for an unknown call."""
        async with self._database.transaction() as connection:
            inserted = await connection.scalar(
                insert(turns)
                .values(turn_row(turn))
                .on_conflict_do_nothing()
                .returning(turns.c.turn_index)
            )
            if inserted is not None:
                await _add_lines(connection, ledger_rows(turn.call_id, turn.turn_index, ledger))

    async def turns(self, call_id: UUID) -> tuple[Turn, ...]:
        """All turns in order."""
        query = sa.select(turns).where(turns.c.call_id == call_id).order_by(turns.c.turn_index)
        return tuple(turn_from(row) for row in await self._all(query))

    async def finish(
        self,
        call_id: UUID,
        *,
        result: ConversationResult,
        ledger: Sequence[LedgerLine],
        at: datetime,
    ) -> Call:
        """Write outcome, facts and the call's own ledger lines once. Raises NotFound.

        The call's row is written too, so that pulls by `row_xid` see the call as changed.
        """
        async with self._database.transaction() as connection:
            call = await _one(connection, calls.c.call_id == call_id)
            if call.outcome is not None:
                return call
            await connection.execute(
                sa.insert(conversations).values(
                    call_id=call_id, finished_at=at, **result_row(result)
                )
            )
            await _add_lines(connection, ledger_rows(call_id, None, ledger))
            touched = sa.update(calls).where(calls.c.call_id == call_id)
            await connection.execute(touched.values(status=calls.c.status))
            return replace(call, outcome=result.outcome)

    async def result(self, call_id: UUID) -> ConversationResult | None:
        """The outcome with facts and summary, None while the call is not finished."""
        rows = await self._all(sa.select(conversations).where(conversations.c.call_id == call_id))
        return result_from(rows[0]) if rows else None

    async def ledger(self, call_id: UUID) -> tuple[LedgerLine, ...]:
        """Every ledger line of a call, turns first."""
        rows = await self._all(
            sa.select(ledger_entries)
            .where(ledger_entries.c.call_id == call_id)
            .order_by(ledger_entries.c.turn_index.nulls_last(), ledger_entries.c.line_index)
        )
        return tuple(ledger_line_from(row) for row in rows)

    async def unfinished(self, *, worker_id: str) -> tuple[Call, ...]:
        """Calls that this worker served and nobody finished."""
        rows = await self._all(
            _CALL.where(calls.c.worker_id == worker_id, conversations.c.call_id.is_(None)).order_by(
                calls.c.created_at, calls.c.call_id
            )
        )
        return tuple(call_from(row) for row in rows)

    async def _all(self, query: sa.Select[Any]) -> Sequence[sa.RowMapping]:
        async with self._database.transaction() as connection:
            rows: Sequence[sa.RowMapping] = (await connection.execute(query)).mappings().all()
            return rows


async def _one(
    connection: AsyncConnection, condition: sa.ColumnElement[bool], *, lock: bool = True
) -> Call:
    if lock:
        # A statement of its own: only the next one sees what the last owner of the lock wrote.
        locked = sa.select(calls.c.call_id).where(condition).with_for_update(key_share=True)
        await connection.execute(locked)
    row = (await connection.execute(_CALL.where(condition))).mappings().first()
    if row is None:
        raise NotFound("there is no such call")
    return call_from(row)


async def _change(connection: AsyncConnection, before: Call, after: Call) -> Call:
    """Write what differs, and no more.

    Naming a key column in an update, even unchanged, locks out the turns that refer to the call
    (row triggers make PostgreSQL take the lock of a changed key) and leads to deadlocks.
    """
    old, new = call_row(before), call_row(after)
    changes = {name: new[name] for name in new if new[name] != old[name]}
    if changes:
        changed = sa.update(calls).where(calls.c.call_id == after.call_id)
        await connection.execute(changed.values(changes))
    return after


async def _add_lines(connection: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    if rows:
        await connection.execute(sa.insert(ledger_entries), rows)
