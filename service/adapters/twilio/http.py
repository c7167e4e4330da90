"""The HTTP client under Twilio's SDK: httpx, one pool, one deadline over a whole request."""

import asyncio
from typing import Any

import httpx
import structlog
from twilio.http import AsyncHttpClient
from twilio.http.response import Response

log = structlog.get_logger()


class DeadlineHttpClient(AsyncHttpClient):
    """Speaks HTTP for the SDK. Raises httpx.HTTPError, or TimeoutError past the deadline.

    Connecting gets a third of the deadline, so that a host that does not answer at all is told
    apart from one that was asked and fell silent.
    """

    def __init__(self, *, deadline_s: float) -> None:
        super().__init__(log, True, deadline_s)
        self._deadline_s = deadline_s
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(deadline_s, connect=deadline_s / 3, pool=deadline_s / 3),
            follow_redirects=False,
        )

    async def request(self, method: str, uri: str, **parts: Any) -> Response:
        """Send one request: the SDK gives params, data, headers, auth, timeout, allow_redirects.

        A list among `data` becomes a repeated key (PROTOCOLS 1).
        """
        async with asyncio.timeout(parts.get("timeout") or self._deadline_s):
            answer = await self._client.request(
                method,
                uri,
                params=parts.get("params"),
                data=parts.get("data"),
                headers=parts.get("headers"),
                auth=parts.get("auth"),
            )
        return Response(answer.status_code, answer.text, answer.headers)

    async def close(self) -> None:
        """Close the pool."""
        await self._client.aclose()
