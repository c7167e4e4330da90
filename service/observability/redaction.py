"""What a log line may never show: people's numbers, names and words, and our secrets."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any

import msgspec

HIDDEN = "[redacted]"

PHONE_KEYS = frozenset(
    {"phone", "phone_number", "from_number", "to_number", "number", "caller", "called"}
)
HIDDEN_KEYS = frozenset(
    {
        "name",
        "contact_name",
        "caller_name",
        "text",
        "transcript",
        "caller_said",
        "agent_said",
        "agent_heard",
        "last_words",
        "notes",
        "address",
        "email",
        "token",
        "authorization",
        "password",
        "secret",
        "api_key",
        "api_keys",
        "x_api_key",
        "auth_token",
        "x_twilio_signature",
    }
)
_HIDDEN_ENDINGS = ("_token", "_secret", "_password", "_api_key")

_PHONE = re.compile(r"(?:\+|%2B)\d(?:[\s().-]{0,2}\d){6,14}", re.IGNORECASE)
_CREDENTIALS = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]+", re.IGNORECASE)
# PostgreSQL repeats the row or key in the DETAIL of an error.
_DETAIL = re.compile(r"\bDETAIL:.*")
_URL_PASSWORD = re.compile(r"(://[^:/@\s]*):[^@\s/]+@")


def redact_event(_logger: Any, _method: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event with only plain JSON values, people and secrets masked (a structlog step).

    Values under PHONE_KEYS keep their last two digits, values under HIDDEN_KEYS vanish, and numbers
    in E.164 form and credentials are masked wherever they stand in any text.
    """
    return {key: _by_key(key, value) for key, value in event.items()}


def mask_text(text: str) -> str:
    """Mask phone numbers, credentials and PostgreSQL's error details inside a text."""
    text = _PHONE.sub(lambda match: mask_phone(match.group()), text)
    text = _DETAIL.sub(f"DETAIL: {HIDDEN}", text)
    text = _CREDENTIALS.sub(rf"\1 {HIDDEN}", text)
    return _URL_PASSWORD.sub(rf"\1:{HIDDEN}@", text)


def mask_phone(phone: str) -> str:
    """Keep the last two digits: enough to tell two test calls apart, too little to dial."""
    digits = re.sub(r"\D", "", phone)
    return f"***{digits[-2:]}" if len(digits) >= 7 else HIDDEN


def _by_key(key: str, value: Any) -> Any:
    normal = key.lower().replace("-", "_")
    if value is None or isinstance(value, bool):
        return value
    if normal in PHONE_KEYS:
        return mask_phone(str(value))
    if normal in HIDDEN_KEYS or normal.endswith(_HIDDEN_ENDINGS):
        return HIDDEN
    return _plain(value)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, Mapping):
        return {str(key): _by_key(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return mask_text(_words(value))


def _words(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(value)
