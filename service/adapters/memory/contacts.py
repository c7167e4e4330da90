"""Contacts and suppressions in dictionaries, by the contract of `service.ports.call_store`."""

from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from service.adapters.cursors import decode_cursor, encode_cursor
from service.domain.contact import Contact
from service.domain.errors import Conflict, NotFound


class InMemoryContactStore:
    """Implements `ContactStore`."""

    def __init__(self) -> None:
        self._contacts: dict[UUID, Contact] = {}
        self._suppressed: dict[str, str] = {}

    async def upsert(self, contact: Contact) -> Contact:
        """Insert, or overwrite the contact with the same number, keeping its id and birth.

        Raises Conflict when the id belongs to another number.
        """
        known = await self.by_phone(contact.phone)
        if known is not None:
            contact = replace(contact, contact_id=known.contact_id, created_at=known.created_at)
        elif contact.contact_id in self._contacts:
            raise Conflict(f"the contact {contact.contact_id} has another phone number")
        self._contacts[contact.contact_id] = contact
        return contact

    async def get(self, contact_id: UUID) -> Contact:
        """Raises NotFound."""
        if contact_id not in self._contacts:
            raise NotFound(f"there is no contact {contact_id}")
        return self._contacts[contact_id]

    async def by_phone(self, phone: str) -> Contact | None:
        """The contact with this E.164 number."""
        return next((c for c in self._contacts.values() if c.phone == phone), None)

    async def page(
        self, *, limit: int, cursor: str | None
    ) -> tuple[tuple[Contact, ...], str | None]:
        """List oldest first with the next cursor. Raises InvalidInput for a foreign cursor."""
        after = decode_cursor("contacts", cursor) if cursor else None
        rows = sorted(
            (c for c in self._contacts.values() if after is None or _sort_key(c) > after),
            key=_sort_key,
        )
        shown = tuple(rows[:limit])
        if len(rows) <= limit:
            return shown, None
        last = shown[-1]
        return shown, encode_cursor("contacts", at=last.created_at, row_id=last.contact_id)

    async def suppress(self, phone: str, *, reason: str, call_id: UUID | None) -> None:
        """Never dial this number again; the first reason stays."""
        del call_id
        self._suppressed.setdefault(phone, reason)

    async def is_suppressed(self, phone: str) -> bool:
        """True when the number may not be dialled."""
        return phone in self._suppressed


def _sort_key(contact: Contact) -> tuple[datetime, UUID]:
    return contact.created_at, contact.contact_id
