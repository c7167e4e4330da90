"""Twilio's form fields as typed values (PROTOCOLS 1.1); what is missing or wrong is named."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from service.calls.intake import VoiceWebhook
from service.domain.call import CallStatus
from service.domain.errors import ProtocolViolation
from service.ports.call_store import StatusReport

Form = Mapping[str, list[str]]

_MAX_LENGTH = 256
_WHOLE = re.compile(r"\d{1,9}")


def voice(form: Form) -> VoiceWebhook:
    """A voice webhook. Numbers stay as given: callers may be `anonymous` or `client:x`."""
    return VoiceWebhook(
        twilio_sid=_needed(form, "CallSid"),
        from_number=_needed(form, "From"),
        to_number=_needed(form, "To"),
        direction=_needed(form, "Direction"),
        status=_status(form),
    )


def status(form: Form, *, now: datetime) -> StatusReport:
    """A status callback; `now` stands in for a missing Timestamp (RFC 2822)."""
    return StatusReport(
        twilio_sid=_needed(form, "CallSid"),
        status=_status(form),
        at=_timestamp(form) or now,
        duration_s=_whole(form, "CallDuration"),
        error_code=_optional(form, "ErrorCode") or _sip_failure(form),
    )


def machine_verdict(form: Form) -> tuple[str, str]:
    """An answering-machine verdict: call SID and AnsweredBy."""
    return _needed(form, "CallSid"), _needed(form, "AnsweredBy")


def recording(form: Form) -> dict[str, str | None]:
    """The facts of a recording callback that are worth a log line."""
    return {
        "twilio_sid": _needed(form, "CallSid"),
        "recording_sid": _needed(form, "RecordingSid"),
        "recording_status": _optional(form, "RecordingStatus"),
        "recording_s": _optional(form, "RecordingDuration"),
    }


def stream(form: Form) -> dict[str, str | None]:
    """The facts of a stream callback that are worth a log line."""
    return {
        "twilio_sid": _needed(form, "CallSid"),
        "stream_sid": _needed(form, "StreamSid"),
        "stream_event": _optional(form, "StreamEvent"),
        "stream_error": _optional(form, "StreamError"),
    }


def _optional(form: Form, name: str) -> str | None:
    text = form.get(name, [""])[0].strip()
    if len(text) > _MAX_LENGTH or not text.isprintable():
        raise ProtocolViolation(f"{name} is too long or holds control characters")
    return text or None


def _needed(form: Form, name: str) -> str:
    text = _optional(form, name)
    if text is None:
        raise ProtocolViolation(f"the webhook lacks {name}")
    return text


def _status(form: Form) -> CallStatus:
    text = _needed(form, "CallStatus")
    try:
        return CallStatus(text)
    except ValueError as error:
        raise ProtocolViolation(f"CallStatus {text!r} is none that we know") from error


def _whole(form: Form, name: str) -> int | None:
    text = _optional(form, name)
    if text is None:
        return None
    if not _WHOLE.fullmatch(text):
        raise ProtocolViolation(f"{name} is not a whole number")
    return int(text)


def _timestamp(form: Form) -> datetime | None:
    text = _optional(form, "Timestamp")
    if text is None:
        return None
    try:
        at = parsedate_to_datetime(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ProtocolViolation("Timestamp is not a date by RFC 2822") from error


def _sip_failure(form: Form) -> str | None:
    code = _whole(form, "SipResponseCode")
    return f"sip-{code}" if code is not None and code >= 400 else None
