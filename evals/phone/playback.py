"""What the caller's ear receives: the buffer in which Twilio plays our audio and counts our marks.

A pure state machine. Time is a sample count: 8,000 samples a second, one byte of mu-law each.
Rules from Twilio's Media Streams documentation, gathered in the protocol notes, section 2.3.
"""

from collections import deque
from dataclasses import dataclass

SAMPLE_RATE_HZ = 8000
SILENCE = b"\xff"


@dataclass(frozen=True)
class Span:
    """Audio played without a break: samples `start` (included) to `end` (excluded)."""

    start: int
    end: int


@dataclass(frozen=True)
class _PendingMark:
    name: str


class PlaybackBuffer:
    """One FIFO of audio and marks, drained in real time.

    Each method takes the time first; time that runs backwards is held still. Methods return the
    names of the marks to echo now, in order.
    """

    def __init__(self, *, start: int = 0) -> None:
        self.now = start
        self.spans: list[Span] = []
        self.clears: list[int] = []
        self._queue: deque[bytes | _PendingMark] = deque()
        self._played_of_head = 0
        self._heard = bytearray()

    @property
    def is_playing(self) -> bool:
        """True while audio is queued."""
        return bool(self._queue)

    @property
    def queued_samples(self) -> int:
        """How much audio is still to play."""
        audio = sum(len(item) for item in self._queue if isinstance(item, bytes))
        return audio - self._played_of_head

    def advance(self, now: int) -> list[str]:
        """Play up to `now`; a mark whose audio has played in full is reached."""
        reached: list[str] = []
        while self.now < now and self._queue:
            self._play_head(now - self.now)
            reached += self._marks_at_head()
        if self.now < now:
            self._heard += SILENCE * (now - self.now)
            self.now = now
        return reached

    def push_audio(self, now: int, mulaw: bytes) -> list[str]:
        """Queue audio; it starts at once when nothing is queued."""
        reached = self.advance(now)
        if mulaw:
            self._queue.append(mulaw)
        return reached

    def push_mark(self, now: int, name: str) -> list[str]:
        """Queue a mark; with nothing queued before it, it is reached at once."""
        reached = self.advance(now)
        self._queue.append(_PendingMark(name))
        return reached + self._marks_at_head()

    def clear(self, now: int) -> list[str]:
        """Drop all audio; every pending mark is echoed at once, in order."""
        reached = self.advance(now)
        reached += [item.name for item in self._queue if isinstance(item, _PendingMark)]
        self._queue.clear()
        self._played_of_head = 0
        self.clears.append(self.now)
        return reached

    def take(self, samples: int) -> bytes:
        """Remove and return the next `samples` of what was heard, silence where nothing played.

        Call `advance` at least that far first; what has not been heard yet is not there to take.
        """
        taken = bytes(self._heard[:samples])
        del self._heard[:samples]
        return taken

    def _play_head(self, samples: int) -> None:
        head = self._queue[0]
        assert isinstance(head, bytes)  # marks at the head have been echoed
        piece = head[self._played_of_head : self._played_of_head + samples]
        self._heard += piece
        self._extend_spans(len(piece))
        self.now += len(piece)
        self._played_of_head += len(piece)
        if self._played_of_head == len(head):
            self._queue.popleft()
            self._played_of_head = 0

    def _extend_spans(self, samples: int) -> None:
        end = self.now + samples
        if self.spans and self.spans[-1].end == self.now:
            self.spans[-1] = Span(self.spans[-1].start, end)
        else:
            self.spans.append(Span(self.now, end))

    def _marks_at_head(self) -> list[str]:
        names = []
        while self._queue and isinstance(head := self._queue[0], _PendingMark):
            names.append(head.name)
            self._queue.popleft()
        return names
