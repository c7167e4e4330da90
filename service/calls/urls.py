"""The public addresses of this worker that the telephone network is given."""

from uuid import UUID


class CallbackUrls:
    """Absolute URLs under a worker's own public URL.

    The call id travels in the query, because a callback may arrive before the network's answer to
    our request, when its own id of the call is still unknown to us (PROTOCOLS 2.5).
    """

    def __init__(self, public_url: str) -> None:
        self._base = public_url.rstrip("/")

    def voice(self, call_id: UUID, *, again: bool = False) -> str:
        """Where a call asks what to do; `again` after its media socket broke."""
        return f"{self._base}/twilio/voice?call_id={call_id}" + ("&again=1" if again else "")

    def status(self, call_id: UUID) -> str:
        """Where call progress is reported."""
        return f"{self._base}/twilio/status?call_id={call_id}"

    def amd(self, call_id: UUID) -> str:
        """Where the answering-machine verdict goes."""
        return f"{self._base}/twilio/amd?call_id={call_id}"

    def stream_status(self, call_id: UUID) -> str:
        """Where stream events are reported."""
        return f"{self._base}/twilio/stream?call_id={call_id}"


def media_url(public_url: str) -> str:
    """The media websocket of the worker at `public_url`: http gives ws, https gives wss."""
    return "ws" + public_url.rstrip("/").removeprefix("http") + "/twilio/media"
