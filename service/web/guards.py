"""Who may ask: API keys on /api, the telephone network's signature on /twilio."""

import hmac
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

import structlog
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from service.domain.errors import BadSignature, ProtocolViolation
from service.ports.telephony import Telephony

log = structlog.get_logger()

_MAX_FORM_FIELDS = 200

Connection = ASGIConnection[Any, Any, Any, Any]


def api_key_guard(keys: Sequence[str]) -> Guard:
    """Refuse requests that carry none of the keys, as a bearer token or as `X-API-Key`.

    Without any key configured everybody is refused, and told why.
    """
    known = [key.encode() for key in keys if key]

    def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        if not known:
            raise PermissionDeniedException(
                "no API key is configured: set REAUTO_API_KEYS and restart the service"
            )
        given = _given_key(connection).encode()
        # Every key is compared, so that the time taken tells nothing about them.
        matches = [hmac.compare_digest(given, key) for key in known]
        if not any(matches):
            raise NotAuthorizedException(
                "send a valid API key as `Authorization: Bearer KEY` or `X-API-Key: KEY`",
                headers={"WWW-Authenticate": "Bearer"},
            )

    return guard


def _given_key(connection: Connection) -> str:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return connection.headers.get("x-api-key", "")


def network_guard(telephony: Telephony, public_urls: Sequence[str]) -> Guard:
    """Refuse webhooks and websocket upgrades that the telephone network did not sign.

    The signed URL is the one requested: a public URL, then path and query as they came; for the
    websocket its scheme is ws(s), and no form is signed (PROTOCOLS 1.2).
    """

    async def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        is_http = isinstance(connection, Request)
        form = read_form(await connection.body()) if isinstance(connection, Request) else {}
        target = _requested_target(connection)
        refusal = BadSignature("no public URL is configured: set REAUTO_PUBLIC_URL")
        for base in public_urls:
            url = base.rstrip("/") + target
            try:
                telephony.verify_webhook(
                    url=url if is_http else "ws" + url.removeprefix("http"),
                    form=form,
                    headers=dict(connection.headers),
                )
                return
            except BadSignature as error:
                refusal = error
        log.warning("webhook refused", path=connection.scope["path"], reason=str(refusal))
        raise refusal

    return guard


def read_form(body: bytes) -> dict[str, list[str]]:
    """Decode a form body; values keep their order. Raises ProtocolViolation when it is none."""
    try:
        return parse_qs(
            body.decode(), keep_blank_values=True, max_num_fields=_MAX_FORM_FIELDS, errors="strict"
        )
    except ValueError as error:
        raise ProtocolViolation("the body is not a form in UTF-8 of a sensible size") from error


def _requested_target(connection: Connection) -> str:
    raw_path: bytes = connection.scope.get("raw_path") or connection.scope["path"].encode()
    path = raw_path.partition(b"?")[0].decode("latin-1")
    query = connection.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path
