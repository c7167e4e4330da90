"""Every error leaves as an RFC 9457 problem document; this table says which status it gets."""

import re
from typing import Any

import msgspec
import structlog
from litestar.exceptions import HTTPException, ValidationException
from litestar.plugins.problem_details import (
    ProblemDetailsConfig,
    ProblemDetailsException,
    ProblemDetailsPlugin,
)
from litestar.types import Scope

from service.domain.errors import (
    BadSignature,
    Conflict,
    InvalidInput,
    NotFound,
    ProtocolViolation,
    ReautoError,
    Refused,
    StorageUnavailable,
    VendorError,
)
from service.observability.tracing import current_trace_id

log = structlog.get_logger()

RETRY_AFTER_S = 1

STATUS: dict[type[ReautoError], tuple[int, str]] = {
    InvalidInput: (422, "The input cannot be used"),
    NotFound: (404, "Not found"),
    Conflict: (409, "Conflict"),
    Refused: (403, "Refused by a rule"),
    BadSignature: (403, "The signature does not verify"),
    ProtocolViolation: (400, "The request breaks the protocol"),
    StorageUnavailable: (503, "A store did not answer in time"),
    VendorError: (502, "A vendor failed"),
    ReautoError: (500, "Internal error"),
}


class InvalidField(InvalidInput):
    """One field of the input cannot be used; `field` names it as the caller wrote it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def problem_details() -> ProblemDetailsPlugin:
    """The plugin that turns every exception of a route into a problem document."""
    return ProblemDetailsPlugin(
        ProblemDetailsConfig(
            exception_to_problem_detail_map={
                ReautoError: _of_ours,
                HTTPException: _of_litestar,
                Exception: _of_bug,
            }
        )
    )


async def log_unexpected(error: Exception, scope: Scope) -> None:
    """Log what nobody raised on purpose, with its stack; the caller only learns the trace id."""
    expected = isinstance(error, ReautoError) or (
        isinstance(error, HTTPException) and error.status_code < 500
    )
    if not expected:
        log.error("request broke", route=scope.get("path_template", ""), exc_info=error)
    elif isinstance(error, StorageUnavailable | VendorError):
        log.warning("request failed", route=scope.get("path_template", ""), reason=str(error))


def problem_document(error: ReautoError) -> tuple[int, bytes]:
    """The status and the JSON body with which an error would leave now."""
    problem = _of_ours(error)
    body = {"status": problem.status_code, "type": problem.type_, "title": problem.title}
    extra = problem.extra if isinstance(problem.extra, dict) else {}
    return problem.status_code, msgspec.json.encode({**body, "detail": problem.detail, **extra})


def field_errors(error: ValidationException) -> list[dict[str, str]]:
    """Name every field that is wrong, with the reason, as `{"field": ..., "reason": ...}`."""
    found = error.extra if isinstance(error.extra, list) else []
    return [_field_error(item) for item in found]


def _field_error(item: dict[str, Any]) -> dict[str, str]:
    reason, field = str(item.get("message", "")), str(item.get("key", ""))
    if reason == "'data'":
        return {"field": "", "reason": "the request needs a body"}
    named = re.search(r"(?:unknown|required) field `([^`]+)`", reason)
    if named:
        prefix = "" if field in {"data", ""} else f"{field}."
        return {"field": prefix + named.group(1), "reason": reason}
    return {"field": "" if field == "data" else field, "reason": reason}


def _of_ours(error: ReautoError) -> ProblemDetailsException:
    kind = next(kind for kind in type(error).__mro__ if kind in STATUS)
    status, title = STATUS[kind]
    extra: dict[str, Any] = {}
    detail, headers = str(error), None
    if isinstance(error, InvalidField):
        extra["errors"] = [{"field": error.field, "reason": error.reason}]
    if isinstance(error, VendorError):
        extra["retryable"] = error.retryable
    if isinstance(error, StorageUnavailable):
        # The message may name hosts of ours; it is in the log under the trace id.
        detail, headers = "try again in a moment", {"Retry-After": str(RETRY_AFTER_S)}
    return _problem(
        status, kind=_slug(kind), title=title, detail=detail, extra=extra, headers=headers
    )


def _of_litestar(error: HTTPException) -> ProblemDetailsException:
    if isinstance(error, ProblemDetailsException):
        return error
    if isinstance(error, ValidationException):
        return _problem(
            422,
            kind="invalid-input",
            title=STATUS[InvalidInput][1],
            detail="some fields cannot be used as they are",
            extra={"errors": field_errors(error)},
        )
    if error.status_code >= 500:
        return _of_bug(error)
    return _problem(
        error.status_code,
        kind=f"http-{error.status_code}",
        title=error.detail,
        detail=error.detail,
        headers=error.headers,
    )


def _of_bug(_error: Exception) -> ProblemDetailsException:
    return _problem(
        500, kind="internal", title="Internal error", detail="the log has it under this trace id"
    )


def _problem(
    status: int,
    *,
    kind: str,
    title: str,
    detail: str,
    extra: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> ProblemDetailsException:
    return ProblemDetailsException(
        status_code=status,
        type_=f"urn:reauto:problem:{kind}",
        title=title,
        detail=detail,
        headers=headers,
        extra={**(extra or {}), "trace_id": current_trace_id()},
    )


def _slug(kind: type[ReautoError]) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind.__name__).lower()
