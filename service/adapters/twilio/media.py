"""Twilio Media Streams, bidirectional: the codec of the media websocket (PROTOCOLS 2).

Each call receives 50 messages a second here, so a message is decoded and checked in one typed
msgspec pass, base64 included, and what we send is cut from a prefix made once.
"""

import asyncio
from binascii import b2a_base64
from collections.abc import AsyncIterator
from typing import Annotated, Literal
from uuid import UUID

import msgspec
import structlog
from msgspec import Meta

from service.adapters.twilio.twiml import CALL_ID, TOKEN
from service.domain.errors import ProtocolViolation
from service.ports.media import (
    AudioReceived,
    DigitReceived,
    MarkReached,
    MediaEnded,
    MediaEvent,
    TextSocket,
)
from service.ports.telephony import OpenedStream

log = structlog.get_logger()

START_TIMEOUT_S = 10.0
MAX_MESSAGE_CHARS = 65_536
"""A message of live audio is some 300 characters; this is six seconds of it."""

StreamSid = Annotated[str, Meta(pattern="^MZ[0-9a-fA-F]{32}$")]
# Numbers come as decimal strings; ten digits of milliseconds are 115 days.
Milliseconds = Annotated[int, Meta(ge=0, le=9_999_999_999)]


class _Message(msgspec.Struct, tag_field="event", rename="camel", frozen=True, gc=False):
    """What the messages have in common: the `event` that names them, camelCase fields."""


class _Connected(_Message, tag="connected", frozen=True):
    """First; carries nothing that we need."""


class _MediaFormat(msgspec.Struct, rename="camel", frozen=True):
    encoding: Literal["audio/x-mulaw"]
    sample_rate: Literal[8000]
    channels: Literal[1]


class _StartBody(msgspec.Struct, rename="camel", frozen=True):
    call_sid: str
    media_format: _MediaFormat
    custom_parameters: dict[str, str]


class _Start(_Message, tag="start", frozen=True):
    stream_sid: StreamSid
    start: _StartBody


class _MediaBody(msgspec.Struct, frozen=True, gc=False):
    timestamp: Milliseconds
    payload: bytes
    track: Literal["inbound"] = "inbound"


class _Media(_Message, tag="media", frozen=True):
    stream_sid: str
    media: _MediaBody


class _DtmfBody(msgspec.Struct, frozen=True):
    digit: Annotated[str, Meta(pattern="^[0-9A-D*#]$")]


class _Dtmf(_Message, tag="dtmf", frozen=True):
    stream_sid: str
    dtmf: _DtmfBody


class _MarkBody(msgspec.Struct, frozen=True):
    name: str


class _Mark(_Message, tag="mark", frozen=True):
    stream_sid: str
    mark: _MarkBody


class _Stop(_Message, tag="stop", frozen=True):
    stream_sid: str


_FromTwilio = _Connected | _Start | _Media | _Dtmf | _Mark | _Stop
_decoder: msgspec.json.Decoder[_FromTwilio] = msgspec.json.Decoder(_FromTwilio, strict=False)


def decode(text: str) -> _FromTwilio:
    """Decode and check one message. Raises ProtocolViolation saying what is wrong with it."""
    if len(text) > MAX_MESSAGE_CHARS:
        raise ProtocolViolation(f"a message of {len(text)} characters is too long")
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise ProtocolViolation(f"not a Media Streams message: {error}") from error


async def open_stream(
    socket: TextSocket, *, start_timeout_s: float = START_TIMEOUT_S
) -> OpenedStream:
    """Read up to the start message; before it nothing but `connected` is allowed.

    Raises ProtocolViolation, also when no start comes within `start_timeout_s`.
    """
    try:
        async with asyncio.timeout(start_timeout_s):
            start = await _read_start(socket)
    except TimeoutError as error:
        raise ProtocolViolation(f"no start message within {start_timeout_s:g} s") from error
    parameters = start.start.custom_parameters
    try:
        token, call_id = parameters[TOKEN], UUID(parameters[CALL_ID])
    except KeyError as error:
        raise ProtocolViolation(f"the start message has no parameter {error}") from error
    except ValueError as error:
        raise ProtocolViolation("the parameter `call_id` is not a UUID") from error
    return OpenedStream(
        media=TwilioMediaSocket(socket, stream_sid=start.stream_sid),
        twilio_sid=start.start.call_sid,
        token=token,
        call_id=call_id,
    )


async def _read_start(socket: TextSocket) -> _Start:
    while True:
        text = await socket.receive_text()
        if text is None:
            raise ProtocolViolation("the socket closed before the start message")
        message = decode(text)
        if isinstance(message, _Start):
            return message
        if not isinstance(message, _Connected):
            raise ProtocolViolation("a message came before the start message")


class TwilioMediaSocket:
    """A started media stream. `violations` counts the messages that were skipped as invalid."""

    def __init__(self, socket: TextSocket, *, stream_sid: str) -> None:
        self._socket = socket
        self._stream_sid = stream_sid
        self._over = False
        self.violations = 0
        head = f'"streamSid":"{stream_sid}"'
        self._media_head = f'{{"event":"media",{head},"media":{{"payload":"'
        self._mark_head = f'{{"event":"mark",{head},"mark":{{"name":'
        self._clear = f'{{"event":"clear",{head}}}'

    async def events(self) -> AsyncIterator[MediaEvent]:
        """Yield events in order, ending with one MediaEnded; invalid messages are skipped."""
        event: MediaEvent | None = None
        while not isinstance(event, MediaEnded):
            try:
                text = await self._socket.receive_text()
                event = self._gone() if text is None else self._event(text)
            except ProtocolViolation as error:
                self._skip(error)
                continue
            if event is not None:
                yield event

    async def send_audio(self, mulaw: bytes) -> None:
        """Queue raw 8 kHz mu-law at Twilio, any length (PROTOCOLS 2.2)."""
        if mulaw:
            payload = b2a_base64(mulaw, newline=False).decode("ascii")
            await self._send(f'{self._media_head}{payload}"}}}}')

    async def send_mark(self, name: str) -> None:
        """Ask for an echo when everything queued so far has been played."""
        await self._send(f"{self._mark_head}{msgspec.json.encode(name).decode()}}}}}")

    async def clear(self) -> None:
        """Empty Twilio's buffer; it echoes every pending mark at once (PROTOCOLS 2.3)."""
        await self._send(self._clear)

    async def close(self) -> None:
        """Close the socket: Twilio goes on with the next TwiML verb."""
        self._over = True
        await self._socket.close()

    async def _send(self, text: str) -> None:
        if not self._over:
            await self._socket.send_text(text)

    def _event(self, text: str) -> MediaEvent | None:
        message = decode(text)
        if isinstance(message, _Connected | _Start):
            raise ProtocolViolation("the stream has started already")
        if message.stream_sid != self._stream_sid:
            raise ProtocolViolation("the message is of another stream")
        match message:
            case _Media(media=media):
                return AudioReceived(media.payload, media.timestamp) if media.payload else None
            case _Mark(mark=mark):
                return MarkReached(mark.name)
            case _Dtmf(dtmf=dtmf):
                return DigitReceived(dtmf.digit)
            case _Stop():
                return self._ended(clean=True)

    def _gone(self) -> MediaEnded:
        """The socket is closed: cleanly when we did it, not when the peer did without `stop`."""
        return self._ended(clean=self._over)

    def _ended(self, *, clean: bool) -> MediaEnded:
        self._over = True
        if self.violations:
            log.warning("media stream had invalid messages", count=self.violations)
        return MediaEnded(clean=clean)

    def _skip(self, error: ProtocolViolation) -> None:
        self.violations += 1
        if self.violations == 1:
            log.warning("invalid media message skipped", reason=str(error))
