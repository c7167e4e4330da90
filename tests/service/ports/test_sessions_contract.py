"""What every Sessions does."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from service.domain.errors import BadSignature
from service.domain.events import CallEvent, HangUpRequested, LegEnded, MachineDetected
from service.domain.ids import new_id
from service.ports.sessions import LiveCall, Sessions, WorkerInfo


def a_live_call(**changes: object) -> LiveCall:
    fields: dict[str, object] = {
        "call_id": new_id(),
        "worker_id": "w0",
        "state": "talking",
        "started_at": 1000.25,
        "heartbeat_at": 1001.5,
        "contact_name": "Zoë",
        "last_words": "hello",
        "turns": 3,
    }
    return LiveCall(**(fields | changes))


def a_worker(worker_id: str, **changes: object) -> WorkerInfo:
    fields: dict[str, object] = {
        "worker_id": worker_id,
        "public_url": "https://voice.example.org/w",
        "active_calls": 1,
        "capacity": 20,
        "draining": False,
        "heartbeat_at": 1000.0,
    }
    return WorkerInfo(**(fields | changes))


async def take(inbox: AsyncIterator[CallEvent], count: int) -> list[CallEvent]:
    async with asyncio.timeout(10):
        return [await anext(inbox) for _ in range(count)]


async def test_a_token_works_once(sessions: Sessions) -> None:
    call_id = new_id()
    token = await sessions.issue_token(call_id, worker_id="w0", ttl_s=60)
    assert await sessions.redeem_token(token, worker_id="w0") == call_id
    with pytest.raises(BadSignature):
        await sessions.redeem_token(token, worker_id="w0")


async def test_racing_redemptions_have_one_winner(sessions: Sessions) -> None:
    token = await sessions.issue_token(new_id(), worker_id="w0", ttl_s=60)
    ended = await asyncio.gather(
        *(sessions.redeem_token(token, worker_id="w0") for _ in range(10)), return_exceptions=True
    )
    assert sum(isinstance(each, BadSignature) for each in ended) == 9


async def test_another_workers_or_unknown_token_is_refused(sessions: Sessions) -> None:
    token = await sessions.issue_token(new_id(), worker_id="w0", ttl_s=60)
    for bad, worker in ((token, "w1"), ("", "w0"), ("é" * 50, "w0")):
        with pytest.raises(BadSignature):
            await sessions.redeem_token(bad, worker_id=worker)


async def test_tokens_are_long_and_differ(sessions: Sessions) -> None:
    tokens = {await sessions.issue_token(new_id(), worker_id="w0", ttl_s=60) for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(token) >= 43 for token in tokens)


async def test_sessions_are_kept_replaced_and_removed(sessions: Sessions) -> None:
    first, second = a_live_call(), a_live_call()
    for live in (second, first):
        await sessions.save(live, ttl_s=60)
    assert await sessions.get(first.call_id) == first
    assert await sessions.list() == (first, second)
    moved = a_live_call(call_id=first.call_id, worker_id="w1", turns=4)
    await sessions.save(moved, ttl_s=60)
    assert await sessions.list() == (moved, second)
    await sessions.remove(second.call_id)
    await sessions.remove(second.call_id)
    assert await sessions.list() == (moved,)
    assert await sessions.get(second.call_id) is None


async def test_workers_are_announced_and_withdrawn(sessions: Sessions) -> None:
    w1, w0 = a_worker("w1"), a_worker("w0", draining=True)
    for worker in (w1, w0):
        await sessions.announce(worker, ttl_s=60)
    assert await sessions.workers() == (w0, w1)
    await sessions.withdraw("w0")
    assert await sessions.workers() == (w1,)


async def test_events_arrive_in_order_also_those_told_before(sessions: Sessions) -> None:
    events: list[CallEvent] = [
        MachineDetected(call_id=new_id(), answered_by="machine_start"),
        HangUpRequested(call_id=new_id(), reason="operator"),
        LegEnded(call_id=new_id(), status="completed"),
    ]
    await sessions.tell("w0", events[0])
    inbox = sessions.inbox("w0")
    reading = asyncio.create_task(take(inbox, 3))
    await sessions.tell("w1", HangUpRequested(call_id=new_id(), reason="another worker's"))
    for event in events[1:]:
        await sessions.tell("w0", event)
    assert await reading == events
    await inbox.aclose()


async def test_an_event_told_between_two_readers_is_not_lost(sessions: Sessions) -> None:
    first, second = (LegEnded(call_id=new_id(), status="completed") for _ in range(2))
    await sessions.tell("w0", first)
    inbox = sessions.inbox("w0")
    assert await take(inbox, 1) == [first]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await anext(inbox)
    await inbox.aclose()
    await sessions.tell("w0", second)
    again = sessions.inbox("w0")
    assert await take(again, 1) == [second]
    await again.aclose()


async def test_an_event_that_was_not_dealt_with_comes_again(sessions: Sessions) -> None:
    event = LegEnded(call_id=new_id(), status="completed")
    await sessions.tell("w0", event)
    for _ in range(2):
        inbox = sessions.inbox("w0")
        assert await take(inbox, 1) == [event]
        await inbox.aclose()
