"""The four stores of record together, and values to put into them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from service.domain.call import Call, CallStatus, Direction
from service.domain.contact import Contact
from service.domain.ids import new_id
from service.ports.call_store import CallStore, CampaignStore, ContactStore
from service.ports.config_store import ConfigStore

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Stores:
    calls: CallStore
    contacts: ContactStore
    campaigns: CampaignStore
    configs: ConfigStore

    async def contact(self, number: int) -> Contact:
        """A stored contact; `number` makes it unique."""
        return await self.contacts.upsert(
            Contact(
                contact_id=new_id(),
                phone=f"+1555{number:07d}",
                name=f"Contact {number}",
                created_at=NOON + timedelta(seconds=number),
            )
        )

    async def call(self, **changes: object) -> Call:
        """A stored outbound call."""
        return await self.calls.create(a_call(**changes))


def a_call(**changes: object) -> Call:
    fields: dict[str, object] = {
        "call_id": new_id(),
        "direction": Direction.OUTBOUND,
        "from_number": "+15550000001",
        "to_number": "+15550000002",
        "status": CallStatus.QUEUED,
        "config_id": "c" * 64,
        "created_at": NOON,
    }
    return Call(**(fields | changes))
