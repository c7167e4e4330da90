"""Contacts and suppressions in PostgreSQL, by the contract of `service.ports.call_store`."""

from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from service.adapters.cursors import decode_cursor, encode_cursor
from service.adapters.postgres.database import PostgresDatabase
from service.adapters.postgres.rows import CONTACT_COLUMNS, contact_from
from service.adapters.postgres.tables import contacts, suppressions
from service.domain.contact import Contact
from service.domain.errors import NotFound

_CONTACT = sa.select(*CONTACT_COLUMNS)
_KEPT = ("contact_id", "phone", "created_at")


class PostgresContactStore:
    """Implements `ContactStore`."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    async def upsert(self, contact: Contact) -> Contact:
        """Insert, or overwrite the contact with the same number, keeping its id and birth.

        Raises Conflict when the id belongs to another number.
        """
        row = msgspec.structs.asdict(contact)
        changes = {name: value for name, value in row.items() if name not in _KEPT}
        statement = (
            insert(contacts)
            .values(row)
            .on_conflict_do_update(index_elements=[contacts.c.phone], set_=changes)
            .returning(*CONTACT_COLUMNS)
        )
        async with self._database.transaction() as connection:
            return contact_from((await connection.execute(statement)).mappings().one())

    async def get(self, contact_id: UUID) -> Contact:
        """Raises NotFound."""
        found = await self._all(_CONTACT.where(contacts.c.contact_id == contact_id))
        if not found:
            raise NotFound(f"there is no contact {contact_id}")
        return found[0]

    async def by_phone(self, phone: str) -> Contact | None:
        """The contact with this E.164 number."""
        found = await self._all(_CONTACT.where(contacts.c.phone == phone))
        return found[0] if found else None

    async def page(
        self, *, limit: int, cursor: str | None
    ) -> tuple[tuple[Contact, ...], str | None]:
        """List oldest first with the next cursor. Raises InvalidInput for a foreign cursor."""
        query = _CONTACT.order_by(contacts.c.created_at, contacts.c.contact_id).limit(limit + 1)
        if cursor is not None:
            key = sa.tuple_(contacts.c.created_at, contacts.c.contact_id)
            query = query.where(key > sa.tuple_(*decode_cursor("contacts", cursor)))
        found = await self._all(query)
        shown = found[:limit]
        if len(found) <= limit:
            return shown, None
        last = shown[-1]
        return shown, encode_cursor("contacts", at=last.created_at, row_id=last.contact_id)

    async def suppress(self, phone: str, *, reason: str, call_id: UUID | None) -> None:
        """Never dial this number again; the first reason stays."""
        statement = (
            insert(suppressions)
            .values(phone=phone, reason=reason, call_id=call_id)
            .on_conflict_do_nothing()
        )
        async with self._database.transaction() as connection:
            await connection.execute(statement)

    async def is_suppressed(self, phone: str) -> bool:
        """True when the number may not be dialled."""
        query = sa.select(sa.exists().where(suppressions.c.phone == phone))
        async with self._database.transaction() as connection:
            return bool(await connection.scalar(query))

    async def _all(self, query: sa.Select[Any]) -> tuple[Contact, ...]:
        async with self._database.transaction() as connection:
            rows = (await connection.execute(query)).mappings()
            return tuple(contact_from(row) for row in rows)
