"""Voice activity: the Silero model, loaded once and shared, and the state that a call carries.

The model and its file come with Pipecat; the rules for when its state is reset are those of
Pipecat's own analyzer (`pipecat.audio.vad.silero`), which loads a model per call.
"""

from importlib import resources

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from service.ports.speech import Pcm16k

WINDOW_SAMPLES = 512
"""Silero's window at 16 kHz: 32 ms."""
_CONTEXT_SAMPLES = 64
_RATE_HZ = np.array(16_000, np.int64)
_RESET_WINDOWS = -(-2 * 16_000 // WINDOW_SAMPLES)
_RESET_BELOW = 0.1
_RESET_LOW_WINDOWS = 5


class SileroModel:
    """The shared network: a pure function of a window and the state before it."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = 1
        options.intra_op_num_threads = 1
        model = resources.files("pipecat.audio.vad.data") / "silero_vad.onnx"
        self._session = onnxruntime.InferenceSession(
            model.read_bytes(), options, providers=["CPUExecutionProvider"]
        )

    def score(
        self, window: NDArray[np.float32], state: NDArray[np.float32]
    ) -> tuple[float, NDArray[np.float32]]:
        """Return the probability of speech and the next state, shape (2, 1, 128).

        `window`, shape (1, 576), is 64 samples of context and the 512 new ones, in -1..1.
        """
        inputs = {"input": window, "state": state, "sr": _RATE_HZ}
        probability, after = self._session.run(None, inputs)
        return float(probability[0, 0]), after


class VoiceActivity:
    """One call's ear for speech: windows in, probabilities out."""

    def __init__(self, model: SileroModel) -> None:
        self._model = model
        self._input = np.zeros((1, _CONTEXT_SAMPLES + WINDOW_SAMPLES), np.float32)
        self._state = np.zeros((2, 1, 128), np.float32)
        self._windows = 0
        self._low_windows = 0

    def hear(self, window: Pcm16k, *, may_reset: bool = True) -> float:
        """Return the probability that `window`, shape (512,), holds speech.

        `may_reset` is False inside an utterance: a reset makes the model doubt the next word.
        """
        self._input[0, :_CONTEXT_SAMPLES] = self._input[0, -_CONTEXT_SAMPLES:]
        np.multiply(window, np.float32(1 / 32_768), out=self._input[0, _CONTEXT_SAMPLES:])
        probability, self._state = self._model.score(self._input, self._state)
        self._low_windows = self._low_windows + 1 if probability < _RESET_BELOW else 0
        self._windows += 1
        # Music and long silence leave the state deaf to the speech that follows.
        due = self._windows >= _RESET_WINDOWS and self._low_windows >= _RESET_LOW_WINDOWS
        if due and may_reset:
            self._reset()
        return probability

    def _reset(self) -> None:
        self._input[:] = 0
        self._state = np.zeros_like(self._state)
        self._windows = 0
