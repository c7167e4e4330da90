"""Trace ids: read, made, handed on, and the same for a call in every task that serves it."""

import asyncio
from uuid import UUID

import pytest

from service.domain.ids import new_id
from service.observability.tracing import (
    current_trace_id,
    follow_call,
    following_call,
    new_trace_id,
    parse_traceparent,
    request_trace,
    traceparent,
)

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"00-{TRACE}-{PARENT}-01", TRACE),
        (f" 00-{TRACE}-{PARENT}-00 ", TRACE),
        (f"cc-{TRACE}-{PARENT}-01-what-the-future-adds", TRACE),
        (f"ff-{TRACE}-{PARENT}-01", None),
        (f"00-{'0' * 32}-{PARENT}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{PARENT}-01", None),
        (f"00-{TRACE[:-1]}-{PARENT}-01", None),
        ("nonsense", None),
        ("", None),
        (None, None),
    ],
)
def test_traceparent_is_read_by_the_recommendation(
    header: str | None, expected: str | None
) -> None:
    assert parse_traceparent(header) == expected


def test_a_request_keeps_the_trace_it_came_with_and_leaves_none_behind() -> None:
    assert current_trace_id() is None
    with request_trace(f"00-{TRACE}-{PARENT}-01") as trace_id:
        assert trace_id == current_trace_id() == TRACE
        sent = traceparent()
        assert sent is not None
        assert parse_traceparent(sent) == TRACE
        assert PARENT not in sent
        follow_call(new_id())
        assert current_trace_id() != TRACE
    assert current_trace_id() is None
    assert traceparent() is None


def test_a_request_without_one_gets_its_own() -> None:
    with request_trace(None) as first:
        pass
    with request_trace("nonsense") as second:
        pass
    assert first != second
    assert parse_traceparent(f"00-{new_trace_id()}-{PARENT}-01") is not None


async def test_tasks_of_a_call_carry_its_trace_and_others_do_not() -> None:
    first, second = new_id(), new_id()

    async def turn() -> str | None:
        await asyncio.sleep(0)
        return current_trace_id()

    async def call(call_id: UUID) -> str | None:
        follow_call(call_id)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(turn())
        return running.result()

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(call(first)), tasks.create_task(call(second))]
    assert [task.result() for task in running] == [first.hex, second.hex]
    assert current_trace_id() is None


def test_a_task_that_serves_many_calls_borrows_their_traces() -> None:
    first, second = new_id(), new_id()
    with following_call(first):
        assert current_trace_id() == first.hex
        with following_call(second):
            assert current_trace_id() == second.hex
        assert current_trace_id() == first.hex
    assert current_trace_id() is None
    header = f"00-{first.hex}-{PARENT}-01"
    assert parse_traceparent(header) == first.hex
