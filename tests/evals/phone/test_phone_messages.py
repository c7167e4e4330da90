"""What is taken from a server, and what is refused; documents alike."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.phone.messages import (
    ClearBuffer,
    InvalidMessage,
    PlaceMark,
    PlayAudio,
    decode_order,
)
from evals.phone.twiml import (
    ConnectStream,
    Hangup,
    InvalidTwiml,
    Pause,
    Redirect,
    Say,
    parse_twiml,
)

SID = "MZ" + "0" * 32


@pytest.mark.parametrize(
    "bad",
    [
        "not json",
        "[]",
        "7",
        '{"event":"dance","streamSid":"SID"}',
        '{"event":"clear"}',
        '{"event":"clear","streamSid":"MZ0"}',
        '{"event":"clear","streamSid":"SID","more":1}',
        '{"event":"mark","streamSid":"SID","mark":{}}',
        '{"event":"mark","streamSid":"SID","mark":"m"}',
        '{"event":"media","streamSid":"SID","media":{"payload":7}}',
        '{"event":"start","streamSid":"SID"}',
    ],
)
def test_an_invalid_order_is_refused(bad: str) -> None:
    with pytest.raises(InvalidMessage):
        decode_order(bad.replace("SID", SID), stream_sid=SID)


def test_the_three_orders_are_taken() -> None:
    def order(**fields: object) -> object:
        return decode_order(json.dumps({"streamSid": SID, **fields}), stream_sid=SID)

    audio = order(event="media", media={"payload": "AP8="})
    assert isinstance(audio, PlayAudio)
    assert audio.mulaw == b"\x00\xff"
    mark = order(event="mark", mark={"name": "end"})
    assert isinstance(mark, PlaceMark)
    assert mark.mark.name == "end"
    assert isinstance(order(event="clear"), ClearBuffer)


@given(st.text())
def test_any_text_is_an_order_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidMessage):
        decode_order(text, stream_sid=SID)


@pytest.mark.parametrize("payload", ["***", "AP8", "A P8=", "=", "\u00e9"])
def test_a_payload_that_is_not_base64_is_refused(payload: str) -> None:
    body = {"event": "media", "streamSid": SID, "media": {"payload": payload}}
    order = decode_order(json.dumps(body), stream_sid=SID)
    assert isinstance(order, PlayAudio)
    with pytest.raises(InvalidMessage):
        _ = order.mulaw


def test_every_verb_is_read() -> None:
    document = b"""<?xml version="1.0"?><Response>
        <Say voice="x">One <break/> moment</Say><Pause/><Pause length="3"/>
        <Connect action="/after" method="GET"><Stream url="wss://h/m" name="n"
            statusCallback="/s" statusCallbackMethod="GET"><Parameter name="a" value="1"/>
            <Parameter name="b" value=""/></Stream></Connect>
        <Redirect method="GET">/next</Redirect><Hangup/></Response>"""
    assert parse_twiml(document, content_type="application/xml; charset=utf-8") == [
        Say("One moment"),
        Pause(1.0),
        Pause(3.0),
        ConnectStream(
            url="wss://h/m",
            name="n",
            status_url="/s",
            status_method="GET",
            parameters={"a": "1", "b": ""},
            action="/after",
            action_method="GET",
        ),
        Redirect("/next", "GET"),
        Hangup(),
    ]


def stream(attributes: str = "", inside: str = "") -> str:
    return (
        f'<Response><Connect><Stream url="wss://h/m" {attributes}>{inside}</Stream>'
        "</Connect></Response>"
    )


@pytest.mark.parametrize(
    ("document", "content_type", "code"),
    [
        ("<Response", "text/xml", 12100),
        ("", "text/xml", 12100),
        ("<Answer/>", "text/xml", 12100),
        ("<Response/>", "application/json", 12300),
        ("<Response><Dance/></Response>", "text/xml", 12200),
        ("<Response><Connect/></Response>", "text/xml", 12200),
        (stream(inside='<Parameter name="a"/>'), "text/xml", 12200),
        (stream(inside=f'<Parameter name="a" value="{"x" * 499}"/>'), "text/xml", 12200),
        (stream('track="both_tracks"'), "text/xml", 31941),
        (f"<Response><Say>{'a' * 65_000}</Say></Response>", "text/xml", 11750),
    ],
)
def test_a_document_that_cannot_be_used_has_twilios_code(
    document: str, content_type: str, code: int
) -> None:
    with pytest.raises(InvalidTwiml) as caught:
        parse_twiml(document.encode(), content_type=content_type)
    assert caught.value.code == code
