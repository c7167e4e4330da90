"""Stores of record: contacts, calls, turns, ledger, suppressions, campaigns.

PostgreSQL is the truth. Every method is one short transaction, and all raise StorageUnavailable
when the store cannot be reached.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from service.domain.call import Call, CallStatus
from service.domain.campaign import Attempt, AttemptStatus, Campaign, CampaignStatus
from service.domain.contact import Contact
from service.domain.conversation import ConversationResult
from service.domain.money import LedgerLine
from service.domain.turn import Turn


class StatusReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a status callback says about a call."""

    twilio_sid: str
    status: CallStatus
    at: datetime
    duration_s: int | None = None
    error_code: str | None = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of calls, newest first; `next_cursor` is None on the last page."""

    calls: tuple[Call, ...]
    next_cursor: str | None


class CallStore(Protocol):
    """Calls, their turns and their ledger."""

    async def create(self, call: Call) -> Call:
        """Insert; a second call with the same `call_id` or `twilio_sid` returns the first."""
        ...

    async def get(self, call_id: UUID) -> Call:
        """Raises NotFound."""
        ...

    async def by_sid(self, twilio_sid: str) -> Call:
        """Raises NotFound."""
        ...

    async def page(self, *, limit: int, cursor: str | None, contact_id: UUID | None = None) -> Page:
        """List newest first. Raises InvalidInput for a cursor that this method did not make."""
        ...

    async def placed(self, call_id: UUID, *, twilio_sid: str) -> Call:
        """Attach the network's id; a second time with the same id changes nothing."""
        ...

    async def report(self, report: StatusReport) -> Call:
        """Apply a status callback in any order, any number of times (CallStatus.may_become)."""
        ...

    async def answered_by(self, call_id: UUID, verdict: str) -> Call:
        """Keep the first answering-machine verdict."""
        ...

    async def served_by(
        self, call_id: UUID, *, worker_id: str, engines: dict[str, str], at: datetime
    ) -> Call:
        """The media stream started on a worker with these engines (stage -> `engine:model`)."""
        ...

    async def record_turn(self, turn: Turn, ledger: Sequence[LedgerLine]) -> None:
        """Insert a turn with its ledger lines, once: idempotent on (call_id, turn_index)."""
        ...

    async def turns(self, call_id: UUID) -> tuple[Turn, ...]:
        """All turns in order."""
        ...

    async def finish(
        self,
        call_id: UUID,
        *,
        result: ConversationResult,
        ledger: Sequence[LedgerLine],
        at: datetime,
    ) -> Call:
        """Write outcome, facts and the call's own ledger lines once; the first outcome stays."""
        ...

    async def result(self, call_id: UUID) -> ConversationResult | None:
        """The outcome with facts and summary, None while the call is not finished."""
        ...

    async def ledger(self, call_id: UUID) -> tuple[LedgerLine, ...]:
        """Every ledger line of a call, turns first."""
        ...

    async def unfinished(self, *, worker_id: str) -> tuple[Call, ...]:
        """Calls in progress that this worker served: what a crash left behind."""
        ...


class ContactStore(Protocol):
    """Contacts, one per phone number, and the numbers nobody may dial."""

    async def upsert(self, contact: Contact) -> Contact:
        """Insert, or update the contact with the same phone number and return it with its id."""
        ...

    async def get(self, contact_id: UUID) -> Contact:
        """Raises NotFound."""
        ...

    async def by_phone(self, phone: str) -> Contact | None:
        """The contact with this E.164 number."""
        ...

    async def page(
        self, *, limit: int, cursor: str | None
    ) -> tuple[tuple[Contact, ...], str | None]:
        """List oldest first with the next cursor. Raises InvalidInput for a foreign cursor."""
        ...

    async def suppress(self, phone: str, *, reason: str, call_id: UUID | None) -> None:
        """Never dial this number again; idempotent."""
        ...

    async def is_suppressed(self, phone: str) -> bool:
        """True when the number may not be dialled."""
        ...


class CampaignStore(Protocol):
    """Campaigns and their attempts."""

    async def create(self, campaign: Campaign, contact_ids: Sequence[UUID]) -> Campaign:
        """Insert with one pending attempt per contact. Raises NotFound for an unknown contact."""
        ...

    async def get(self, campaign_id: UUID) -> Campaign:
        """Raises NotFound."""
        ...

    async def set_status(self, campaign_id: UUID, status: CampaignStatus) -> Campaign:
        """Raises NotFound."""
        ...

    async def running(self) -> tuple[Campaign, ...]:
        """Campaigns that want dialling."""
        ...

    async def claim(self, campaign_id: UUID) -> Attempt | None:
        """Claim one pending attempt if the campaign has fewer live calls than its limit.

        Atomic across workers: an attempt is claimed once, and the limit holds.
        """
        ...

    async def settle(
        self,
        attempt_id: UUID,
        status: AttemptStatus,
        *,
        call_id: UUID | None = None,
        reason: str | None = None,
    ) -> None:
        """Write what became of a claimed attempt."""
        ...

    async def attempts(self, campaign_id: UUID) -> tuple[Attempt, ...]:
        """All attempts."""
        ...

    async def finish_if_done(self, campaign_id: UUID) -> Campaign:
        """Mark finished once no attempt is pending or claimed and no call of it is live."""
        ...
