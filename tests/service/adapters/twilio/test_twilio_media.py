"""The Media Streams codec: every message both ways, and everything a peer may get wrong."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.twilio.media import TwilioMediaSocket, decode, open_stream
from service.domain.errors import ProtocolViolation
from service.domain.ids import new_id
from service.ports.media import AudioReceived, DigitReceived, MarkReached, MediaEnded, MediaEvent

STREAM_SID = "MZ" + "a1" * 16
CALL_SID = "CA" + "b2" * 16
ACCOUNT_SID = "AC" + "c3" * 16
CALL_ID = new_id()


class Binary:
    """A binary frame in a script."""


class ScriptedSocket:
    """A TextSocket that reads from a script and keeps what is sent; after it, the peer is gone."""

    def __init__(self, *frames: Any) -> None:
        self._frames = list(frames)
        self.sent: list[dict[str, Any]] = []
        self.closed = False

    async def receive_text(self) -> str | None:
        if not self._frames:
            return None
        frame = self._frames.pop(0)
        if isinstance(frame, Binary):
            raise ProtocolViolation("a binary frame")
        return frame if isinstance(frame, str | None) else json.dumps(frame)

    async def send_text(self, text: str) -> None:
        self.sent.append(json.loads(text))

    async def close(self) -> None:
        self.closed = True


class SilentSocket(ScriptedSocket):
    """A TextSocket whose peer never says anything."""

    async def receive_text(self) -> str | None:

        await asyncio.Event().wait()
        raise AssertionError


CONNECTED = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
STOP = {
    "event": "stop",
    "sequenceNumber": "9",
    "streamSid": STREAM_SID,
    "stop": {"accountSid": ACCOUNT_SID, "callSid": CALL_SID},
}


def start(**changes: Any) -> dict[str, Any]:
    body = {
        "accountSid": ACCOUNT_SID,
        "streamSid": STREAM_SID,
        "callSid": CALL_SID,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"token": "tok", "call_id": str(CALL_ID)},
        **changes,
    }
    return {"event": "start", "sequenceNumber": "1", "streamSid": STREAM_SID, "start": body}


def media(payload: str | None = None, *, sid: str = STREAM_SID, at: str = "20", **changes: Any):
    body = {"track": "inbound", "chunk": "1", "timestamp": at, "payload": payload, **changes}
    body["payload"] = payload if payload is not None else b64(b"\xff" * 160)
    return {"event": "media", "sequenceNumber": "2", "streamSid": sid, "media": body}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def digit(key: str, **changes: Any) -> dict[str, Any]:
    body = {"track": "inbound_track", "digit": key}
    return {
        "event": "dtmf",
        "streamSid": STREAM_SID,
        "sequenceNumber": "3",
        "dtmf": body,
        **changes,
    }


def mark(name: str) -> dict[str, Any]:
    return {"event": "mark", "sequenceNumber": "4", "streamSid": STREAM_SID, "mark": {"name": name}}


async def hear(*frames: Any) -> tuple[list[MediaEvent], TwilioMediaSocket]:
    """Everything a started stream yields for these frames."""
    stream = TwilioMediaSocket(ScriptedSocket(*frames), stream_sid=STREAM_SID)
    return [event async for event in stream.events()], stream


async def test_start_message_opens_the_stream():
    opened = await open_stream(ScriptedSocket(CONNECTED, start()))
    assert (opened.twilio_sid, opened.token, opened.call_id) == (CALL_SID, "tok", CALL_ID)


async def test_events_come_in_order_and_stop_ends_them():
    audio = bytes(range(160))
    events, stream = await hear(
        media(b64(audio)), digit("#"), mark("turn-1"), media(b64(b"x"), at="40"), STOP, media()
    )
    assert events == [
        AudioReceived(audio, 20),
        DigitReceived("#"),
        MarkReached("turn-1"),
        AudioReceived(b"x", 40),
        MediaEnded(clean=True),
    ]
    assert stream.violations == 0


async def test_socket_that_breaks_without_stop_ends_uncleanly():
    events, _ = await hear(media())
    assert events[-1] == MediaEnded(clean=False)


async def test_closing_it_ourselves_is_a_clean_end():
    socket = ScriptedSocket(media())
    stream = TwilioMediaSocket(socket, stream_sid=STREAM_SID)
    events: list[MediaEvent] = []
    async for event in stream.events():
        events.append(event)
        await stream.close()
    assert socket.closed
    assert [type(event) for event in events] == [AudioReceived, MediaEnded]
    assert events[-1] == MediaEnded(clean=True)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(Binary(), id="binary"),
        pytest.param("{not json", id="malformed"),
        pytest.param("", id="empty text"),
        pytest.param("[]", id="an array"),
        pytest.param('{"event":"media"}', id="fields missing"),
        pytest.param({"event": "cheer", "streamSid": STREAM_SID}, id="unknown event"),
        pytest.param('{"a":' * 60_000, id="too long"),
        pytest.param('{"event":"media","x":' + "[" * 20_000, id="nested deeply"),
        pytest.param(media(sid="MZ" + "0" * 32), id="wrong stream"),
        pytest.param(media("A*EC"), id="not base64"),
        pytest.param(media("AAE"), id="base64 without padding"),
        pytest.param(media(b64(b"\xff" * 1_000_000)), id="one megabyte"),
        pytest.param(media(at="-20"), id="negative timestamp"),
        pytest.param(media(at="soon"), id="timestamp that is no number"),
        pytest.param(media(at="9" * 40), id="timestamp that is too big"),
        pytest.param(media(track="outbound"), id="another track"),
        pytest.param(digit("12"), id="two digits"),
        pytest.param(digit("x"), id="not a key"),
        pytest.param(CONNECTED, id="connected again"),
        pytest.param(start(), id="started again"),
    ],
)
async def test_invalid_message_is_counted_and_skipped(bad: Any):
    events, stream = await hear(bad, digit("5"), bad, STOP)
    assert events == [DigitReceived("5"), MediaEnded()]
    assert stream.violations == 2


async def test_empty_payload_is_valid_and_silent():
    events, stream = await hear(media(""), STOP)
    assert (events, stream.violations) == ([MediaEnded()], 0)


async def test_fields_that_twilio_may_add_do_no_harm():
    events, stream = await hear({**media(), "new": [1, {"x": None}]}, digit("1", new=True), STOP)
    assert [type(event) for event in events] == [AudioReceived, DigitReceived, MediaEnded]
    assert stream.violations == 0


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        pytest.param([CONNECTED, media()], "before the start", id="media first"),
        pytest.param([CONNECTED, STOP], "before the start", id="stop first"),
        pytest.param([CONNECTED], "closed before", id="gone"),
        pytest.param(["{"], "not a Media Streams message", id="malformed"),
        pytest.param([Binary(), start()], "binary", id="binary"),
        pytest.param([start(customParameters={})], "token", id="no parameters"),
        pytest.param([start(customParameters={"token": "t"})], "call_id", id="no call id"),
        pytest.param(
            [start(customParameters={"token": "t", "call_id": "7"})], "UUID", id="odd call id"
        ),
        pytest.param(
            [start(mediaFormat={"encoding": "audio/l16", "sampleRate": 8000, "channels": 1})],
            "encoding",
            id="not mu-law",
        ),
        pytest.param([{**start(), "streamSid": 'MZ","x":"'}], "streamSid", id="odd stream sid"),
    ],
)
async def test_stream_that_does_not_begin_well_is_refused(frames: list[Any], reason: str):
    with pytest.raises(ProtocolViolation, match=reason):
        await open_stream(ScriptedSocket(*frames))


async def test_start_that_never_comes_is_waited_for_only_so_long():
    with pytest.raises(ProtocolViolation, match=r"within 0\.05 s"):
        await open_stream(SilentSocket(), start_timeout_s=0.05)


async def sent_messages() -> list[dict[str, Any]]:
    socket = ScriptedSocket()
    stream = TwilioMediaSocket(socket, stream_sid=STREAM_SID)
    await stream.send_audio(bytes(range(256)))
    await stream.send_audio(b"")
    await stream.send_mark('say "hé" \\ 1')
    await stream.clear()
    return socket.sent


async def test_what_is_sent_is_what_twilio_reads():
    assert await sent_messages() == [
        {"event": "media", "streamSid": STREAM_SID, "media": {"payload": b64(bytes(range(256)))}},
        {"event": "mark", "streamSid": STREAM_SID, "mark": {"name": 'say "hé" \\ 1'}},
        {"event": "clear", "streamSid": STREAM_SID},
    ]


async def test_nothing_is_sent_after_the_end():
    socket = ScriptedSocket(STOP)
    stream = TwilioMediaSocket(socket, stream_sid=STREAM_SID)
    assert [event async for event in stream.events()] == [MediaEnded()]
    await stream.send_audio(b"x")
    await stream.send_mark("m")
    await stream.clear()
    assert socket.sent == []


async def test_both_directions_follow_the_shared_schema(assets: Path):
    path = assets / "contracts" / "twilio_media_streams.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    to_twilio, from_twilio = (
        jsonschema.Draft202012Validator({"$defs": schema["$defs"], **schema[side]})
        for side in ("x-to-twilio", "x-from-twilio")
    )
    for message in await sent_messages():
        to_twilio.validate(message)
    for message in (CONNECTED, start(), media(), digit("*"), mark("m"), STOP):
        from_twilio.validate(message)
        decode(json.dumps(message))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
almost_messages = st.fixed_dictionaries(
    {"event": st.sampled_from(["connected", "start", "media", "dtmf", "mark", "stop", "x"])},
    optional={
        "streamSid": st.just(STREAM_SID) | json_values,
        "media": st.fixed_dictionaries({"payload": json_values, "timestamp": json_values}),
        "dtmf": st.fixed_dictionaries({"digit": json_values}),
        "mark": st.fixed_dictionaries({"name": json_values}),
        "start": json_values,
    },
).map(json.dumps)


@given(frames=st.lists(st.text(max_size=40) | almost_messages, max_size=6))
async def test_no_text_frame_can_break_a_stream(frames: list[str]):
    events, stream = await hear(*frames, digit("7"))
    assert isinstance(events[-1], MediaEnded)
    assert [type(event) for event in events].count(MediaEnded) == 1
    if not events[-1].clean:
        assert DigitReceived("7") in events
    assert 0 <= stream.violations <= len(frames)


@given(frames=st.lists(st.text(max_size=40) | almost_messages, max_size=4))
async def test_no_text_frame_can_break_the_opening(frames: list[str]):
    with pytest.raises(ProtocolViolation):
        await open_stream(ScriptedSocket(*frames))
