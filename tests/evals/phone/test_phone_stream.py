"""Media Streams over real sockets: messages, order, marks, clear, and every way to end."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from twilio.request_validator import RequestValidator
from websockets.asyncio.server import ServerConnection, serve

from evals.phone.calls import PhoneCall
from evals.phone.network import PhoneNetwork
from tests.evals.phone.stage import (
    LOUD,
    OURS,
    SID,
    THEIRS,
    TOKEN,
    ScriptedPerson,
    Service,
    Stream,
    ended,
    place,
)


async def hold(
    api: httpx.AsyncClient,
    service: Service,
    network: PhoneNetwork,
    *,
    person: ScriptedPerson,
    **attributes: str,
) -> PhoneCall:
    """Run one call whose streams follow the service's scripts."""
    service.connects(**attributes)
    network.exchange.put_line(THEIRS, lambda: person)
    call = await ended(await place(api, service, network))
    async with asyncio.timeout(10):
        for stream in service.streams:
            await stream.done.wait()
    return call


async def test_the_stream_opens_signed_and_counts_everything_in_one_sequence(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    async def script(stream: Stream) -> None:
        await stream.until("start")
        await stream.mark("at once")
        await stream.drain()

    service.scripts.append(script)
    person = ScriptedPerson(digits={3: "5", 5: "#"}, hangs_up_after=10)
    call = await hold(api, service, network, person=person)
    signature = service.upgrades[0]["x-twilio-signature"]
    assert RequestValidator(TOKEN).validate(service.stream_url, {}, signature)
    received = service.streams[0].received
    assert received[0] == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    start = received[1]
    assert start["start"] == {
        "accountSid": SID,
        "streamSid": start["streamSid"],
        "callSid": call.sid,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"token": "t1"},
    }
    numbers = [message["sequenceNumber"] for message in received[1:]]
    assert numbers == [str(index + 1) for index in range(len(numbers))]
    digits = [message["dtmf"] for message in service.streams[0].events("dtmf")]
    assert digits == [{"track": "inbound_track", "digit": d} for d in "5#"]
    assert call.digits == "5#"
    assert received[-1]["event"] == "stop"
    assert received[-1]["stop"] == {"accountSid": SID, "callSid": call.sid}
    assert call.ended_by == "caller"


async def test_frames_come_every_20_ms_silence_included(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    service.scripts.append(lambda stream: stream.drain())
    person = ScriptedPerson(hangs_up_after=25).says(5, 3)
    await hold(api, service, network, person=person)
    media = [message["media"] for message in service.streams[0].events("media")]
    assert [frame["chunk"] for frame in media] == [str(index + 1) for index in range(25)]
    assert [frame["timestamp"] for frame in media] == [str(20 * index) for index in range(25)]
    assert {frame["track"] for frame in media} == {"inbound"}
    assert len({frame["payload"] for frame in media}) == 2
    steps = [
        later - earlier for earlier, later in zip(person.ticks, person.ticks[1:], strict=False)
    ]
    assert set(steps) == {20}


async def test_every_message_matches_the_schema(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service, assets: Path
) -> None:
    schema = json.loads((assets / "contracts/twilio_media_streams.schema.json").read_text())

    async def script(stream: Stream) -> None:
        await stream.until("start")
        await stream.mark("m")
        await stream.drain()

    service.scripts.append(script)
    await hold(api, service, network, person=ScriptedPerson(digits={1: "D"}, hangs_up_after=4))
    received = service.streams[0].received
    assert {message["event"] for message in received} == {
        *("connected", "start", "media", "mark", "dtmf", "stop"),
    }
    for message in received:
        one: dict[str, Any] = {**schema["$defs"][message["event"]], "$defs": schema["$defs"]}
        jsonschema.validate(message, one)


async def test_audio_is_heard_and_its_mark_comes_back_after_it(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    person = ScriptedPerson()

    async def script(stream: Stream) -> None:
        await stream.until("start")
        await stream.mark("first")
        for _ in range(5):
            await stream.play(LOUD * 2)
        await stream.mark("last")
        assert (await stream.until("mark"))["mark"]["name"] == "first"
        before = len(stream.events("media"))
        assert (await stream.until("mark"))["mark"]["name"] == "last"
        assert len(stream.events("media")) - before >= 9

    service.scripts.append(script)
    call = await hold(api, service, network, person=person)
    assert 9 * 160 <= bytes(person.ear).count(LOUD[:1]) <= 10 * 160
    assert call.ended_by == "agent"
    report = call.report()
    assert report.gaps == []
    assert report.warnings == []
    assert bytes(call.heard_audio).count(LOUD[:1]) == 10 * 160


async def test_clear_silences_at_once_and_echoes_pending_marks(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    person = ScriptedPerson()

    async def script(stream: Stream) -> None:
        await stream.until("start")
        await stream.play(LOUD * 50)
        await stream.mark("a")
        await stream.play(LOUD * 50)
        await stream.mark("b")
        await stream.frames(5)
        await stream.clear()
        names = [(await stream.until("mark"))["mark"]["name"] for _ in range(2)]
        assert names == ["a", "b"]
        await stream.frames(5)

    service.scripts.append(script)
    await hold(api, service, network, person=person)
    assert 3 <= person.loud_frames <= 15


async def test_a_caller_who_hangs_up_leaves_marks_unanswered(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    async def script(stream: Stream) -> None:
        await stream.until("start")
        await stream.play(LOUD * 500)
        await stream.mark("never")
        await stream.drain()

    service.scripts.append(script)
    person = ScriptedPerson(hangs_up_after=5)
    call = await hold(api, service, network, person=person)
    assert service.streams[0].events("mark") == []
    assert service.streams[0].received[-1]["event"] == "stop"
    assert person.left_at_ms is not None
    assert call.ended_by == "caller"


async def test_an_invalid_message_is_noted_once_and_the_stream_goes_on(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    async def script(stream: Stream) -> None:
        await stream.until("start")
        for _ in range(3):
            await stream.socket.send_text("not json")
            await stream.socket.send_text(
                f'{{"event":"media","streamSid":"{stream.sid}","media":{{"payload":"***"}}}}'
            )
            await stream.socket.send_bytes(b"\x00")
        await stream.mark("still here")
        await stream.until("mark")

    service.scripts.append(script)
    call = await hold(api, service, network, person=ScriptedPerson())
    assert sorted(warning.code for warning in call.warnings) == [31950, 31951]


async def test_after_the_server_closes_the_next_verb_is_due(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    async def first(stream: Stream) -> None:
        await stream.frames(3)
        await stream.socket.close()

    async def second(stream: Stream) -> None:
        await stream.frames(2)
        await stream.socket.close()

    service.scripts += [first, second]
    service.connects("/again")
    person = ScriptedPerson()
    call = await hold(api, service, network, person=person, after="<Redirect>/again</Redirect>")
    assert len(service.at("/again")) == 1
    assert call.report().streams == 2
    assert service.streams[0].sid != service.streams[1].sid
    assert service.streams[1].events("media")[0]["media"]["timestamp"] == "0"
    assert (call.status, call.ended_by, call.warnings) == ("completed", "agent", [])
    assert person.ticks == sorted(set(person.ticks))


async def test_a_broken_socket_is_noted_and_leads_to_the_next_verb(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    async def crash(connection: ServerConnection) -> None:
        for _ in range(4):
            await connection.recv()
        connection.transport.abort()

    service.documents["/again"] = "<Response><Hangup/></Response>"
    network.exchange.put_line(THEIRS, ScriptedPerson)
    async with serve(crash, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        service.documents["/voice"] = (
            f'<Response><Connect><Stream url="ws://127.0.0.1:{port}" statusCallback="/stream"/>'
            "</Connect><Redirect>/again</Redirect></Response>"
        )
        call = await ended(await place(api, service, network))
    assert [warning.code for warning in call.warnings] == [31903]
    assert len(service.at("/again")) == 1
    hooks = await service.until("/stream", count=2)
    assert {hook.one("StreamEvent") for hook in hooks} == {"stream-started", "stream-error"}


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ws://127.0.0.1:9/media", 31902),
        ("{base}/nowhere", 31920),
        ("{base}/media?token=1", 31920),
        ("mailto:somebody", 31923),
    ],
)
async def test_a_stream_that_cannot_be_opened_falls_through(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service, url: str, code: int
) -> None:
    base = service.base_url.replace("http", "ws", 1)
    stream = f'<Stream url="{url.format(base=base)}" statusCallback="/stream"/>'
    service.documents["/voice"] = f"<Response><Connect>{stream}</Connect></Response>"
    network.exchange.put_line(THEIRS, ScriptedPerson)
    call = await ended(await place(api, service, network))
    assert [warning.code for warning in call.warnings] == [code]
    hook = (await service.until("/stream"))[0]
    assert hook.one("StreamEvent") == "stream-error"
    assert call.status == "completed"


async def test_hanging_up_by_rest_stops_the_stream(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    async def script(stream: Stream) -> None:
        await stream.until("start")
        call_sid = stream.received[-1]["start"]["callSid"]
        await api.post(f"/Calls/{call_sid}.json", data={"Status": "completed"})
        await stream.drain()

    service.scripts.append(script)
    call = await hold(
        api, service, network, person=ScriptedPerson(), statusCallback="/stream", name="call-1"
    )
    assert service.streams[0].received[-1]["event"] == "stop"
    assert (call.ended_by, call.status) == ("agent", "completed")
    hooks = await service.until("/stream", count=2)
    assert {hook.one("StreamEvent") for hook in hooks} == {"stream-started", "stream-stopped"}
    assert {hook.one("StreamName") for hook in hooks} == {"call-1"}


async def test_a_hole_in_the_agents_audio_is_measured(
    api: httpx.AsyncClient, network: PhoneNetwork, service: Service
) -> None:
    async def script(stream: Stream) -> None:
        await stream.until("start")
        await stream.play(LOUD * 5)
        await stream.mark("played")
        await stream.until("mark")
        await stream.frames(5)
        await stream.play(LOUD * 5)
        await stream.mark("played")
        await stream.until("mark")

    service.scripts.append(script)
    call = await hold(api, service, network, person=ScriptedPerson())
    (gap,) = call.report().gaps
    assert 60 <= gap.duration_ms <= 400


async def test_stopping_the_network_ends_live_calls(service: Service) -> None:
    service.scripts.append(lambda stream: stream.drain())
    service.connects()
    async with PhoneNetwork(account_sid=SID, auth_token=TOKEN) as network:
        network.exchange.add_number(OURS, voice_url=f"{service.base_url}/voice")
        call = network.exchange.ring(from_number=THEIRS, to_number=OURS, who=ScriptedPerson)
        async with asyncio.timeout(10):
            await service.streaming.wait()
    assert (call.status, call.ended_by) == ("completed", "network")
    assert service.streams[0].received[-1]["event"] == "stop"
