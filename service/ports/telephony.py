"""The telephone network: placing and ending calls, trusting its webhooks, telling it what to do."""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

import msgspec

from service.domain.call import CallStatus
from service.ports.media import MediaSocket, TextSocket


class OutboundLeg(msgspec.Struct, frozen=True, kw_only=True):
    """A request to ring somebody. The callback URLs are absolute."""

    call_id: UUID
    from_number: str
    to_number: str
    voice_url: str
    status_url: str
    amd_url: str
    ring_timeout_s: int = 30


class PlacedLeg(msgspec.Struct, frozen=True, kw_only=True):
    """The network's answer: its own id of the call and its first status."""

    twilio_sid: str
    status: CallStatus


class StreamInstruction(msgspec.Struct, frozen=True, kw_only=True):
    """Connect the caller to our media socket; `again_url` is asked when that socket breaks."""

    stream_url: str
    token: str
    call_id: UUID
    status_url: str
    again_url: str


class OpenedStream(msgspec.Struct, frozen=True, kw_only=True):
    """A stream whose start message has arrived; `token` and `call_id` are not yet verified."""

    media: MediaSocket
    twilio_sid: str
    token: str
    call_id: UUID


class Telephony(Protocol):
    """A telephone network as its REST API and webhooks offer it."""

    async def place(self, leg: OutboundLeg) -> PlacedLeg:
        """Ring. Raises TelephonyError (`retryable` only where a second try cannot ring twice)."""
        ...

    async def hang_up(self, twilio_sid: str) -> None:
        """End a call in any state; a call that is already over is no error."""
        ...

    def verify_webhook(
        self, *, url: str, form: Mapping[str, list[str]], headers: Mapping[str, str]
    ) -> None:
        """Check a webhook's (or websocket upgrade's, with an empty form) signature.

        `url` is the URL exactly as the network requested it; raises BadSignature.
        """
        ...

    async def open_stream(self, socket: TextSocket) -> OpenedStream:
        """Read up to the start message. Raises ProtocolViolation (media first, no parameters, ...).

        Waits at most 10 s for the start message.
        """
        ...

    def connect_stream(self, instruction: StreamInstruction) -> str:
        """Return the document that connects a call to our media socket (TwiML)."""
        ...

    def say_and_hang_up(self, text: str) -> str:
        """Return the document that speaks one sentence and ends the call (TwiML)."""
        ...
