"""Intake answers every asking call: with our media socket, or with a sentence."""

import re
from uuid import UUID

from service.calls.intake import BUSY, CUT_OFF, VoiceWebhook
from service.calls.urls import media_url
from service.domain.call import CallStatus, Direction
from service.domain.conversation import ConversationResult
from service.domain.outcome import Outcome
from service.ports.sessions import WorkerInfo
from tests.service.calls.desk import Desk
from tests.service.web.office import OUR_NUMBER, THEIR_NUMBER, WORKER_URL

SID = "CA" + "1" * 32


def webhook(sid: str = SID, direction: str = "inbound") -> VoiceWebhook:
    return VoiceWebhook(
        twilio_sid=sid,
        from_number=THEIR_NUMBER,
        to_number=OUR_NUMBER,
        direction=direction,
        status=CallStatus.RINGING,
    )


def parameters(document: str) -> dict[str, str]:
    return dict(re.findall(r'<Parameter name="(\w+)" value="([^"]+)"', document))


async def test_an_inbound_call_of_a_contact_is_connected(desk: Desk) -> None:
    contact = await desk.contact()
    document = await desk.intake().inbound(webhook())
    given = parameters(document)
    call = await desk.calls.get(UUID(given["call_id"]))
    assert (call.direction, call.contact_id) == (Direction.INBOUND, contact.contact_id)
    assert call.status is CallStatus.IN_PROGRESS
    assert media_url(WORKER_URL) in document
    assert await desk.redeem(given["token"]) == call.call_id


async def test_a_repeated_webhook_finds_the_same_call(desk: Desk) -> None:
    first = parameters(await desk.intake().inbound(webhook()))
    second = parameters(await desk.intake().inbound(webhook()))
    assert first["call_id"] == second["call_id"]


async def test_a_full_worker_leads_to_one_with_room(desk: Desk) -> None:
    desk.active.capacity = 0
    await desk.sessions.announce(_worker("w1", active_calls=1), ttl_s=5)
    await desk.sessions.announce(_worker("w2", active_calls=0), ttl_s=5)
    await desk.sessions.announce(_worker("w3", active_calls=0, draining=True), ttl_s=5)
    assert "wss://w2.example.com/twilio/media" in await desk.intake().inbound(webhook())


async def test_no_room_anywhere_is_said_and_ends(desk: Desk) -> None:
    desk.active.draining = True
    assert BUSY in await desk.intake().inbound(webhook())
    call = await desk.calls.by_sid(SID)
    assert call.outcome is Outcome.FAILED


async def test_a_broken_socket_is_excused_and_settled(desk: Desk) -> None:
    call = await desk.placed()
    document = await desk.intake().again(
        call.call_id, webhook(str(call.twilio_sid), "outbound-api")
    )
    assert CUT_OFF in document
    assert (await desk.calls.get(call.call_id)).outcome is Outcome.FAILED


async def test_a_finished_call_that_asks_again_keeps_its_outcome(desk: Desk) -> None:
    call = await desk.placed()
    await desk.calls.finish(
        call.call_id,
        result=ConversationResult(outcome=Outcome.QUALIFIED),
        ledger=(),
        at=desk.clock.now(),
    )
    await desk.intake().again(call.call_id, webhook(str(call.twilio_sid), "outbound-api"))
    assert (await desk.calls.get(call.call_id)).outcome is Outcome.QUALIFIED


def _worker(name: str, *, active_calls: int, draining: bool = False) -> WorkerInfo:
    return WorkerInfo(
        worker_id=name,
        public_url=f"https://{name}.example.com",
        active_calls=active_calls,
        capacity=4,
        draining=draining,
        heartbeat_at=0.0,
    )


async def test_calls_on_their_way_take_places(desk: Desk) -> None:
    desk.active.capacity = 1
    intake = desk.intake()
    assert media_url(WORKER_URL) in await intake.inbound(webhook("CA" + "2" * 32))
    assert BUSY in await intake.inbound(webhook("CA" + "3" * 32))
    await desk.clock.advance(61)
    assert media_url(WORKER_URL) in await intake.inbound(webhook("CA" + "4" * 32))


async def test_a_session_that_winds_up_keeps_the_last_word(desk: Desk) -> None:
    call = await desk.placed()
    async with desk.running(call):
        await desk.clock.advance(0.1)
        again = webhook(str(call.twilio_sid), "outbound-api")
        assert CUT_OFF in await desk.intake().again(call.call_id, again)
    assert (await desk.calls.get(call.call_id)).outcome is Outcome.QUALIFIED
