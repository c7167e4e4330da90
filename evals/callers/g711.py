"""G.711 mu-law as the far end hears it.

Apart from the service's own codec on purpose: a fault in that one must not be invisible here.
"""

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 8000
FRAME_MS = 20
FRAME_SAMPLES = 160
SAMPLES_PER_MS = 8
SILENT_FRAME = b"\xff" * FRAME_SAMPLES

# Amplitude (of 32,768) above which a sample is sound: about -38 dB below full scale.
LOUD_AMPLITUDE = 400


def _expand(code: int) -> int:
    """One mu-law code to 16-bit linear (ITU-T G.711, table 2, scaled to 16 bits)."""
    inverted = ~code & 0xFF
    magnitude = (((inverted & 0x0F) << 3) + 0x84 << ((inverted >> 4) & 0x07)) - 0x84
    return -magnitude if inverted & 0x80 else magnitude


_LINEAR = np.array([_expand(code) for code in range(256)], dtype=np.int16)
_IS_LOUD = bytes(int(abs(_expand(code)) >= LOUD_AMPLITUDE) for code in range(256))


def decode(mulaw: bytes) -> NDArray[np.int16]:
    """Expand mu-law bytes to 16-bit samples, shape (len(mulaw),)."""
    return _LINEAR[np.frombuffer(mulaw, dtype=np.uint8)]


def count_loud(mulaw: bytes) -> int:
    """How many samples are sound rather than silence."""
    return mulaw.translate(_IS_LOUD).count(1)


def first_loud(mulaw: bytes, start: int = 0, end: int | None = None) -> int | None:
    """Index of the first sound sample in `mulaw[start:end]`, or None."""
    index = mulaw[start:end].translate(_IS_LOUD).find(1)
    return None if index < 0 else start + index
