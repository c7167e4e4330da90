"""The models that all calls of a process share: voice activity and end of turn."""

import asyncio

import numpy as np

from service.ports.speech import Pcm16k
from service.voice.end_of_turn import SmartTurn
from service.voice.vad import WINDOW_SAMPLES, SileroModel, VoiceActivity


class SharedModels:
    """Loaded once by `warm_up`, before the first call; closed after the last."""

    def __init__(self) -> None:
        self._silero: SileroModel | None = None
        self._smart_turn: SmartTurn | None = None

    async def warm_up(self) -> None:
        """Load both models off the event loop and run each once."""
        await asyncio.to_thread(self._load)

    def voice_activity(self) -> VoiceActivity:
        """A fresh ear for one call: a few kB of state on the shared model."""
        assert self._silero is not None, "warm_up comes before the first call"
        return VoiceActivity(self._silero)

    async def judge_end_of_turn(self, utterance: Pcm16k) -> float:
        """Return how probable it is that the caller has finished."""
        assert self._smart_turn is not None, "warm_up comes before the first call"
        return await self._smart_turn.judge(utterance)

    def close(self) -> None:
        """Release the models and the threads."""
        if self._smart_turn is not None:
            self._smart_turn.close()
        self._silero = self._smart_turn = None

    def _load(self) -> None:
        self._silero = SileroModel()
        VoiceActivity(self._silero).hear(np.zeros(WINDOW_SAMPLES, np.int16))
        self._smart_turn = SmartTurn()
        self._smart_turn.judge_now(np.zeros(WINDOW_SAMPLES, np.int16))
