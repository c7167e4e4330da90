"""Sends the webhooks: signed, form-encoded, bounded in time as Twilio bounds them."""

import asyncio
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

import httpx

from evals.phone.signatures import sign

# Twilio gives a webhook 15 s in all and 5 s to connect.
TIMEOUT = httpx.Timeout(15.0, connect=5.0)

Params = Mapping[str, str]


class WebhookFailed(Exception):
    """The service did not answer, or not with 2xx; `code` is Twilio's error code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Webhooks:
    """Requests from the network to the service, over one pool of connections."""

    def __init__(
        self, *, auth_token: str, client: httpx.AsyncClient, tasks: asyncio.TaskGroup
    ) -> None:
        self._auth_token = auth_token
        self._client = client
        self._tasks = tasks

    def post_soon(
        self,
        url: str,
        params: Params,
        *,
        method: str = "POST",
        on_failure: Callable[[int, str], None],
    ) -> None:
        """Send without waiting, as Twilio sends its callbacks; a failure's code is told later."""

        async def post() -> None:
            try:
                await self.send(url, params, method=method)
            except WebhookFailed as failure:
                on_failure(failure.code, str(failure))

        self._tasks.create_task(post())

    async def send(self, url: str, params: Params, *, method: str = "POST") -> httpx.Response:
        """Request `url` and return its answer.

        A GET carries the parameters in its query, which is then part of the signed URL. A URL's
        fragment holds connection overrides and is never sent. Raises WebhookFailed with 11205
        (could not connect), 11200 (no answer in time, or not 2xx).
        """
        request = self._request(url.partition("#")[0], params, method=method)
        try:
            response = await self._client.send(request)
        except httpx.ConnectError as error:
            raise WebhookFailed(11205, f"{url}: {error}") from error
        except httpx.HTTPError as error:
            raise WebhookFailed(11200, f"{url}: {type(error).__name__} {error}") from error
        if not response.is_success:
            raise WebhookFailed(11200, f"{url} answered {response.status_code}")
        return response

    def _request(self, url: str, params: Params, *, method: str) -> httpx.Request:
        if method == "GET":
            url += ("&" if "?" in url else "?") + urlencode(params)
            headers = {"X-Twilio-Signature": sign(self._auth_token, url)}
            return self._client.build_request("GET", url, headers=headers, timeout=TIMEOUT)
        form = {name: [value] for name, value in params.items()}
        headers = {"X-Twilio-Signature": sign(self._auth_token, url, form)}
        return self._client.build_request(
            "POST", url, data=dict(params), headers=headers, timeout=TIMEOUT
        )
