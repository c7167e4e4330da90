"""Somebody's hearing: when the agent spoke, and which words were made out.

Speech is cut into stretches at pauses, and each stretch goes to the ears' recogniser, whose answer
is polled, never awaited: the line's clock does not stop for it.
"""

from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from evals.callers.g711 import FRAME_MS, FRAME_SAMPLES, SAMPLES_PER_MS, count_loud
from evals.callers.person import HeardSpeech

MIN_LOUD_SAMPLES = 8
LEAD_FRAMES = 8
PAUSE_MS = 300
# The longer a stretch, the shorter the pause that ends it: what is cut early is made out early.
PAUSE_BY_LENGTH_MS = ((5000, 20), (2500, 60), (0, PAUSE_MS))
MAX_STRETCH_MS = 12_000
MIN_SOUND_FRAMES = 4


class Ears(Protocol):
    """Makes words out of speech."""

    def recognise(self, mulaw: bytes) -> Future[str]:
        """Return the future words, lower case and single-spaced, of 8 kHz mu-law speech."""
        ...


@dataclass
class _Stretch:
    start_ms: int
    audio: bytearray
    sound_frames: int = 0


@dataclass(frozen=True)
class _Submitted:
    start_ms: int
    end_ms: int
    words: Future[str]


class Listening:
    """Hears frame by frame. Times are ms since the call was answered."""

    def __init__(self, ears: Ears) -> None:
        self._ears = ears
        self._lead: deque[bytes] = deque(maxlen=LEAD_FRAMES)
        self._stretch: _Stretch | None = None
        self._submitted: list[_Submitted] = []
        self._turn_start_ms = 0
        self.last_sound_ms: int | None = None
        self.talking_since_ms: int | None = None

    @property
    def heard(self) -> list[HeardSpeech]:
        """Every stretch whose words are known, in order."""
        return [
            HeardSpeech(text=item.words.result(), start_ms=item.start_ms, end_ms=item.end_ms)
            for item in self._submitted
            if item.words.done()
        ]

    def hear(self, frame: bytes, *, now_ms: int) -> None:
        """Take in the 20 ms that end at `now_ms`."""
        if count_loud(frame) >= MIN_LOUD_SAMPLES:
            self._sound(now_ms)
        if self._stretch is None:
            self._lead.append(frame)
            return
        self._stretch.audio += frame
        if self._is_over(self._stretch, now_ms):
            self._submit()

    def finish(self) -> None:
        """The line is dead: make out what was heard last."""
        self._submit()

    def begin_turn(self, *, now_ms: int) -> None:
        """Forget what was said up to now: the next words are the answer."""
        self._turn_start_ms = now_ms
        self.talking_since_ms = None

    def silence_ms(self, *, now_ms: int) -> int:
        """How long there has been no sound in this turn."""
        return now_ms - max(self._turn_start_ms, self.last_sound_ms or 0)

    @property
    def was_addressed(self) -> bool:
        """True when there was speech in this turn, cut off or not."""
        if self._stretch is not None and self._stretch.sound_frames >= MIN_SOUND_FRAMES:
            return True
        return bool(self._of_this_turn())

    def words(self) -> str | None:
        """What was said in this turn; None while some of it is not made out yet."""
        stretches = self._of_this_turn()
        if self._stretch is not None or not all(item.words.done() for item in stretches):
            return None
        return " ".join(text for item in stretches if (text := item.words.result()))

    def _of_this_turn(self) -> list[_Submitted]:
        return [item for item in self._submitted if item.end_ms > self._turn_start_ms]

    def _sound(self, now_ms: int) -> None:
        if self.talking_since_ms is None or self.silence_ms(now_ms=now_ms) > PAUSE_MS:
            self.talking_since_ms = now_ms
        self.last_sound_ms = now_ms
        if self._stretch is None:
            lead = b"".join(self._lead)
            start_ms = now_ms - FRAME_MS - len(lead) // SAMPLES_PER_MS
            self._stretch = _Stretch(start_ms, bytearray(lead))
            self._lead.clear()
        self._stretch.sound_frames += 1

    def _is_over(self, stretch: _Stretch, now_ms: int) -> bool:
        pause_ms = now_ms - (self.last_sound_ms or 0)
        length_ms = len(stretch.audio) // FRAME_SAMPLES * FRAME_MS
        needed_ms = next(pause for least, pause in PAUSE_BY_LENGTH_MS if length_ms >= least)
        return pause_ms >= needed_ms or length_ms >= MAX_STRETCH_MS

    def _submit(self) -> None:
        stretch, self._stretch = self._stretch, None
        if stretch is None or stretch.sound_frames < MIN_SOUND_FRAMES:
            return
        words = self._ears.recognise(bytes(stretch.audio))
        self._submitted.append(_Submitted(stretch.start_ms, self.last_sound_ms or 0, words))
