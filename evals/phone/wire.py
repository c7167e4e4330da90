"""The network's side of a Media Stream's websocket: opens it, counts and sends its messages."""

import base64
from urllib.parse import urlsplit

import websockets
from websockets.asyncio.client import ClientConnection, connect

from evals.phone import messages
from evals.phone.calls import new_sid
from evals.phone.signatures import sign

OPEN_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 1.0


class StreamRefused(Exception):
    """The websocket could not be opened; `code` is Twilio's error code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


async def open_socket(url: str, *, auth_token: str) -> ClientConnection:
    """Open the signed websocket of a stream.

    A plain `ws:` URL is taken too, for services on loopback. Raises StreamRefused with 31901 (no
    answer), 31902 (refused), 31920 (answered with anything but 101, or a query string in the URL)
    or 31923 (malformed URL).
    """
    parts = urlsplit(url)
    if parts.scheme not in {"ws", "wss"} or not parts.hostname:
        raise StreamRefused(31923, f"not a websocket URL: {url!r}")
    if parts.query:
        raise StreamRefused(31920, "a stream URL carries no query string")
    try:
        return await connect(
            url,
            additional_headers={"x-twilio-signature": sign(auth_token, url)},
            compression=None,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            ping_interval=None,
            max_size=None,
            proxy=None,
        )
    except websockets.InvalidStatus as error:
        status = error.response.status_code
        raise StreamRefused(31920, f"the upgrade was answered with {status}") from error
    except TimeoutError as error:
        raise StreamRefused(31901, "no answer to the connection request") from error
    except (OSError, websockets.WebSocketException) as error:
        raise StreamRefused(31902, f"the connection failed: {error}") from error


class StreamWire:
    """Sends one stream's messages; start, media, dtmf, mark and stop share one counter."""

    def __init__(self, socket: ClientConnection, *, account_sid: str, call_sid: str) -> None:
        self.socket = socket
        self.stream_sid = new_sid("MZ")
        self._account_sid = account_sid
        self._call_sid = call_sid
        self._sequence = 0
        self._chunk = 0

    async def start(self, parameters: dict[str, str]) -> None:
        """Send connected and start."""
        await self._send(messages.Connected())
        body = messages.StartBody(
            account_sid=self._account_sid,
            stream_sid=self.stream_sid,
            call_sid=self._call_sid,
            custom_parameters=parameters,
        )
        await self._send(messages.Start(**self._common(), start=body))

    async def media(self, mulaw: bytes, *, timestamp_ms: int) -> None:
        """Send one frame that began `timestamp_ms` after the start of the stream."""
        self._chunk += 1
        body = messages.MediaBody(
            chunk=str(self._chunk),
            timestamp=str(timestamp_ms),
            payload=base64.b64encode(mulaw).decode(),
        )
        await self._send(messages.Media(**self._common(), media=body))

    async def digit(self, digit: str) -> None:
        """Send a pressed key."""
        body = messages.DtmfBody(digit=digit)
        await self._send(messages.Dtmf(**self._common(), dtmf=body))

    async def marks(self, names: list[str]) -> None:
        """Echo marks in order."""
        for name in names:
            await self._send(messages.Mark(**self._common(), mark=messages.MarkBody(name)))

    async def stop(self) -> None:
        """Send stop and close the socket."""
        body = messages.StopBody(account_sid=self._account_sid, call_sid=self._call_sid)
        await self._send(messages.Stop(**self._common(), stop=body))
        await self.socket.close()

    def _common(self) -> dict[str, str]:
        self._sequence += 1
        return {"sequence_number": str(self._sequence), "stream_sid": self.stream_sid}

    async def _send(self, message: messages.Message) -> None:
        # Sending in the order of the calls: the connection queues its senders.
        await self.socket.send(messages.encode(message))
