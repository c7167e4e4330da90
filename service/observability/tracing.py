"""Trace ids: one per request, and one per call that is followed from webhook to recorder.

A call's trace id is its call id in hex: a UUIDv7 is the 16 bytes that W3C Trace Context asks for,
so every room that knows the call writes the same trace id, and no message has to carry it.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import structlog

_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$")


def new_trace_id() -> str:
    """Return 16 random bytes in lower-case hex."""
    return secrets.token_hex(16)


def parse_traceparent(header: str | None) -> str | None:
    """Return the trace id of a `traceparent` header, None when there is none that is valid.

    Version ff, an all-zero trace id or an all-zero parent id are invalid (W3C Trace Context 3.2).
    """
    found = _TRACEPARENT.match((header or "").strip())
    if found is None or found.string.startswith("ff"):
        return None
    trace_id, parent_id = found.group(1), found.group(2)
    return trace_id if int(trace_id, 16) and int(parent_id, 16) else None


def traceparent() -> str | None:
    """Return a `traceparent` header to send on, None outside any trace."""
    trace_id = current_trace_id()
    return f"00-{trace_id}-{secrets.token_hex(8)}-01" if trace_id else None


def current_trace_id() -> str | None:
    """The trace id of the running task."""
    trace_id = structlog.contextvars.get_contextvars().get("trace_id")
    return trace_id if isinstance(trace_id, str) else None


def follow_call(call_id: UUID) -> None:
    """From here on the running task, and the tasks it starts, belong to this call's trace."""
    structlog.contextvars.bind_contextvars(call_id=str(call_id), trace_id=call_id.hex)


@contextmanager
def following_call(call_id: UUID) -> Iterator[None]:
    """Belong to this call's trace inside the block: for a task that serves many calls."""
    with structlog.contextvars.bound_contextvars(call_id=str(call_id), trace_id=call_id.hex):
        yield


@contextmanager
def request_trace(header: str | None) -> Iterator[str]:
    """Run a request under the trace id of its `traceparent` header, or under a new one."""
    trace_id = parse_traceparent(header) or new_trace_id()
    before = structlog.contextvars.get_contextvars()
    structlog.contextvars.bind_contextvars(trace_id=trace_id)
    try:
        yield trace_id
    finally:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**before)
