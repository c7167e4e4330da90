"""Litestar's websocket as the text socket that the telephony port speaks through."""

from typing import Any

from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect

from service.domain.errors import ProtocolViolation


class LitestarTextSocket:
    """An accepted websocket; implements ports.media.TextSocket."""

    def __init__(self, socket: WebSocket[Any, Any, Any]) -> None:
        self._socket = socket
        self._is_open = True

    async def receive_text(self) -> str | None:
        """The next text frame, None once the peer is gone; ProtocolViolation for a binary one."""
        if not self._is_open:
            return None
        message: Any = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            self._is_open = False
            return None
        text: str | None = message.get("text")
        if text is None:
            raise ProtocolViolation("a binary frame on a socket that carries text")
        return text

    async def send_text(self, text: str) -> None:
        """Send a text frame; dropped when the socket is closed or breaks under it."""
        if not self._is_open:
            return
        try:
            await self._socket.send_text(text)
        except (WebSocketDisconnect, OSError):
            self._is_open = False

    async def close(self) -> None:
        """Close the socket once."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            await self._socket.close()
        except (WebSocketDisconnect, OSError):
            return
