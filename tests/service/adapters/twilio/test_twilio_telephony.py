"""The telephony port: one contract for Twilio and its in-memory twin, and Twilio's own errors."""

import socket
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from service.adapters.memory.telephony import InMemoryTelephony
from service.adapters.twilio.telephony import TwilioTelephony
from service.domain.call import CallStatus
from service.domain.errors import BadSignature, TelephonyError
from service.domain.ids import new_id
from service.ports.telephony import OutboundLeg, StreamInstruction, Telephony

AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
REFUSED_NUMBER = "+15005550001"
INVALID_TO = 21211


def leg(to_number: str = "+15551230001") -> OutboundLeg:
    call_id = new_id()
    return OutboundLeg(
        call_id=call_id,
        from_number="+15551239999",
        to_number=to_number,
        voice_url=f"https://voice.example.com/twilio/voice?call_id={call_id}",
        status_url=f"https://voice.example.com/twilio/status?call_id={call_id}",
        amd_url=f"https://voice.example.com/twilio/amd?call_id={call_id}",
        ring_timeout_s=25,
    )


@pytest.fixture
async def twilio(twilio_settings) -> AsyncIterator[TwilioTelephony]:
    telephony = TwilioTelephony(twilio_settings, deadline_s=5.0)
    yield telephony
    await telephony.close()


@pytest.fixture(params=["twilio", "memory"])
def telephony(request, twilio, fake_twilio) -> Telephony:
    refused = {REFUSED_NUMBER: INVALID_TO}
    if request.param == "twilio":
        fake_twilio.refused = refused
        return twilio
    twin = InMemoryTelephony(auth_token=AUTH_TOKEN)
    twin.refused = refused
    return twin


class TestContract:
    async def test_placed_calls_are_queued_under_their_own_sids(self, telephony: Telephony):
        first, second = await telephony.place(leg()), await telephony.place(leg())
        assert first.status is second.status is CallStatus.QUEUED
        assert first.twilio_sid.startswith("CA")
        assert first.twilio_sid != second.twilio_sid

    async def test_refused_number_is_an_error_that_no_retry_helps(self, telephony: Telephony):
        with pytest.raises(TelephonyError) as caught:
            await telephony.place(leg(REFUSED_NUMBER))
        assert caught.value.code == INVALID_TO
        assert not caught.value.retryable

    async def test_hanging_up_twice_or_nobody_is_no_error(self, telephony: Telephony):
        placed = await telephony.place(leg())
        await telephony.hang_up(placed.twilio_sid)
        await telephony.hang_up(placed.twilio_sid)
        await telephony.hang_up("CA" + "f" * 32)

    async def test_only_the_right_signature_verifies(self, telephony: Telephony):
        url = "https://voice.example.com/twilio/status"
        form = {"CallSid": ["CA1"], "Digits": ["2", "1", "2"]}
        signature = RequestValidator(AUTH_TOKEN).compute_signature(
            url + "CallSidCA1Digits1Digits2", {}
        )
        telephony.verify_webhook(url=url, form=form, headers={"x-twilio-signature": signature})
        with pytest.raises(BadSignature):
            telephony.verify_webhook(
                url=url,
                form={**form, "CallSid": ["CA2"]},
                headers={"x-twilio-signature": signature},
            )

    async def test_connect_document_carries_what_the_stream_needs(self, telephony: Telephony):
        call_id = UUID("01234567-89ab-7def-8123-456789abcdef")
        document = telephony.connect_stream(
            StreamInstruction(
                stream_url="wss://voice.example.com/twilio/media",
                token="tok&<en>",
                call_id=call_id,
                status_url="https://voice.example.com/twilio/stream?call_id=1&x=2",
                again_url="https://voice.example.com/twilio/voice?call_id=1&again=1",
            )
        )
        connect, redirect = ET.fromstring(document)
        (stream,) = connect
        assert connect.tag == "Connect"
        assert stream.attrib == {
            "url": "wss://voice.example.com/twilio/media",
            "statusCallback": "https://voice.example.com/twilio/stream?call_id=1&x=2",
            "statusCallbackMethod": "POST",
        }
        assert [(p.tag, p.get("name"), p.get("value")) for p in stream] == [
            ("Parameter", "token", "tok&<en>"),
            ("Parameter", "call_id", str(call_id)),
        ]
        assert (redirect.tag, redirect.text, redirect.get("method")) == (
            "Redirect",
            "https://voice.example.com/twilio/voice?call_id=1&again=1",
            "POST",
        )

    async def test_goodbye_document_speaks_and_hangs_up(self, telephony: Telephony):
        say, hang_up = ET.fromstring(telephony.say_and_hang_up("We're busy & sorry."))
        assert (say.tag, say.text, hang_up.tag) == ("Say", "We're busy & sorry.", "Hangup")


async def test_place_asks_for_what_the_calls_room_needs(twilio, fake_twilio):
    asked = leg()
    await twilio.place(asked)
    ((method, path, form),) = fake_twilio.requests
    assert method == "POST"
    assert path.endswith("/Calls.json")
    assert form == {
        "To": [asked.to_number],
        "From": [asked.from_number],
        "Url": [asked.voice_url],
        "Method": ["POST"],
        "StatusCallback": [asked.status_url],
        "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        "StatusCallbackMethod": ["POST"],
        "Timeout": ["25"],
        "MachineDetection": ["Enable"],
        "AsyncAmd": ["true"],
        "AsyncAmdStatusCallback": [asked.amd_url],
        "AsyncAmdStatusCallbackMethod": ["POST"],
    }


async def test_hang_up_completes_the_call(twilio, fake_twilio):
    placed = await twilio.place(leg())
    await twilio.hang_up(placed.twilio_sid)
    assert fake_twilio.calls[placed.twilio_sid] == "completed"


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (401, 20003, False),
        (400, 21212, False),
        (429, 20429, True),
        (503, 20503, True),
        (500, 20500, False),
        (502, 502, False),
    ],
)
async def test_place_is_retryable_only_where_nobody_can_be_rung_twice(
    twilio, fake_twilio, status, code, retryable
):
    fake_twilio.fail_next(status, code, "Because")
    with pytest.raises(TelephonyError, match="Because") as caught:
        await twilio.place(leg())
    assert (caught.value.code, caught.value.retryable) == (code, retryable)
    assert len(fake_twilio.requests) == 1


async def test_hang_up_may_be_tried_again_after_any_server_error(twilio, fake_twilio):
    fake_twilio.fail_next(500, 20500)
    with pytest.raises(TelephonyError) as caught:
        await twilio.hang_up("CA" + "1" * 32)
    assert caught.value.retryable


@pytest.mark.parametrize("body", [b"<html>gateway</html>", b"[]", b'{"sid":"CA1","status":"odd"}'])
async def test_nonsense_with_a_good_status_is_an_error(twilio, fake_twilio, body):
    fake_twilio.answer_next(201, body)
    with pytest.raises(TelephonyError, match="makes no sense") as caught:
        await twilio.place(leg())
    assert not caught.value.retryable


async def test_problem_document_is_read(twilio, fake_twilio):
    fake_twilio.answer_next(
        400, b'{"type":"about:blank","title":"Bad","detail":"no To","status":400,"code":21201}'
    )
    with pytest.raises(TelephonyError, match="Bad: no To") as caught:
        await twilio.place(leg())
    assert caught.value.code == 21201


async def test_silent_server_meets_the_deadline_and_place_is_not_retryable(
    twilio_settings, fake_twilio
):
    telephony = TwilioTelephony(twilio_settings, deadline_s=0.3)
    fake_twilio.hang.clear()
    with pytest.raises(TelephonyError, match="did not answer in time") as caught:
        await telephony.place(leg())
    assert not caught.value.retryable
    with pytest.raises(TelephonyError) as caught:
        await telephony.hang_up("CA" + "1" * 32)
    assert caught.value.retryable
    await telephony.close()


async def test_refused_connection_is_retryable(twilio_settings):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        telephony = TwilioTelephony(twilio_settings.model_copy(update={"api_base_url": url}))
        with pytest.raises(TelephonyError, match="no connection") as caught:
            await telephony.place(leg())
    assert caught.value.retryable
    await telephony.close()


async def test_api_key_is_used_when_there_is_one(twilio_settings, fake_twilio):
    keyed = twilio_settings.model_copy(
        update={
            "api_key_sid": "SK" + "b" * 32,
            "api_key_secret": SecretStr("the-secret-of-the-key"),
            "auth_token": SecretStr("not-the-auth-token"),
        }
    )
    telephony = TwilioTelephony(keyed)
    await telephony.place(leg())
    await telephony.close()
    ((_, path, _),) = fake_twilio.requests
    assert keyed.account_sid in path


async def test_the_environment_cannot_redirect_requests(twilio_settings, monkeypatch):
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    monkeypatch.setenv("TWILIO_REGION", "au1")
    telephony = TwilioTelephony(twilio_settings)
    placed = await telephony.place(leg())
    assert placed.status is CallStatus.QUEUED
    await telephony.close()


async def test_probe_tells_good_credentials_from_bad(twilio, twilio_settings):
    assert (await twilio.probe()).endswith("answers")
    wrong = twilio_settings.model_copy(update={"auth_token": SecretStr("wrong")})
    telephony = TwilioTelephony(wrong)
    with pytest.raises(TelephonyError) as caught:
        await telephony.probe()
    assert caught.value.code == 20003
    await telephony.close()


async def test_an_account_without_auth_token_trusts_nobody(twilio_settings):
    telephony = TwilioTelephony(twilio_settings.model_copy(update={"auth_token": SecretStr("")}))
    url = "https://voice.example.com/twilio/voice"
    forged = RequestValidator("").compute_signature(url, {})
    with pytest.raises(BadSignature):
        telephony.verify_webhook(url=url, form={}, headers={"X-Twilio-Signature": forged})
    await telephony.close()


async def test_old_and_new_auth_token_are_both_trusted_and_rest_uses_the_first(twilio_settings):
    both = SecretStr(f"{AUTH_TOKEN}, the-old-token")
    telephony = TwilioTelephony(twilio_settings.model_copy(update={"auth_token": both}))
    url = "https://voice.example.com/twilio/voice"
    for token in (AUTH_TOKEN, "the-old-token"):
        signature = RequestValidator(token).compute_signature(url, {})
        telephony.verify_webhook(url=url, form={}, headers={"X-Twilio-Signature": signature})
    await telephony.place(leg())
    await telephony.close()


async def test_twin_fails_once_when_told():
    twin = InMemoryTelephony()
    twin.failures.append(TelephonyError("busy", retryable=True, code=20429))
    with pytest.raises(TelephonyError, match="busy"):
        await twin.place(leg())
    placed = await twin.place(leg())
    assert list(twin.legs) == [placed.twilio_sid]
