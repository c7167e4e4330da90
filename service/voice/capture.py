"""The caller's current utterance, kept from a little before it was noticed."""

from collections import deque

import numpy as np

from service.ports.speech import Pcm16k
from service.voice.turn_taking import WINDOW_MS

PRE_ROLL_MS = 300
"""Kept from before the speech: soft first consonants score as silence."""
MAX_UTTERANCE_MS = 60_000
"""The oldest audio of a longer utterance is let go: an hour of hold music must not fill memory."""


class Capture:
    """A ring of the last windows while nobody speaks; the whole utterance once somebody does."""

    def __init__(self, *, speech_start_ms: int) -> None:
        self._ring_windows = -(-(PRE_ROLL_MS + speech_start_ms) // WINDOW_MS)
        self._windows: deque[Pcm16k] = deque(maxlen=self._ring_windows)

    def add(self, window: Pcm16k) -> None:
        """Take the next window, shape (512,)."""
        self._windows.append(window)

    def begin(self) -> None:
        """Speech was noticed: keep everything from the pre-roll on."""
        self._windows = deque(self._windows, maxlen=MAX_UTTERANCE_MS // WINDOW_MS)

    def end(self) -> None:
        """The utterance is over: go back to the pre-roll."""
        self._windows = deque(self._windows, maxlen=self._ring_windows)

    def audio(self) -> Pcm16k:
        """The utterance so far, shape (n,)."""
        return np.concatenate(self._windows) if self._windows else np.empty(0, np.int16)
