"""Whether a caller who paused has finished: the Smart Turn model, loaded once and shared."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from importlib import resources

import numpy as np
import onnxruntime
from pipecat.audio.turn.smart_turn._whisper_features import compute_whisper_log_mel_features

from service.ports.speech import Pcm16k

_WINDOW_SAMPLES = 8 * 16_000
"""Smart Turn v3 hears the last 8 s, aligned to the end and padded with zeros in front."""
_THREADS = 2


class SmartTurn:
    """Smart Turn v3.2 on one thread per judgement, in a small pool off the event loop."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = 1
        options.intra_op_num_threads = 1
        model = resources.files("pipecat.audio.turn.smart_turn.data") / "smart-turn-v3.2-cpu.onnx"
        self._session = onnxruntime.InferenceSession(
            model.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="smart-turn")

    async def judge(self, utterance: Pcm16k) -> float:
        """Return how probable it is that the caller has finished; about 90 ms of CPU."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self.judge_now, utterance)

    def judge_now(self, utterance: Pcm16k) -> float:
        """The same on the calling thread."""
        tail = utterance[-_WINDOW_SAMPLES:].astype(np.float32) / 32_768
        padded = np.pad(tail, (_WINDOW_SAMPLES - tail.size, 0))
        features = compute_whisper_log_mel_features(padded)
        (probability,) = self._session.run(None, {"input_features": features[None]})
        return float(probability[0, 0])

    def close(self) -> None:
        """End the pool's threads; judgements not yet begun are cancelled."""
        self._threads.shutdown(wait=False, cancel_futures=True)
