"""A phone call and the rule by which its status may move."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from service.domain.outcome import Outcome


class Direction(StrEnum):
    """Who rang whom: we the contact (outbound), or the contact us (inbound)."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class CallKind(StrEnum):
    """Whether a call happened on a telephone network, or was made up for a test."""

    LIVE = "live"
    EXPERIMENT = "experiment"
    SYNTHETIC = "synthetic"


class CallStatus(StrEnum):
    """Twilio's call states (`initiated` appears only in callbacks)."""

    QUEUED = "queued"
    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"

    @property
    def is_terminal(self) -> bool:
        """True when no later status can follow."""
        return _RANK[self] == _TERMINAL_RANK

    def may_become(self, later: "CallStatus") -> bool:
        """Say whether `later` moves the call forward.

        Status callbacks arrive duplicated, late and out of order (PROTOCOLS 1.1), so a status only
        ever moves forward and the first terminal status stays.
        """
        return _RANK[later] > _RANK[self]


_TERMINAL_RANK = 4
_RANK = {
    CallStatus.QUEUED: 0,
    CallStatus.INITIATED: 1,
    CallStatus.RINGING: 2,
    CallStatus.IN_PROGRESS: 3,
    CallStatus.COMPLETED: _TERMINAL_RANK,
    CallStatus.BUSY: _TERMINAL_RANK,
    CallStatus.FAILED: _TERMINAL_RANK,
    CallStatus.NO_ANSWER: _TERMINAL_RANK,
    CallStatus.CANCELED: _TERMINAL_RANK,
}


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call as PostgreSQL holds it; `config_id` is the AgentConfig pinned at its start."""

    call_id: UUID
    direction: Direction
    from_number: str
    to_number: str
    status: CallStatus
    config_id: str
    created_at: datetime
    kind: CallKind = CallKind.LIVE
    contact_id: UUID | None = None
    campaign_id: UUID | None = None
    twilio_sid: str | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    duration_s: int | None = None
    answered_by: str | None = None
    outcome: Outcome | None = None
    error_code: str | None = None
    engines: dict[str, str] = {}
    worker_id: str | None = None
