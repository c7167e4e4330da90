"""A call session hangs up, flushes and settles, whatever the conversation does."""

import pytest

from service.domain.call import Call, CallStatus
from service.domain.conversation import ConversationResult
from service.domain.errors import StorageUnavailable, TelephonyError
from service.domain.outcome import Outcome
from service.web.examples import CONFIG
from tests.service.calls.desk import Desk, TextFrames, VendorBroke
from tests.service.web.office import THEIR_NUMBER


async def test_a_call_ends_hung_up_recorded_and_priced(desk: Desk) -> None:
    call = await desk.placed()
    async with desk.running(call) as conversation:
        assert conversation.brief.config == CONFIG
        assert conversation.brief.contact is not None
        conversation.turn(0)
        conversation.turn(1)
    ended = await desk.calls.get(call.call_id)
    assert ended.outcome is Outcome.QUALIFIED
    assert ended.engines == {"stt": "fake:one"}
    assert desk.telephony.statuses[str(call.twilio_sid)] is CallStatus.COMPLETED
    assert [turn.turn_index for turn in await desk.calls.turns(call.call_id)] == [0, 1]
    components = {line.meter.value for line in await desk.calls.ledger(call.call_id)}
    assert components == {"telephony_seconds", "amd_calls"}
    assert len(desk.active) == 0
    assert await desk.sessions.list() == ()


async def test_the_conversation_runs_in_the_trace_of_its_call(desk: Desk) -> None:
    for call in (await desk.placed(), await desk.placed()):
        async with desk.running(call) as conversation:
            assert conversation.trace_id == call.call_id.hex


async def test_a_live_call_is_seen_while_it_runs(desk: Desk) -> None:
    call = await desk.placed()
    async with desk.running(call) as conversation:
        conversation.turn(0)
        await desk.clock.advance(1.5)
        live = await desk.sessions.get(call.call_id)
        assert live is not None
        assert (live.worker_id, live.turns, live.last_words) == ("w0", 1, "good day")


@pytest.mark.parametrize("failure", [VendorBroke("gone"), RuntimeError("a bug")])
async def test_a_broken_conversation_still_ends_properly(desk: Desk, failure: Exception) -> None:
    desk.failure = failure
    desk.result = ConversationResult(outcome=Outcome.ABANDONED)
    call = await desk.placed()
    async with desk.running(call) as conversation:
        conversation.turn(0)
    ended = await desk.calls.get(call.call_id)
    assert ended.outcome is Outcome.FAILED
    assert desk.telephony.statuses[str(call.twilio_sid)] is CallStatus.COMPLETED
    assert len(await desk.calls.turns(call.call_id)) == 1


async def test_a_failed_hang_up_does_not_lose_the_outcome(desk: Desk) -> None:
    call = await desk.placed()
    async with desk.running(call):
        desk.telephony.failures.append(TelephonyError("down", retryable=True))
    assert (await desk.calls.get(call.call_id)).outcome is Outcome.QUALIFIED


async def test_do_not_call_suppresses_the_number(desk: Desk) -> None:
    desk.result = ConversationResult(outcome=Outcome.DO_NOT_CALL)
    call = await desk.placed()
    async with desk.running(call):
        pass
    assert await desk.contacts.is_suppressed(THEIR_NUMBER)


async def test_a_token_works_once(desk: Desk) -> None:
    call = await desk.placed()
    token = await desk.sessions.issue_token(call.call_id, worker_id="w0", ttl_s=60)
    await desk.sessions.redeem_token(token, worker_id="w0")
    frames = await desk.frames(call, token=token)
    await desk.call_sessions.serve(frames)
    assert frames.is_closed
    assert desk.conversations == []


async def test_a_late_token_is_refused(desk: Desk) -> None:
    call = await desk.placed()
    frames = await desk.frames(call)
    await desk.clock.advance(61)
    await desk.call_sessions.serve(frames)
    assert frames.is_closed
    assert desk.conversations == []


async def test_a_token_of_another_call_is_refused(desk: Desk) -> None:
    call, other = await desk.placed(), await desk.placed()
    token = await desk.sessions.issue_token(other.call_id, worker_id="w0", ttl_s=60)
    frames = await desk.frames(call, token=token)
    await desk.call_sessions.serve(frames)
    assert frames.is_closed
    assert desk.conversations == []


async def test_media_before_start_is_refused(desk: Desk) -> None:
    frames = TextFrames()
    frames.given.put_nowait(
        '{"event":"media","sequenceNumber":"1","streamSid":"MZ' + "0" * 32 + '",'
        '"media":{"track":"inbound","chunk":"1","timestamp":"0","payload":"/w=="}}'
    )
    await desk.call_sessions.serve(frames)
    assert frames.is_closed


async def test_a_machine_verdict_that_came_first_is_told_to_the_conversation(desk: Desk) -> None:
    call = await desk.placed()
    await desk.calls.answered_by(call.call_id, "machine_start")
    async with desk.running(call) as conversation:
        assert conversation.told == ["machine: machine_start"]


async def test_a_broken_conversation_keeps_what_it_had_decided(desk: Desk) -> None:
    desk.failure = RuntimeError("a bug")
    desk.result = ConversationResult(outcome=Outcome.DO_NOT_CALL)
    call = await desk.placed()
    async with desk.running(call):
        pass
    assert (await desk.calls.get(call.call_id)).outcome is Outcome.DO_NOT_CALL
    assert await desk.contacts.is_suppressed(THEIR_NUMBER)


async def test_an_opt_out_is_suppressed_while_the_call_still_runs(desk: Desk) -> None:
    call = await desk.placed()
    async with desk.running(call) as conversation:
        conversation.came_to = ConversationResult(outcome=Outcome.DO_NOT_CALL)
        await desk.clock.advance(1.5)
        assert await desk.contacts.is_suppressed(THEIR_NUMBER)


async def test_an_outcome_waits_for_a_store_that_is_away(desk: Desk) -> None:
    call = await desk.placed()
    finish = desk.calls.finish
    failures = [StorageUnavailable("away"), StorageUnavailable("away")]

    async def flaky(*arguments: object, **named: object) -> Call:
        if failures:
            raise failures.pop()
        return await finish(*arguments, **named)  # type: ignore[arg-type]

    desk.calls.finish = flaky  # type: ignore[method-assign]
    async with desk.running(call) as conversation:
        conversation.finish.set()
        while failures:
            await desk.clock.advance(1)
        await desk.clock.advance(1)
    assert (await desk.calls.get(call.call_id)).outcome is Outcome.QUALIFIED


async def test_a_verdict_that_came_while_the_call_was_set_up_is_not_lost(desk: Desk) -> None:
    call = await desk.placed()
    served = desk.calls.served_by

    async def late(*arguments: object, **named: object) -> Call:
        await desk.calls.answered_by(call.call_id, "machine_start")
        return await served(*arguments, **named)  # type: ignore[arg-type]

    desk.calls.served_by = late  # type: ignore[method-assign]
    async with desk.running(call) as conversation:
        assert conversation.told == ["machine: machine_start"]
