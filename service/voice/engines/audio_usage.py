"""What recognising costs, before it is priced: seconds of audio."""

from decimal import Decimal

from service.domain.money import Meter, Usage
from service.ports.speech import Pcm16k
from service.voice.audio import HOUSE_RATE_HZ


def audio_usage(audio: Pcm16k, *, provider: str, model: str) -> Usage:
    """Return the length of `audio` as usage of `model` at `provider`."""
    seconds = Decimal(audio.size) / HOUSE_RATE_HZ
    return Usage(meter=Meter.STT_AUDIO_SECONDS, provider=provider, model=model, quantity=seconds)
