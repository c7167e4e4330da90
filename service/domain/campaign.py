"""A campaign: contacts to call once each, with a pace and a limit on calls at a time."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec


class CampaignStatus(StrEnum):
    """Where a campaign stands."""

    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign as PostgreSQL holds it."""

    campaign_id: UUID
    name: str
    from_number: str
    max_concurrent_calls: int
    status: CampaignStatus
    created_at: datetime


class AttemptStatus(StrEnum):
    """Where one attempt to reach one contact stands."""

    PENDING = "pending"
    CLAIMED = "claimed"
    DIALLED = "dialled"
    SKIPPED = "skipped"
    FAILED = "failed"


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to reach one contact; claimed in PostgreSQL before the network is asked."""

    attempt_id: UUID
    campaign_id: UUID
    contact_id: UUID
    status: AttemptStatus
    call_id: UUID | None = None
    reason: str | None = None
