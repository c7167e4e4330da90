"""Calls from queue to last callback: webhooks, TwiML, machine detection, negative endings."""

import httpx
import pytest
from twilio.request_validator import RequestValidator

from evals.callers.person import Answering
from evals.phone.flow import Timing
from evals.phone.network import PhoneNetwork
from service.domain.errors import InvalidInput, NotFound
from tests.evals.phone.stage import OURS, THEIRS, TOKEN, ScriptedPerson, Service, ended, place


async def test_an_outbound_call_reports_its_progress_signed_and_in_order(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    service.documents["/voice"] = "<Response><Hangup/></Response>"
    network.exchange.put_line(THEIRS, ScriptedPerson)
    call = await ended(await place(api, service, network))
    hooks = await service.until("/status", count=4)
    hooks = sorted(hooks, key=lambda hook: int(hook.one("SequenceNumber") or -1))
    assert [hook.one("CallStatus") for hook in hooks] == [
        *("initiated", "ringing", "in-progress", "completed"),
    ]
    assert [hook.one("SequenceNumber") for hook in hooks] == ["0", "1", "2", "3"]
    last = hooks[-1]
    assert last.one("CallSid") == call.sid
    assert (last.one("CallDuration"), last.one("Duration")) == ("1", "1")
    assert last.one("CallbackSource") == "call-progress-events"
    assert (last.one("From"), last.one("To")) == (OURS, THEIRS)
    validator = RequestValidator(TOKEN)
    for hook in service.webhooks:
        form = {name: values[0] for name, values in hook.form.items()}
        assert validator.validate(hook.url, form, hook.headers["x-twilio-signature"])


async def test_only_the_events_asked_for_are_sent(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    service.documents["/voice"] = "<Response/>"
    network.exchange.put_line(THEIRS, ScriptedPerson)
    call = await place(api, service, network, StatusCallbackEvent=["completed"])
    await ended(call)
    hooks = await service.until("/status")
    assert [hook.one("CallStatus") for hook in hooks] == ["completed"]


@pytest.mark.parametrize(
    ("who", "status", "sip"),
    [("busy", "busy", "486"), ("no-answer", "no-answer", "487"), ("failed", "failed", "404")],
)
async def test_nobody_picks_up(
    api: httpx.AsyncClient,
    network: PhoneNetwork,
    service: Service,
    who: str,
    status: str,
    sip: str,
) -> None:
    network.exchange.put_line(THEIRS, who)
    call = await ended(await place(api, service, network, Timeout="0"))
    assert (call.status, call.ended_by, call.duration_s) == (status, "network", None)
    last = (await service.until("/status", count=3))[-1]
    assert (last.one("CallStatus"), last.one("SipResponseCode")) == (status, sip)
    assert last.one("CallDuration") is None
    assert service.at("/voice") == []


async def test_a_number_without_a_line_fails(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    call = await ended(await place(api, service, network))
    assert call.status == "failed"


async def test_redirects_are_followed_with_their_method(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    service.documents["/voice"] = (
        "<Response><Pause length='0.01'/><Redirect method='GET'>/next?a=1</Redirect></Response>"
    )
    service.documents["/next"] = "<Response><Say>One moment</Say></Response>"
    network.exchange.put_line(THEIRS, ScriptedPerson)
    call = await ended(await place(api, service, network))
    hook = (await service.until("/next"))[0]
    assert hook.method == "GET"
    assert RequestValidator(TOKEN).validate(hook.url, {}, hook.headers["x-twilio-signature"])
    assert "a=1" in hook.url
    assert (call.status, call.ended_by) == ("completed", "agent")


@pytest.mark.parametrize(
    ("document", "status", "code"),
    [
        ("<Response", 200, 12100),
        ("", 500, 11200),
    ],
)
async def test_a_document_that_cannot_be_used_ends_the_call(
    api: httpx.AsyncClient,
    network: PhoneNetwork,
    service: Service,
    document: str,
    status: int,
    code: int,
) -> None:
    service.documents["/voice"], service.failures["/voice"] = document, status
    network.exchange.put_line(THEIRS, ScriptedPerson)
    call = await ended(await place(api, service, network))
    assert [warning.code for warning in call.warnings] == [code]
    assert (call.status, call.ended_by) == ("completed", "network")


async def test_a_service_that_is_down_is_noted(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    network.exchange.put_line(THEIRS, ScriptedPerson)
    call = await place(api, service, network, Url="http://127.0.0.1:9/voice")
    await ended(call)
    assert [warning.code for warning in call.warnings] == [11205]


@pytest.mark.parametrize(
    ("answering", "detection", "verdict"),
    [
        (Answering.HUMAN, "Enable", "human"),
        (Answering.MACHINE, "Enable", "machine_start"),
        (Answering.MACHINE, "DetectMessageEnd", "machine_end_beep"),
        (Answering.SILENCE, "Enable", "unknown"),
    ],
)
async def test_machine_detection_tells_its_verdict_while_the_call_goes_on(
    api: httpx.AsyncClient,
    network: PhoneNetwork,
    service: Service,
    answering: Answering,
    detection: str,
    verdict: str,
) -> None:
    service.documents["/voice"] = "<Response><Pause length='30'/></Response>"
    person = ScriptedPerson(answering=answering, greeting_ends_at_ms=60)
    network.exchange.put_line(THEIRS, lambda: person)
    call = await place(
        api,
        service,
        network,
        MachineDetection=detection,
        AsyncAmd="true",
        AsyncAmdStatusCallback=f"{service.base_url}/amd",
        MachineDetectionSilenceTimeout="50",
    )
    hook = (await service.until("/amd"))[0]
    assert hook.one("AnsweredBy") == verdict
    assert hook.one("CallSid") == call.sid
    assert int(hook.one("MachineDetectionDuration") or 0) > 0
    assert call.status == "in-progress"
    assert (await service.until("/voice"))[0].one("AnsweredBy") is None
    call.end("agent")
    await ended(call)
    assert call.as_resource()["answered_by"] == verdict


async def test_synchronous_detection_holds_the_document_until_the_verdict(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    service.documents["/voice"] = "<Response/>"
    network.exchange.put_line(THEIRS, ScriptedPerson)
    await ended(await place(api, service, network, MachineDetection="Enable"))
    assert (await service.until("/voice"))[0].one("AnsweredBy") == "human"


async def test_an_inbound_call_asks_for_its_document_while_it_rings(
    network: PhoneNetwork, service: Service
) -> None:
    service.documents["/voice"] = "<Response><Hangup/></Response>"
    network.exchange.add_number(
        OURS, voice_url=f"{service.base_url}/voice", status_url=f"{service.base_url}/status"
    )
    call = network.exchange.ring(from_number=THEIRS, to_number=OURS, who=ScriptedPerson)
    hook = (await service.until("/voice"))[0]
    assert (hook.one("CallStatus"), hook.one("Direction")) == ("ringing", "inbound")
    assert (hook.one("From"), hook.one("To")) == (THEIRS, OURS)
    await ended(call)
    hooks = await service.until("/status")
    assert [hook.one("CallStatus") for hook in hooks] == ["completed"]


async def test_an_inbound_call_that_the_service_cannot_take_fails(
    network: PhoneNetwork, service: Service
) -> None:
    service.failures["/voice"] = 503
    network.exchange.add_number(OURS, voice_url=f"{service.base_url}/voice")
    call = network.exchange.ring(from_number=THEIRS, to_number=OURS, who=ScriptedPerson)
    await ended(call)
    assert (call.status, call.answered_at) == ("failed", None)


async def test_the_stage_is_set_through_the_control_api(
    network: PhoneNetwork, service: Service
) -> None:
    service.documents["/voice"] = "<Response><Hangup/></Response>"
    url = f"{network.base_url}/control"
    async with httpx.AsyncClient(base_url=url, verify=False) as client:
        body = {"number": OURS, "voice_url": f"{service.base_url}/voice"}
        assert (await client.post("/numbers", json=body)).status_code == 204
        line = {"number": THEIRS, "scenario": "silent"}
        assert (await client.post("/lines", json=line)).status_code == 204
        ring = {"from": THEIRS, "to": OURS, "scenario": "inbound_seller"}
        sid = (await client.post("/ring", json=ring)).json()["sid"]
        await ended(network.exchange.calls[sid])
        (report,) = (await client.get("/calls")).json()
        assert (report["sid"], report["from"], report["to"]) == (sid, THEIRS, OURS)
        assert (report["scenario"], report["direction"]) == ("inbound_seller", "inbound")
        audio = await client.get(f"/calls/{sid}/audio")
        assert audio.content[:4] == b"RIFF"
        for path, wrong in (
            ("/lines", {"number": THEIRS, "scenario": "nobody"}),
            ("/lines", {"number": THEIRS}),
            ("/numbers", {"number": OURS, "colour": "red"}),
        ):
            assert (await client.post(path, json=wrong)).status_code == 400
        unknown = {**ring, "to": "+15550107777"}
        assert (await client.post("/ring", json=unknown)).status_code == 404
        assert (await client.get("/calls/CA0/audio")).status_code == 404


async def test_who_is_on_the_line_must_exist(network: PhoneNetwork) -> None:
    with pytest.raises(InvalidInput):
        network.exchange.put_line(THEIRS, "nobody")
    with pytest.raises(NotFound):
        network.exchange.ring(from_number=THEIRS, to_number=OURS, who="silent")


def test_the_published_pace_is_the_default() -> None:
    assert Timing().calls_per_second == 1.0
