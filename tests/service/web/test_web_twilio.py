"""/twilio webhooks: signatures first, then forms of every kind, in any order, twice."""

import xml.etree.ElementTree as ET
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.domain.call import CallStatus, Direction
from service.domain.events import MachineDetected
from service.domain.outcome import Outcome
from tests.service.web.office import (
    OUR_NUMBER,
    PUBLIC_URL,
    THEIR_NUMBER,
    WORKER_URL,
    Network,
    Office,
    sign,
)

SID = "CA" + "1" * 32
VOICE = {
    "CallSid": SID,
    "AccountSid": "AC" + "2" * 32,
    "From": THEIR_NUMBER,
    "To": OUR_NUMBER,
    "CallStatus": "ringing",
    "Direction": "inbound",
    "CallerName": "",
}


def _stream(twiml: str) -> tuple[str, dict[str, str]]:
    stream = ET.fromstring(twiml).find("./Connect/Stream")
    assert stream is not None
    parameters = {p.attrib["name"]: p.attrib["value"] for p in stream.findall("Parameter")}
    return stream.attrib["url"], parameters


async def _placed(office: Office, client: httpx.AsyncClient) -> tuple[UUID, str]:
    await office.contact()
    call = (await client.post("/api/calls", json={"to": THEIR_NUMBER})).json()
    return UUID(call["call_id"]), call["twilio_sid"]


async def test_an_inbound_call_is_connected_to_the_media_socket(
    office: Office, network: Network
) -> None:
    contact = await office.contact()
    answer = await network.post("/twilio/voice", VOICE)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/xml")
    url, parameters = _stream(answer.text)
    assert url == "wss://w0.voice.example.com/twilio/media"
    call_id = await office.redeem(parameters["token"])
    assert str(call_id) == parameters["call_id"]
    call = await office.calls.get(call_id)
    assert call.direction is Direction.INBOUND
    assert call.contact_id == contact.contact_id


async def test_the_same_webhook_twice_is_one_call(office: Office, network: Network) -> None:
    for _ in range(2):
        assert (await network.post("/twilio/voice", VOICE)).status_code == 200
    assert len((await office.calls.page(limit=10, cursor=None)).calls) == 1


@pytest.mark.parametrize("caller", ["anonymous", "client:alice", "+266696687", "sip:a@b.example"])
async def test_a_caller_without_an_e164_number_is_kept_as_given(
    office: Office, network: Network, caller: str
) -> None:
    assert (await network.post("/twilio/voice", VOICE | {"From": caller})).status_code == 200
    [call] = (await office.calls.page(limit=10, cursor=None)).calls
    assert call.from_number == caller


async def test_an_outbound_call_is_connected_and_its_broken_socket_asks_again(
    office: Office, client: httpx.AsyncClient, network: Network
) -> None:
    call_id, sid = await _placed(office, client)
    form = VOICE | {"CallSid": sid, "Direction": "outbound-api", "CallStatus": "in-progress"}
    answer = await network.post(f"/twilio/voice?call_id={call_id}", form, base=WORKER_URL)
    _, parameters = _stream(answer.text)
    assert parameters["call_id"] == str(call_id)
    redirect = ET.fromstring(answer.text).findtext("Redirect")
    assert redirect is not None
    again = await network.post(redirect.removeprefix(WORKER_URL), form, base=WORKER_URL)
    assert again.status_code == 200
    assert (await office.calls.get(call_id)).outcome is Outcome.FAILED


async def test_the_trace_of_a_call_is_its_id(
    office: Office, client: httpx.AsyncClient, network: Network
) -> None:
    call_id, sid = await _placed(office, client)
    with structlog.testing.capture_logs(
        processors=[structlog.contextvars.merge_contextvars]
    ) as lines:
        await network.post(
            f"/twilio/status?call_id={call_id}", {"CallSid": sid, "CallStatus": "ringing"}
        )
    [line] = [line for line in lines if line["event"] == "request answered"]
    assert line["trace_id"] == call_id.hex
    assert line["call_id"] == str(call_id)


async def test_what_the_network_did_not_sign_is_refused(
    office: Office, client: httpx.AsyncClient, network: Network
) -> None:
    cases: list[Any] = [
        "/twilio/voice",
        "/twilio/status",
        "/twilio/amd",
        "/twilio/recording",
        "/twilio/stream",
    ]
    for target in cases:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        unsigned = await client.post(target, content="CallSid=CA1", headers=form)
        forged = await network.post(target, VOICE, **{"X-Twilio-Signature": sign("x", VOICE)})
        elsewhere = await network.post(target, VOICE, base="https://other.example.com")
        added = await network.post(
            target, VOICE, **{"X-Twilio-Signature": sign(PUBLIC_URL + target, VOICE | {"A": "b"})}
        )
        binary = await client.post(target, content=b"\xff\xfe=\x00", headers=form)
        for answer in (unsigned, forged, elsewhere, added):
            assert answer.status_code == 403
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["type"] == "urn:reauto:problem:bad-signature"
        assert binary.status_code in {400, 403}
        assert (await office.calls.page(limit=10, cursor=None)).calls == ()


async def test_the_signature_is_checked_before_anything_else(client: httpx.AsyncClient) -> None:
    answer = await client.post("/twilio/voice?call_id=nonsense", content="%%%")
    assert answer.status_code == 403


async def test_a_signature_covers_path_and_query_as_they_were_requested(
    office: Office, client: httpx.AsyncClient, network: Network
) -> None:
    _, sid = await _placed(office, client)
    form = {"CallSid": sid, "StreamSid": "MZ1", "StreamEvent": "stream-started"}
    odd = f"/twilio/stream?note={quote('a b/ü+')}&x=%2f"
    assert (await network.post(odd, form)).status_code == 204


async def test_status_callbacks_in_any_order_any_number_of_times(
    office: Office, client: httpx.AsyncClient, network: Network
) -> None:
    call_id, sid = await _placed(office, client)
    target = f"/twilio/status?call_id={call_id}"
    at = "Mon, 23 Nov 2026 15:04:05 +0000"
    for status in ("ringing", "no-answer", "initiated", "no-answer", "ringing"):
        form = {"CallSid": sid, "CallStatus": status, "Timestamp": at, "SipResponseCode": "487"}
        assert (await network.post(target, form)).status_code == 204
    call = await office.calls.get(call_id)
    assert call.status is CallStatus.NO_ANSWER
    assert call.outcome is Outcome.NO_ANSWER
    assert call.error_code == "sip-487"


async def test_a_callback_for_an_unknown_call_is_not_found(network: Network) -> None:
    form = {"CallSid": SID, "CallStatus": "completed"}
    assert (await network.post("/twilio/status", form)).status_code == 404
    assert (await network.post(f"/twilio/status?call_id={uuid4()}", form)).status_code == 404
    verdict = {"CallSid": SID, "AnsweredBy": "human"}
    assert (await network.post("/twilio/amd", verdict)).status_code == 404
    assert (await network.post(f"/twilio/voice?call_id={uuid4()}", VOICE)).status_code == 404


async def test_a_signed_form_that_lacks_something_is_400(network: Network) -> None:
    cases: list[Any] = [
        ("/twilio/voice", {"CallSid": ""}),
        ("/twilio/voice", {"From": ""}),
        ("/twilio/voice", {"CallStatus": "thinking"}),
        ("/twilio/voice", {"Direction": "outbound-api"}),
        ("/twilio/voice?again=1", {}),
        ("/twilio/voice", {"From": "x" * 257}),
        ("/twilio/voice", {"From": "nul\x00"}),
        ("/twilio/status", {"CallDuration": "soon"}),
        ("/twilio/status", {"Timestamp": "yesterday"}),
        ("/twilio/status", {"Timestamp": "Fri, 31 Dec 9999 23:59:59 -2359"}),
        ("/twilio/amd", {}),
        ("/twilio/recording", {}),
        ("/twilio/stream", {}),
    ]
    for target, change in cases:
        answer = await network.post(target, VOICE | change)
        assert answer.status_code == 400
        assert answer.json()["type"] == "urn:reauto:problem:protocol-violation"


async def test_a_query_that_is_no_call_id_is_named(network: Network) -> None:
    answer = await network.post("/twilio/voice?call_id=nonsense", VOICE)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "call_id"


async def test_a_form_too_large_is_refused(network: Network) -> None:
    answer = await network.post("/twilio/status", VOICE | {"Note": "x" * 70_000})
    assert answer.status_code == 413


async def test_a_machine_is_told_to_the_conversation(
    office: Office, client: httpx.AsyncClient, network: Network
) -> None:
    call_id, sid = await _placed(office, client)
    await office.calls.served_by(call_id, worker_id="w1", engines={}, at=office.clock.now())
    form = {"CallSid": sid, "AnsweredBy": "machine_start"}
    assert (await network.post(f"/twilio/amd?call_id={call_id}", form)).status_code == 204
    told = await anext(office.sessions.inbox("w1"))
    assert told == MachineDetected(call_id=call_id, answered_by="machine_start")


async def test_recordings_and_stream_events_are_noted(network: Network) -> None:
    with structlog.testing.capture_logs() as lines:
        recording = {"CallSid": SID, "RecordingSid": "RE1", "RecordingStatus": "completed"}
        assert (await network.post("/twilio/recording", recording)).status_code == 204
        broken = {"CallSid": SID, "StreamSid": "MZ1", "StreamError": "31921"}
        assert (await network.post("/twilio/stream", broken)).status_code == 204
    levels = {line["event"]: line["log_level"] for line in lines}
    assert levels["recording reported"] == "info"
    assert levels["stream reported"] == "warning"


FIELDS = st.sampled_from(
    [*VOICE, "Timestamp", "CallDuration", "AnsweredBy", "SipResponseCode", "ErrorCode"]
)
VALUES = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.sampled_from([SID, "ringing", "completed", "inbound", "99999999999", "-1", "١٢"]),
    st.from_regex(r"\A\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}\Z"),
)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    target=st.sampled_from(["voice", "status", "amd", "recording", "stream"]),
    form=st.dictionaries(FIELDS, VALUES, max_size=8),
)
async def test_no_signed_form_breaks_the_service(
    network: Network, target: str, form: dict[str, str]
) -> None:
    answer = await network.post(f"/twilio/{target}", VOICE | form)
    assert answer.status_code < 500
