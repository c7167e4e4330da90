"""Draining waits for calls, and those that stay too long say goodbye."""

import asyncio

from service.domain.errors import StorageUnavailable
from service.domain.events import DrainRequested, HangUpRequested
from service.domain.outcome import Outcome
from service.domain.turn import Turn, TurnStamps
from service.web.examples import CONFIG
from tests.service.calls.desk import Desk


async def test_a_drain_waits_for_the_last_call_and_admits_none(desk: Desk) -> None:
    call = await desk.placed()
    async with desk.running(call) as conversation:
        drain = asyncio.create_task(desk.presence.drain(reason="test"))
        await desk.clock.advance(1)
        assert not drain.done()
        assert (await desk.sessions.workers())[0].draining
        conversation.finish.set()
        await drain
    assert conversation.told == []
    assert (await desk.calls.get(call.call_id)).outcome is Outcome.QUALIFIED


async def test_calls_that_outlast_the_drain_say_goodbye(desk: Desk) -> None:
    call = await desk.placed()
    async with desk.running(call) as conversation:
        drain = asyncio.create_task(desk.presence.drain(reason="test"))
        await desk.clock.advance(61)
        await drain
    assert conversation.told == [f"end: {CONFIG.phrases.drain_goodbye}"]


async def test_an_empty_worker_drains_at_once(desk: Desk) -> None:
    await desk.presence.drain(reason="test")
    assert desk.active.draining


async def test_a_worker_acts_on_its_inbox(desk: Desk) -> None:
    call = await desk.placed()
    async with desk.running(call) as conversation:
        inbox = asyncio.create_task(desk.presence.follow_inbox())
        event = HangUpRequested(call_id=call.call_id, reason="operator")
        await desk.sessions.tell("w0", event)
        await conversation.finish.wait()
        await desk.sessions.tell("w0", DrainRequested(reason="deploy"))
        while not desk.active.draining:
            await asyncio.sleep(0)
        inbox.cancel()
        await asyncio.gather(inbox, return_exceptions=True)
    assert conversation.told == ["end: None"]


async def test_calls_of_a_dead_process_are_settled_once(desk: Desk) -> None:
    call = await desk.placed()
    await desk.calls.served_by(call.call_id, worker_id="w0", engines={}, at=desk.clock.now())
    assert await desk.presence.settle_the_past() == 1
    assert await desk.presence.settle_the_past() == 0
    assert (await desk.calls.get(call.call_id)).outcome is Outcome.FAILED


async def test_a_crashed_call_costs_up_to_its_last_turn_only(desk: Desk) -> None:
    call = await desk.placed()
    await desk.calls.served_by(call.call_id, worker_id="w0", engines={}, at=desk.clock.now())
    turn = Turn(
        call_id=call.call_id,
        turn_index=0,
        caller_said="",
        agent_said="hi",
        agent_heard="hi",
        agent="opener",
        stamps=TurnStamps(playback_ended_ms=9_000),
    )
    await desk.calls.record_turn(turn, ())
    await desk.clock.advance(8 * 3600)
    await desk.presence.settle_the_past()
    (leg, _amd) = await desk.calls.ledger(call.call_id)
    assert (leg.quantity, leg.unit) == (1, "minute")


async def test_a_drain_goes_on_while_redis_is_away(desk: Desk) -> None:
    async def away(*_: object, **__: object) -> None:
        raise StorageUnavailable("away")

    desk.sessions.announce = away  # type: ignore[method-assign]
    await desk.presence.drain(reason="test")
    assert desk.active.draining
