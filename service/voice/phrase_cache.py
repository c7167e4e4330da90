"""Fixed phrases, synthesised once per process and kept as mu-law, so that they leave at once."""

import asyncio
import re
from collections import OrderedDict

from service.domain.agent_config import AgentConfig, VoiceChoice
from service.ports.conversation import CallBrief
from service.ports.speech import TextToSpeech

MAX_BYTES = 16_000_000
"""About half an hour of speech."""
_PLACEHOLDER = re.compile(r"\{\w+\}")


def fill_phrase(phrase: str, brief: CallBrief) -> str:
    """Put the names of a call into a phrase; without a contact its placeholder is dropped."""
    names = _persona(brief.config) | {"contact": brief.contact.name if brief.contact else ""}
    return _tidy(_PLACEHOLDER.sub(lambda found: names.get(found[0][1:-1], ""), phrase))


def fixed_phrases(config: AgentConfig) -> tuple[str, ...]:
    """Return the config's phrases that are the same in every call, filled in."""
    phrases = config.phrases
    names = _persona(config)
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
    filled = [_PLACEHOLDER.sub(lambda found: names.get(found[0][1:-1], found[0]), p) for p in every]
    return tuple(dict.fromkeys(_tidy(text) for text in filled if not _PLACEHOLDER.search(text)))


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


def _persona(config: AgentConfig) -> dict[str, str]:
    return {"agent": config.persona.agent_name, "company": config.persona.company}


def _tidy(text: str) -> str:
    return re.sub(r"\s+([,.!?])", r"\1", " ".join(text.split()))
