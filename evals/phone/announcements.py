"""What the network tells the service about a call: the parameters of its webhooks and callbacks."""

import math
from datetime import UTC, datetime
from email.utils import format_datetime

from evals.phone.calls import PhoneCall
from evals.phone.twiml import ConnectStream
from evals.phone.webhooks import Webhooks

_ENDS = ("From", "To", "Caller", "Called")
_SIP_CODES = {"completed": "200", "busy": "486", "no-answer": "487", "canceled": "487"}
_SIP_UNREACHABLE = "404"


class Announcements:
    """Sends one call's callbacks, none of which anybody waits for."""

    def __init__(self, call: PhoneCall, webhooks: Webhooks) -> None:
        self._call = call
        self._webhooks = webhooks

    def voice_params(self) -> dict[str, str]:
        """What every voice webhook says."""
        call = self._call
        places = {f"{end}{part}": "" for end in _ENDS for part in ("City", "State", "Zip")}
        verdict = {"AnsweredBy": call.answered_by} if call.answered_by else {}
        return {
            "CallSid": call.sid,
            "AccountSid": call.account_sid,
            "From": call.from_number,
            "To": call.to_number,
            "Caller": call.from_number,
            "Called": call.to_number,
            "CallStatus": call.status,
            "ApiVersion": "2010-04-01",
            "Direction": call.direction,
            **places,
            **{f"{end}Country": "US" for end in _ENDS},
            **verdict,
        }

    def progress(self, event: str, status: str, **extra: str) -> None:
        """Tell of a new status, if this event was asked for."""
        order = self._call.order
        if order.status_url is None or event not in order.status_events:
            return
        params = {
            **self.voice_params(),
            "CallStatus": status,
            "Timestamp": format_datetime(datetime.now(UTC)),
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(self._call.next_sequence_number()),
            **extra,
        }
        self._post(order.status_url, params, method=order.status_method)

    def over(self) -> None:
        """Tell that the call is over: seconds in CallDuration, billed minutes in Duration."""
        status, duration_s = self._call.status, self._call.duration_s
        extra = {"SipResponseCode": _SIP_CODES.get(status, _SIP_UNREACHABLE)}
        if duration_s is not None and status == "completed":
            extra["CallDuration"] = str(duration_s)
            extra["Duration"] = str(math.ceil(duration_s / 60))
        self.progress("completed", status, **extra)

    def verdict(self, *, after_ms: int) -> None:
        """Tell what answering-machine detection found."""
        order = self._call.order
        if order.amd_url is None:
            self._call.warn(21262, "machine detection is on, and nobody is told of its verdict")
            return
        params = {
            "CallSid": self._call.sid,
            "AccountSid": self._call.account_sid,
            "AnsweredBy": self._call.answered_by or "unknown",
            "MachineDetectionDuration": str(after_ms),
        }
        self._post(order.amd_url, params, method=order.amd_method)

    def stream(self, event: str, verb: ConnectStream, *, stream_sid: str, **extra: str) -> None:
        """Tell that a stream started, stopped or failed, if its TwiML asked for that."""
        if verb.status_url is None:
            return
        params = {
            "AccountSid": self._call.account_sid,
            "CallSid": self._call.sid,
            "StreamSid": stream_sid,
            "StreamName": verb.name or stream_sid,
            "StreamEvent": event,
            "Timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            **extra,
        }
        self._post(verb.status_url, params, method=verb.status_method)

    def _post(self, url: str, params: dict[str, str], *, method: str) -> None:
        self._webhooks.post_soon(url, params, method=method, on_failure=self._call.warn)
