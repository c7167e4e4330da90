"""Fixed phrases, synthesised once per process and kept as mu-law, so that they leave at once."""

import asyncio
from collections import OrderedDict

from service.domain.agent_config import AgentConfig, VoiceChoice
from service.domain.phrases import fill_persona
from service.ports.speech import TextToSpeech

MAX_BYTES = 16_000_000
"""About half an hour of speech."""


def fixed_phrases(config: AgentConfig) -> tuple[str, ...]:
    """Return the config's phrases that are the same in every call, filled in."""
    phrases = config.phrases
    every = (
        phrases.greeting_outbound,
        phrases.greeting_inbound,
        *phrases.reprompts,
        phrases.silent_goodbye,
        phrases.goodbye,
        phrases.opt_out,
        phrases.voicemail,
        phrases.apology,
        phrases.drain_goodbye,
    )
    filled = [fill_persona(phrase, config.persona) for phrase in every]
    return tuple(dict.fromkeys(phrase for phrase in filled if "{contact}" not in phrase))


class PhraseCache:
    """A bounded store of spoken phrases that all calls share; the longest unused leave first."""

    def __init__(self, tts: TextToSpeech, *, max_bytes: int = MAX_BYTES) -> None:
        self._tts = tts
        self._max_bytes = max_bytes
        self._bytes = 0
        self._spoken: OrderedDict[tuple[str, float, str], bytes] = OrderedDict()
        self._warming = asyncio.Lock()

    def get(self, text: str, voice: VoiceChoice) -> bytes | None:
        """The phrase as 8 kHz mu-law, None when it was never spoken with this voice."""
        key = self._key(text, voice)
        if key not in self._spoken:
            return None
        self._spoken.move_to_end(key)
        return self._spoken[key]

    async def warm(self, config: AgentConfig) -> None:
        """Speak a config's fixed phrases that are not kept yet. Raises SpeechError."""
        async with self._warming:
            for text in fixed_phrases(config):
                if self.get(text, config.voice) is None:
                    self._keep(text, config.voice, await self._speak(text, config.voice))

    async def _speak(self, text: str, voice: VoiceChoice) -> bytes:
        pieces = self._tts.synthesize(text, length_scale=voice.length_scale)
        return b"".join([piece async for piece in pieces])

    def _keep(self, text: str, voice: VoiceChoice, mulaw: bytes) -> None:
        self._spoken[self._key(text, voice)] = mulaw
        self._bytes += len(mulaw)
        while self._bytes > self._max_bytes:
            _, dropped = self._spoken.popitem(last=False)
            self._bytes -= len(dropped)

    def _key(self, text: str, voice: VoiceChoice) -> tuple[str, float, str]:
        return (self._tts.voice, voice.length_scale, text)
