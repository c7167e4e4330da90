"""What every ContactStore does."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from service.domain.contact import Contact
from service.domain.errors import Conflict, InvalidInput, NotFound
from service.domain.ids import new_id
from tests.service.ports.port_twins import NOON, Stores


def a_contact(phone: str = "+15550000001", **changes: object) -> Contact:
    fields: dict[str, object] = {
        "contact_id": new_id(),
        "phone": phone,
        "name": "Zoë O'Neil",
        "created_at": NOON,
        "email": "zoe@example.org",
        "timezone": "America/New_York",
        "address": "1 Main St",
        "lead_source": "web",
        "consent_source": "form 2026-02-01",
        "notes": "prefers mornings",
    }
    return Contact(**(fields | changes))


async def test_a_contact_comes_back_as_it_was_put(stores: Stores) -> None:
    contact = a_contact()
    assert await stores.contacts.upsert(contact) == contact
    assert await stores.contacts.get(contact.contact_id) == contact
    assert await stores.contacts.by_phone(contact.phone) == contact


async def test_the_same_number_is_the_same_contact(stores: Stores) -> None:
    first = await stores.contacts.upsert(a_contact())
    later = a_contact(name="Zoe", email=None, created_at=NOON + timedelta(days=1))
    merged = await stores.contacts.upsert(later)
    assert (merged.contact_id, merged.created_at) == (first.contact_id, first.created_at)
    assert (merged.name, merged.email) == ("Zoe", None)
    assert await stores.contacts.get(first.contact_id) == merged
    with pytest.raises(NotFound):
        await stores.contacts.get(later.contact_id)


async def test_an_id_cannot_move_to_another_number(stores: Stores) -> None:
    contact = await stores.contacts.upsert(a_contact())
    with pytest.raises(Conflict):
        await stores.contacts.upsert(a_contact("+15550000002", contact_id=contact.contact_id))


async def test_racing_upserts_make_one_contact(stores: Stores) -> None:
    made = await asyncio.gather(*(stores.contacts.upsert(a_contact()) for _ in range(8)))
    assert len({contact.contact_id for contact in made}) == 1


async def test_unknown_contacts(stores: Stores, unknown_id: UUID) -> None:
    with pytest.raises(NotFound):
        await stores.contacts.get(unknown_id)
    assert await stores.contacts.by_phone("+15550009999") is None


async def test_pages_run_oldest_first(stores: Stores) -> None:
    made = [await stores.contact(number) for number in (3, 1, 2, 5, 4)]
    seen: list[Contact] = []
    cursor = None
    while True:
        contacts, cursor = await stores.contacts.page(limit=2, cursor=cursor)
        seen += contacts
        if cursor is None:
            break
    assert seen == sorted(made, key=lambda contact: contact.created_at)
    with pytest.raises(InvalidInput):
        await stores.contacts.page(limit=2, cursor="nonsense")


async def test_suppression_is_for_good(stores: Stores) -> None:
    phone = "+15550000001"
    assert not await stores.contacts.is_suppressed(phone)
    await stores.contacts.suppress(phone, reason="asked to stop", call_id=new_id())
    await stores.contacts.suppress(phone, reason="again", call_id=None)
    assert await stores.contacts.is_suppressed(phone)
    assert not await stores.contacts.is_suppressed("+15550000002")
