"""InMemoryTelephony: a network that keeps its calls in a dictionary, for tests of other rooms.

Signatures, TwiML and the media codec are Twilio's own: they need no network to be real.
"""

from collections.abc import Mapping
from uuid import uuid4

from service.adapters.twilio import media, twiml
from service.adapters.twilio.signatures import verify_signature
from service.domain.call import CallStatus
from service.domain.errors import TelephonyError
from service.ports.media import TextSocket
from service.ports.telephony import OpenedStream, OutboundLeg, PlacedLeg, StreamInstruction


class InMemoryTelephony:
    """`legs` holds what was placed and `statuses` how each call stands, both by call SID.

    A number in `refused` is refused with that Twilio error code; an error in `failures` is raised
    by the next request, once.
    """

    def __init__(self, *, auth_token: str = "in-memory-auth-token") -> None:  # noqa: S107
        self._secrets = (auth_token,)
        self.legs: dict[str, OutboundLeg] = {}
        self.statuses: dict[str, CallStatus] = {}
        self.refused: dict[str, int] = {}
        self.failures: list[TelephonyError] = []

    async def place(self, leg: OutboundLeg) -> PlacedLeg:
        """Keep the leg as queued."""
        self._fail_if_told()
        code = self.refused.get(leg.to_number)
        if code is not None:
            raise TelephonyError("the call was not placed: refused", code=code)
        twilio_sid = f"CA{uuid4().hex}"
        self.legs[twilio_sid] = leg
        self.statuses[twilio_sid] = CallStatus.QUEUED
        return PlacedLeg(twilio_sid=twilio_sid, status=CallStatus.QUEUED)

    async def hang_up(self, twilio_sid: str) -> None:
        """Mark the call completed; one that is over or unknown stays as it is."""
        self._fail_if_told()
        if twilio_sid in self.statuses and not self.statuses[twilio_sid].is_terminal:
            self.statuses[twilio_sid] = CallStatus.COMPLETED

    def verify_webhook(
        self, *, url: str, form: Mapping[str, list[str]], headers: Mapping[str, str]
    ) -> None:
        """Check X-Twilio-Signature."""
        verify_signature(url=url, form=form, headers=headers, secrets=self._secrets)

    async def open_stream(self, socket: TextSocket) -> OpenedStream:
        """Read up to the start message of a media stream."""
        return await media.open_stream(socket)

    def connect_stream(self, instruction: StreamInstruction) -> str:
        """Return TwiML that connects a call to our media socket."""
        return twiml.connect_stream(instruction)

    def say_and_hang_up(self, text: str) -> str:
        """Return TwiML that speaks one sentence and ends the call."""
        return twiml.say_and_hang_up(text)

    def _fail_if_told(self) -> None:
        if self.failures:
            raise self.failures.pop(0)
