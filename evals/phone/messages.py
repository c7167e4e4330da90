"""The messages of a bidirectional Media Stream, both ways.

Every numeric field is a decimal string except `mediaFormat`; start, media, dtmf, mark and stop
share one sequenceNumber counter (Twilio's Media Streams documentation).
"""

import binascii

import msgspec


class InvalidMessage(Exception):
    """The server sent what Media Streams do not allow (Twilio's warning 31951)."""


class _Wire(msgspec.Struct, frozen=True, tag_field="event", rename="camel"):
    pass


class Connected(_Wire, frozen=True, kw_only=True, tag="connected"):
    """The first message; it has no streamSid."""

    protocol: str = "Call"
    version: str = "1.0.0"


class MediaFormat(msgspec.Struct, frozen=True, rename="camel"):
    """Always 8 kHz mono mu-law."""

    encoding: str = "audio/x-mulaw"
    sample_rate: int = 8000
    channels: int = 1


class StartBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the stream belongs to."""

    account_sid: str
    stream_sid: str
    call_sid: str
    tracks: tuple[str, ...] = ("inbound",)
    media_format: MediaFormat = MediaFormat()
    custom_parameters: dict[str, str] = {}


class Start(_Wire, frozen=True, kw_only=True, tag="start"):
    """Sent once, straight after Connected."""

    sequence_number: str
    stream_sid: str
    start: StartBody


class MediaBody(msgspec.Struct, frozen=True, kw_only=True):
    """One frame: `chunk` counts from "1", `timestamp` is ms since the stream started."""

    track: str = "inbound"
    chunk: str
    timestamp: str
    payload: str


class Media(_Wire, frozen=True, kw_only=True, tag="media"):
    """Audio of the caller."""

    sequence_number: str
    stream_sid: str
    media: MediaBody


class DtmfBody(msgspec.Struct, frozen=True, kw_only=True):
    """One key: 0-9, A-D, * or #."""

    track: str = "inbound_track"
    digit: str


class Dtmf(_Wire, frozen=True, kw_only=True, tag="dtmf"):
    """The caller pressed a key."""

    sequence_number: str
    stream_sid: str
    dtmf: DtmfBody


class MarkBody(msgspec.Struct, frozen=True):
    """The name that the server gave the mark."""

    name: str


class Mark(_Wire, frozen=True, kw_only=True, tag="mark"):
    """The echo of a mark."""

    sequence_number: str
    stream_sid: str
    mark: MarkBody


class StopBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What stopped."""

    account_sid: str
    call_sid: str


class Stop(_Wire, frozen=True, kw_only=True, tag="stop"):
    """The last message."""

    sequence_number: str
    stream_sid: str
    stop: StopBody


class _Order(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="event",
    rename="camel",
    forbid_unknown_fields=True,
):
    stream_sid: str


class PayloadBody(msgspec.Struct, frozen=True):
    """Raw 8 kHz mu-law in base64, any length."""

    payload: str


class PlayAudio(_Order, frozen=True, kw_only=True, tag="media"):
    """The server's order to queue audio."""

    media: PayloadBody

    @property
    def mulaw(self) -> bytes:
        """The decoded audio. Raises InvalidMessage when it is not base64."""
        try:
            return binascii.a2b_base64(self.media.payload, strict_mode=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidMessage(f"the payload is not base64: {error}") from error


class PlaceMark(_Order, frozen=True, kw_only=True, tag="mark"):
    """The server's order to echo a mark once what was queued before it has played."""

    mark: MarkBody


class ClearBuffer(_Order, frozen=True, kw_only=True, tag="clear"):
    """The server's order to drop everything queued."""


Message = Connected | Start | Media | Dtmf | Mark | Stop
Order = PlayAudio | PlaceMark | ClearBuffer

_decoder = msgspec.json.Decoder(Order)


def decode_order(text: str, *, stream_sid: str) -> Order:
    """Decode one message of the server.

    Raises InvalidMessage for anything that is not JSON, an unknown event, a missing or extra field,
    or another stream's sid.
    """
    try:
        order: Order = _decoder.decode(text)
    except msgspec.DecodeError as error:
        raise InvalidMessage(str(error)) from error
    if order.stream_sid != stream_sid:
        raise InvalidMessage(f"unknown streamSid {order.stream_sid!r}")
    return order


def encode(message: Message) -> str:
    """Encode one message to the server as the text of a websocket frame."""
    return msgspec.json.encode(message).decode()
