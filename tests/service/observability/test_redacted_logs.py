"""The one log sink: a JSON object a line, context on every line, nobody and no secret in it."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from service.domain.call import CallStatus
from service.domain.contact import Contact
from service.observability.logging import configure_logging
from service.observability.redaction import HIDDEN, mask_text, redact_event
from service.observability.tracing import follow_call

PHONE = "+15555550123"
CALL_ID = UUID("0199d2a4-5c1e-7b3a-9f00-2f6d1c9b7a10")


@pytest.fixture
def sink() -> Iterator[io.StringIO]:
    root, handlers = logging.getLogger(), list(logging.getLogger().handlers)
    level, stream = root.level, io.StringIO()
    configure_logging("json", stream, worker_id="w7")
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def _lines(sink: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_its_context(sink: io.StringIO) -> None:
    follow_call(CALL_ID)
    structlog.get_logger("room").info("call placed", attempt=2)
    [line] = _lines(sink)
    assert line["event"] == "call placed"
    assert line["level"] == "info"
    assert line["worker_id"] == "w7"
    assert line["call_id"] == str(CALL_ID)
    assert line["trace_id"] == CALL_ID.hex
    assert line["attempt"] == 2
    assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None


def test_people_and_secrets_are_masked_by_key_at_any_depth(sink: io.StringIO) -> None:
    contact = Contact(
        contact_id=CALL_ID, phone=PHONE, name="Dana Example", created_at=datetime.now(UTC)
    )
    structlog.get_logger().info(
        "everything",
        phone=PHONE,
        from_number="anonymous",
        name="Dana Example",
        text="I want to sell",
        contact=contact,
        nested={"to_number": PHONE, "rows": [{"email": "dana@example.com"}]},
        headers={"Authorization": "Bearer abc", "X-Twilio-Signature": "c2ln"},
        auth_token="t0ken",
        stream_token="t0ken",
    )
    written = sink.getvalue()
    for secret in (PHONE, "5555550123", "anonymous", "Dana", "sell", "dana@", "abc", "t0ken"):
        assert secret not in written
    [line] = _lines(sink)
    assert line["phone"] == "***23"
    assert line["nested"]["to_number"] == "***23"
    assert line["name"] == HIDDEN


def test_numbers_are_masked_wherever_they_stand(sink: io.StringIO) -> None:
    log = structlog.get_logger()
    log.info("called " + PHONE, url=f"https://x/api/suppressions/%2B{PHONE[1:]}")
    log.info("spoken", detail="ring +1 (555) 555-0123 or +44 20 7946 0958", data=b"+15555550123")
    written = sink.getvalue()
    for digits in ("5555550123", "555-0123", "7946"):
        assert digits not in written


def test_exceptions_are_masked_too(sink: io.StringIO) -> None:
    try:
        raise ValueError(f"no route to {PHONE} via postgresql://me:hunter2@db/reauto")
    except ValueError as error:
        structlog.get_logger().exception("ring failed", reason=error)
    [line] = _lines(sink)
    assert "ValueError" in line["exception"]
    assert "test_redacted_logs" in line["exception"]
    assert PHONE not in sink.getvalue()
    assert "hunter2" not in sink.getvalue()


def test_the_standard_library_goes_through_the_same_sink(sink: io.StringIO) -> None:
    uvicorn = logging.getLogger("uvicorn.error")
    uvicorn.warning("peer %s left", PHONE, extra={"transcript": "my name is Dana"})
    try:
        raise RuntimeError(f"Authorization: Bearer s3cret for {PHONE}")
    except RuntimeError:
        uvicorn.exception("broke")
    first, second = _lines(sink)
    assert first["event"] == "peer ***23 left"
    assert first["logger"] == "uvicorn.error"
    assert first["transcript"] == HIDDEN
    assert first["worker_id"] == "w7"
    assert "RuntimeError" in second["exception"]
    for secret in (PHONE, "s3cret", "Dana"):
        assert secret not in sink.getvalue()


def test_handlers_that_others_had_set_up_write_nothing_past_the_sink() -> None:
    aside, stream = io.StringIO(), io.StringIO()
    logger = logging.getLogger("uvicorn.error")
    logger.addHandler(logging.StreamHandler(aside))
    root_handlers = list(logging.getLogger().handlers)
    try:
        configure_logging("json", stream)
        logger.warning("to %s", PHONE)
    finally:
        logging.getLogger().handlers = root_handlers
        structlog.reset_defaults()
    assert aside.getvalue() == ""
    assert len(_lines(stream)) == 1


def test_what_is_not_plain_json_is_written_plainly(sink: io.StringIO) -> None:
    structlog.get_logger().info(
        "odd",
        cost_usd=Decimal("0.0140"),
        status=CallStatus.NO_ANSWER,
        call=CALL_ID,
        at=datetime(2026, 1, 2, tzinfo=UTC),
        ratio=float("nan"),
        several={"a"},
        ok=True,
        phone=None,
        thing=sys,
    )
    [line] = _lines(sink)
    assert line["cost_usd"] == "0.0140"
    assert line["status"] == "no-answer"
    assert line["call"] == str(CALL_ID)
    assert line["at"] == "2026-01-02T00:00:00+00:00"
    assert line["ratio"] is None
    assert line["several"] == ["a"]
    assert line["ok"] is True
    assert line["phone"] is None


def test_ordinary_figures_stay_readable() -> None:
    for text in ("2026-11-23T07:36:47.123456+00:00", "+5 ms", "1+1=2", "p95 +12.5 %", "a+b"):
        assert mask_text(text) == text


def test_a_terminal_gets_readable_text_and_no_secret() -> None:
    root, handlers = logging.getLogger(), list(logging.getLogger().handlers)
    stream = io.StringIO()
    try:
        configure_logging("text", stream)
        structlog.get_logger().info("call placed", phone=PHONE, attempt=2)
    finally:
        root.handlers = handlers
        structlog.reset_defaults()
    assert "call placed" in stream.getvalue()
    assert "attempt" in stream.getvalue()
    assert PHONE not in stream.getvalue()
    with pytest.raises(json.JSONDecodeError):
        json.loads(stream.getvalue())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(digits=st.from_regex(r"\A[1-9][0-9]{6,14}\Z"), around=st.text(), value=VALUES)
def test_no_number_in_e164_form_survives_anywhere(digits: str, around: str, value: object) -> None:
    event = {"event": f"{around}+{digits}", "a": [{"b": f"x +{digits}"}], "value": value}
    redacted = redact_event(None, "info", event)
    shown = json.dumps({"event": redacted["event"], "a": redacted["a"]})
    assert f"+{digits}" not in shown


def test_the_row_that_postgresql_repeats_in_an_error_is_hidden() -> None:
    told = mask_text(
        "violates check\nDETAIL:  Failing row contains (Dana, I hate you).\nHINT: none"
    )
    assert "Dana" not in told
    assert "HINT: none" in told
