"""What the API takes and gives where it is not simply a word of the domain."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from service.domain.agent_config import AgentConfig
from service.domain.call import Call
from service.domain.campaign import Attempt, Campaign
from service.domain.contact import Contact
from service.domain.conversation import Fact
from service.domain.engines import EngineChoice
from service.domain.outcome import Outcome
from service.domain.turn import Turn
from service.observability.readiness import ReadinessReport
from service.ports.config_store import ConfigVersion, Slot
from service.ports.sessions import LiveCall

Line = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Note = Annotated[str, Meta(max_length=4_000, pattern=r"^[^\x00]*$")]
Phone = Annotated[str, Meta(min_length=1, max_length=40, description="E.164, e.g. +15551230001")]
CONFIG_ID_PATTERN = r"^[0-9a-f]{8,64}$"
ConfigId = Annotated[
    str, Meta(pattern=CONFIG_ID_PATTERN, description="Config id, or its first 8 or more digits")
]


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one field; an empty name is the whole input."""

    field: str
    reason: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem document (RFC 9457): how every error is answered."""

    status: int
    type: str
    title: str
    detail: str = ""
    trace_id: str | None = None
    retryable: bool = False
    errors: tuple[FieldError, ...] = ()


class PlaceCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to ring: a contact, by number or by id; `config_id` only to try a version out."""

    to: Phone | None = None
    contact_id: UUID | None = None
    config_id: ConfigId | None = None


class CallPage(msgspec.Struct, frozen=True, kw_only=True):
    """Calls, newest first; `next_cursor` is null on the last page."""

    items: tuple[Call, ...]
    next_cursor: str | None


class LiveCalls(msgspec.Struct, frozen=True, kw_only=True):
    """Every call in progress, on any worker."""

    items: tuple[LiveCall, ...]


class Transcript(msgspec.Struct, frozen=True, kw_only=True):
    """What was said and heard, and what it came to; `outcome` is null while the call runs."""

    call_id: UUID
    turns: tuple[Turn, ...]
    outcome: Outcome | None
    facts: tuple[Fact, ...]
    summary: str


class HangUpAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """The wish was passed on; the call's status tells when it is over."""

    call_id: UUID


class ContactInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person to add, or to update by phone number."""

    phone: Phone
    name: Line
    email: Line | None = None
    timezone: Annotated[Line, Meta(description="IANA name, e.g. America/New_York")] | None = None
    address: Note | None = None
    lead_source: Line | None = None
    consent_source: Line | None = None
    notes: Note | None = None


class ContactPage(msgspec.Struct, frozen=True, kw_only=True):
    """Contacts, oldest first; `next_cursor` is null on the last page."""

    items: tuple[Contact, ...]
    next_cursor: str | None


class RejectedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a CSV that was left out. `line` counts from 1, the header included."""

    line: int
    column: str
    reason: str


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a CSV: the contacts that are in now, row by row, and the rows that are not."""

    imported: int
    contact_ids: tuple[UUID, ...]
    rejected: tuple[RejectedRow, ...]


class CampaignInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Contacts to call once each. `from_number` is one of ours, by default the first."""

    name: Line
    contact_ids: Annotated[tuple[UUID, ...], Meta(min_length=1, max_length=10_000)]
    max_concurrent_calls: Annotated[int, Meta(ge=1, le=1_000)] = 1
    from_number: Phone | None = None


class CampaignView(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign with every attempt."""

    campaign: Campaign
    attempts: tuple[Attempt, ...]


class SuppressionInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number that must never be dialled again."""

    phone: Phone
    reason: Line


class Suppression(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a number may not be dialled."""

    phone: str
    suppressed: bool


class ConfigInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A version to store, inactive. `note` says who proposes it from what."""

    config: AgentConfig
    note: Note = ""
    parent_id: ConfigId | None = None


class ConfigSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A stored version without its content."""

    config_id: str
    name: str
    created_at: datetime
    note: str
    parent_id: str | None
    is_active: bool


class ConfigPage(msgspec.Struct, frozen=True, kw_only=True):
    """Stored versions, newest first; `next_cursor` is null on the last page."""

    items: tuple[ConfigSummary, ...]
    next_cursor: str | None


class Activation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a version goes live; with `expected_generation` only if nobody changed it meanwhile."""

    reason: Line
    expected_generation: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None


class ActiveConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The version that new calls get, and the slot that says so."""

    version: ConfigVersion
    slot: Slot


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """The process runs."""

    worker_id: str


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """Whether this worker can serve calls, with what, and what stands in the way."""

    worker_id: str
    ready: bool
    report: ReadinessReport
    engines: tuple[EngineChoice, ...]
