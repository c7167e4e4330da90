"""Things that happened to a call or were asked of a worker; they travel as JSON."""

from uuid import UUID

import msgspec


class MachineDetected(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Twilio's answering-machine verdict arrived."""

    call_id: UUID
    answered_by: str


class HangUpRequested(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An operator or the API asked for the call to end."""

    call_id: UUID
    reason: str


class LegEnded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The telephone network says that the call is over."""

    call_id: UUID
    status: str


class DrainRequested(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A worker must stop admitting calls and let its own end."""

    reason: str


CallEvent = MachineDetected | HangUpRequested | LegEnded | DrainRequested
