"""The utterance is captured from before its first word, and never without bound."""

import numpy as np

from service.voice.capture import MAX_UTTERANCE_MS, PRE_ROLL_MS, Capture
from service.voice.turn_taking import WINDOW_MS


def _window(value: int) -> np.ndarray:
    return np.full(512, value, np.int16)


def test_the_pre_roll_reaches_back_before_the_noticed_speech() -> None:
    capture = Capture(speech_start_ms=160)
    for value in range(100):
        capture.add(_window(value))
    capture.begin()
    capture.add(_window(100))
    values = capture.audio()[::512]
    assert values[-1] == 100
    assert (len(values) - 1) * WINDOW_MS >= PRE_ROLL_MS + 160
    assert list(values) == list(range(101 - len(values), 101))


def test_an_endless_utterance_keeps_its_last_minute() -> None:
    capture = Capture(speech_start_ms=160)
    capture.begin()
    for _ in range(2 * MAX_UTTERANCE_MS // WINDOW_MS):
        capture.add(_window(1))
    assert capture.audio().size == MAX_UTTERANCE_MS // WINDOW_MS * 512
    capture.end()
    assert capture.audio().size < 16 * 500
