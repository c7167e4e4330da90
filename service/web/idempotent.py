"""Idempotency-Key: a write that is sent twice is done once and answered twice."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
import structlog
from litestar import Request, Response

from service.domain.errors import NotFound, StorageUnavailable, VendorError
from service.ports.idempotency import Idempotency
from service.web.problems import InvalidField, problem_document

log = structlog.get_logger()

T = TypeVar("T")

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_MAX_KEY_LENGTH = 255


async def once(
    request: Request[Any, Any, Any],
    idempotency: Idempotency,
    act: Callable[[], Awaitable[T]],
    *,
    status: int = 201,
) -> Response[T]:
    """Do `act` and answer with its result; under a key used before, answer as the first time.

    Without the header every request is done. A failed act gives the key back, except after a vendor
    error that must not be tried again: it might have happened, so it is answered, not repeated.
    Raises Conflict when the key was used with another content or is in flight.
    """
    key = _key(request)
    if key is None:
        return Response(await act(), status_code=status)
    stored = await idempotency.begin(key, await _fingerprint(request))
    if stored is not None:
        return _replay(stored.status, stored.body)
    result = await _act_or_abandon(idempotency, key, act)
    await _keep(idempotency, key, status=status, body=msgspec.json.encode(result))
    return Response(result, status_code=status)


async def _act_or_abandon(idempotency: Idempotency, key: str, act: Callable[[], Awaitable[T]]) -> T:
    give_back = True
    try:
        result = await act()
        give_back = False
        return result
    except VendorError as error:
        if not error.retryable:
            give_back = False
            status, body = problem_document(error)
            await _keep(idempotency, key, status=status, body=body)
        raise
    finally:
        if give_back:
            await idempotency.abandon(key)


async def _keep(idempotency: Idempotency, key: str, *, status: int, body: bytes) -> None:
    try:
        await idempotency.complete(key, status=status, body=body)
    except (StorageUnavailable, NotFound) as error:
        # The act is done, so its answer goes out; the key bars a repeat until it expires.
        log.warning("answer could not be kept for its key", reason=str(error))


def _replay(status: int, body: bytes) -> Response[Any]:
    media_type = "application/json" if status < 400 else "application/problem+json"
    return Response(body, status_code=status, media_type=media_type, headers={REPLAYED: "true"})


def _key(request: Request[Any, Any, Any]) -> str | None:
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not key or len(key) > _MAX_KEY_LENGTH or not (key.isascii() and key.isprintable()):
        raise InvalidField(HEADER, f"1 to {_MAX_KEY_LENGTH} printable ASCII characters")
    return key


async def _fingerprint(request: Request[Any, Any, Any]) -> str:
    digest = hashlib.sha256(f"{request.method} {request.scope['path']}\n".encode())
    digest.update(await request.body())
    return digest.hexdigest()
