"""One call as the network keeps it, and as its REST API and its control API show it."""

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import msgspec

from evals.callers.g711 import SAMPLES_PER_MS, SILENT_FRAME
from evals.callers.person import HeardSpeech, Person, SpokenLine
from evals.phone.measurements import Gap, audible_gaps, response_latencies
from evals.phone.playback import PlaybackBuffer, Span

API_PREFIX = "/2010-04-01/Accounts"
TERMINAL = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


def new_sid(prefix: str) -> str:
    """Return a sid as Twilio makes them: two letters and 32 hexadecimal digits."""
    return prefix + secrets.token_hex(16)


class CallOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for when the call was made (Twilio's create-call parameters)."""

    url: str | None = None
    method: str = "POST"
    twiml: str | None = None
    status_url: str | None = None
    status_method: str = "POST"
    status_events: frozenset[str] = frozenset({"completed"})
    ring_timeout_s: int = 60
    machine_detection: str | None = None
    async_amd: bool = False
    amd_url: str | None = None
    amd_method: str = "POST"
    amd_silence_ms: int = 5000


class DebuggerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Something that Twilio's debugger would list, by its error code."""

    code: int
    message: str


class CallReport(msgspec.Struct, frozen=True, kw_only=True):
    """The far end's account of a call; `*_ms` count from the answer, as the caller's clock went.

    `response_latencies_ms` has one value per line spoken: from the end of its sound to the first
    sound of the answer; None where no such silence was there to measure.
    """

    sid: str
    direction: str
    from_number: str = msgspec.field(name="from")
    to_number: str = msgspec.field(name="to")
    scenario: str | None
    status: str
    ended_by: str | None
    answered_by: str | None
    created_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    duration_s: int | None
    lines: list[SpokenLine]
    heard: list[HeardSpeech]
    gaps: list[Gap]
    response_latencies_ms: list[float | None]
    digits: str
    streams: int
    warnings: list[DebuggerEntry]


@dataclass(kw_only=True)
class PhoneCall:
    """The mutable record of one call.

    `over` is set when it is to end, by `end`; `closed` when it has its final status, by `close`.
    """

    account_sid: str
    direction: str
    from_number: str
    to_number: str
    order: CallOrder
    scenario: str | None = None
    sid: str = field(default_factory=lambda: new_sid("CA"))
    status: str = "queued"
    queue_time_ms: int = 0
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    answered_by: str | None = None
    ended_by: str | None = None
    person: Person | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    warnings: list[DebuggerEntry] = field(default_factory=list)
    digits: str = ""
    heard_audio: bytearray = field(default_factory=bytearray)
    said_audio: bytearray = field(default_factory=bytearray)
    playbacks: list[PlaybackBuffer] = field(default_factory=list)
    _answered_monotonic: float = 0.0
    _sequence: int = 0

    def answer(self) -> None:
        """Pick up: the call's own clock starts."""
        self.status = "in-progress"
        self.answered_at = datetime.now(UTC)
        self._answered_monotonic = asyncio.get_running_loop().time()

    def end(self, by: str) -> None:
        """End the call; who ended it first is remembered. Ending twice is no error."""
        if not self.over.is_set():
            self.ended_by = by
            self.over.set()

    async def wait(self, seconds: float) -> bool:
        """Let time pass; return False as soon as the call has ended."""
        try:
            await asyncio.wait_for(self.over.wait(), timeout=seconds)
        except TimeoutError:
            return True
        return False

    def close(self, status: str) -> None:
        """Set the final status."""
        self.status = status
        self.ended_at = datetime.now(UTC)
        self.end("network")
        self.closed.set()

    def warn(self, code: int, message: str) -> None:
        """Add an entry to the call's debugger."""
        self.warnings.append(DebuggerEntry(code=code, message=message))

    def elapsed_s(self) -> float:
        """Seconds since the answer."""
        return asyncio.get_running_loop().time() - self._answered_monotonic

    def next_sequence_number(self) -> int:
        """The SequenceNumber of the next status callback, from 0."""
        self._sequence += 1
        return self._sequence - 1

    def record(self, *, heard: bytes, said: bytes, at: int) -> None:
        """Keep one frame of both directions that began `at` samples after the answer."""
        for tape, frame in ((self.heard_audio, heard), (self.said_audio, said)):
            tape.extend(SILENT_FRAME[:1] * (at - len(tape)) + frame)

    @property
    def duration_s(self) -> int | None:
        """Whole seconds from answer to end, at least 1; None while running or never answered."""
        if self.answered_at is None or self.ended_at is None:
            return None
        return max(1, round((self.ended_at - self.answered_at).total_seconds()))

    @property
    def uri(self) -> str:
        """The resource's path."""
        return f"{API_PREFIX}/{self.account_sid}/Calls/{self.sid}.json"

    def as_resource(self) -> dict[str, Any]:
        """The call as Twilio's REST API shows it: snake case, RFC 2822 dates, numbers as text."""
        duration = self.duration_s if self.status == "completed" else None
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "parent_call_sid": None,
            "to": self.to_number,
            "to_formatted": self.to_number,
            "from": self.from_number,
            "from_formatted": self.from_number,
            "phone_number_sid": None,
            "status": self.status,
            "date_created": _rfc2822(self.created_at),
            "date_updated": _rfc2822(self.ended_at or self.answered_at or self.created_at),
            "start_time": _rfc2822(self.started_at),
            "end_time": _rfc2822(self.ended_at),
            "duration": None if duration is None else str(duration),
            "price": None,
            "price_unit": "USD",
            "direction": self.direction,
            "answered_by": self.answered_by,
            "api_version": "2010-04-01",
            "forwarded_from": None,
            "group_sid": None,
            "caller_name": None,
            "queue_time": str(self.queue_time_ms),
            "trunk_sid": None,
            "uri": self.uri,
            "subresource_uris": {},
        }

    def report(self) -> CallReport:
        """Measure the call as far as it has gone."""
        lines = self.person.spoken if self.person else []
        spoken = [
            Span(line.start_ms * SAMPLES_PER_MS, line.end_ms * SAMPLES_PER_MS) for line in lines
        ]
        heard = bytes(self.heard_audio)
        spans = [span for playback in self.playbacks for span in playback.spans]
        clears = [at for playback in self.playbacks for at in playback.clears]
        return CallReport(
            sid=self.sid,
            direction=self.direction,
            from_number=self.from_number,
            to_number=self.to_number,
            scenario=self.scenario,
            status=self.status,
            ended_by=self.ended_by,
            answered_by=self.answered_by,
            created_at=self.created_at,
            answered_at=self.answered_at,
            ended_at=self.ended_at,
            duration_s=self.duration_s,
            lines=lines,
            heard=self.person.heard if self.person else [],
            gaps=audible_gaps(spans, clears=clears, spoken=spoken),
            response_latencies_ms=response_latencies(heard, spans=spans, spoken=spoken),
            digits=self.digits,
            streams=len(self.playbacks),
            warnings=self.warnings,
        )


def _rfc2822(at: datetime | None) -> str | None:
    return None if at is None else format_datetime(at)
