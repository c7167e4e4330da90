"""What of a reply the caller has heard, told from the playback marks that came back.

The far end plays what we send in real time and echoes each mark when it has played everything
before it (PROTOCOLS 2.3). Between two echoes the position follows the clock, never past the next
mark. Echoes that follow a `clear` prove nothing and must not be fed in.
"""

from bisect import bisect_left
from collections import deque

import msgspec

BYTES_PER_MS = 8
MS_PER_CHARACTER = 65
"""Assumed of a sentence whose audio is not whole yet: about 15 characters a second."""


class _Sentence(msgspec.Struct):
    text: str
    start_ms: float
    end_ms: float
    whole: bool = False


class _Mark(msgspec.Struct, frozen=True):
    name: str
    position_ms: float
    audio_sent_at_ms: int


class Playback:
    """The ledger of one reply. Positions are milliseconds of its audio; `at_ms` is stream time."""

    def __init__(self) -> None:
        self._sentences: list[_Sentence] = []
        self._pending: deque[_Mark] = deque()
        self._sent_ms = 0.0
        self._unmarked_since_ms: int | None = None
        self._played_ms: float | None = None
        self._played_at_ms = 0
        self._plays_until_ms = 0.0

    @property
    def sent_ms(self) -> float:
        """How much audio was sent."""
        return self._sent_ms

    @property
    def plays_until_ms(self) -> float:
        """The stream time at which the far end will have played everything, by the clock."""
        return self._plays_until_ms

    @property
    def all_played(self) -> bool:
        """True when every mark has come back."""
        return not self._pending

    @property
    def played_at_ms(self) -> int:
        """When the last mark came back."""
        return self._played_at_ms

    def begin_sentence(self, text: str) -> None:
        """The audio sent from here on speaks `text`."""
        self._sentences.append(_Sentence(text, self._sent_ms, self._sent_ms))

    def end_sentence(self) -> None:
        """The current sentence's audio has been sent whole."""
        self._sentences[-1].whole = True

    def sent(self, mulaw: bytes, *, at_ms: int) -> None:
        """Audio of the current sentence was sent."""
        length_ms = len(mulaw) / BYTES_PER_MS
        self._sent_ms += length_ms
        self._sentences[-1].end_ms = self._sent_ms
        self._plays_until_ms = max(self._plays_until_ms, at_ms) + length_ms
        if self._unmarked_since_ms is None:
            self._unmarked_since_ms = at_ms

    def marked(self, name: str, *, at_ms: int) -> None:
        """A mark is sent after everything sent so far."""
        sent_at_ms = at_ms if self._unmarked_since_ms is None else self._unmarked_since_ms
        self._pending.append(_Mark(name, self._sent_ms, sent_at_ms))
        self._unmarked_since_ms = None

    def reached(self, name: str, *, at_ms: int) -> bool:
        """A mark came back; marks before it that got lost count too. False for an unknown one."""
        if all(mark.name != name for mark in self._pending):
            return False
        while (mark := self._pending.popleft()).name != name:
            pass
        self._played_ms = mark.position_ms
        self._played_at_ms = at_ms
        return True

    def position_ms(self, at_ms: int) -> float:
        """How much had been played by `at_ms`."""
        if self._played_ms is None or not self._pending:
            return self._played_ms or 0.0
        ahead = self._pending[0]
        running_ms = at_ms - max(self._played_at_ms, ahead.audio_sent_at_ms)
        return min(ahead.position_ms, self._played_ms + max(0, running_ms))

    def heard(self, at_ms: int) -> str:
        """The words that had been played by `at_ms`, sentences joined by a space."""
        position_ms = self.position_ms(at_ms)
        parts = [_words_until(sentence, position_ms) for sentence in self._sentences]
        return " ".join(part for part in parts if part)


def _words_until(sentence: _Sentence, position_ms: float) -> str:
    """Return the words whose greater part lies before the position, by their share of letters."""
    length_ms = sentence.end_ms - sentence.start_ms
    played_ms = min(position_ms, sentence.end_ms) - sentence.start_ms
    if played_ms <= 0:
        return ""
    if sentence.whole and played_ms >= length_ms:
        return sentence.text
    if not sentence.whole:
        length_ms = max(length_ms, len(sentence.text) * MS_PER_CHARACTER)
    words = sentence.text.split()
    middles, letters = [], 0
    for word in words:
        middles.append(letters + len(word) / 2)
        letters += len(word) + 1
    reached = played_ms / length_ms * (letters - 1)
    return " ".join(words[: bisect_left(middles, reached)])
