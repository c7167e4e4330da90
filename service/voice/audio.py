"""Telephone audio to and from samples: G.711 mu-law, and the step between 8 kHz and 16 kHz.

Going up, a windowed-sinc half-band filter makes exactly two samples of each one, so that chunks
keep their length and the delay is 2 ms (a general resampler holds back 100 ms). Going down, soxr.
"""

from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from service.ports.speech import Pcm16k

TELEPHONE_RATE_HZ = 8_000
HOUSE_RATE_HZ = 16_000
MULAW_SILENCE = 0xFF
"""The mu-law code of a zero sample."""

_SILENT_PEAK = 60
_BIAS = 33
_CLIP = 8158
_HALF_TAPS = 16
_INT16_LIMITS = (-32_768, 32_767)


def _decode_table() -> NDArray[np.int16]:
    """Return the 16-bit sample of each code: ITU-T G.711 table 2a, 14-bit values times 4."""
    code = ~np.arange(256) & 0xFF
    segment, step = (code >> 4) & 0x7, code & 0xF
    magnitude = (((2 * step + _BIAS) << segment) - _BIAS) * 4
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _encode_table() -> NDArray[np.uint8]:
    """Return the code of each 16-bit sample, indexed by the sample's bits read as unsigned."""
    sample = np.arange(65_536).astype(np.uint16).view(np.int16).astype(np.int32) >> 2
    magnitude = np.minimum(np.abs(sample), _CLIP) + _BIAS
    segment = np.floor(np.log2(magnitude)).astype(np.int32) - 5
    step = (magnitude >> (segment + 1)) & 0xF
    sign = np.where(sample < 0, 0x80, 0)
    code: NDArray[np.uint8] = (~(sign | (segment << 4) | step) & 0xFF).astype(np.uint8)
    return code


def _half_band() -> NDArray[np.float32]:
    """Return the taps that interpolate half-way between samples: Kaiser-windowed sinc, gain 1."""
    offset = np.arange(-_HALF_TAPS, _HALF_TAPS) + 0.5
    taps = np.sinc(offset) * np.i0(8.0 * np.sqrt(1 - (offset / _HALF_TAPS) ** 2))
    unit_gain: NDArray[np.float32] = (taps / taps.sum()).astype(np.float32)
    return unit_gain


_TO_SAMPLE = _decode_table()
_TO_CODE = _encode_table()
_TAPS = _half_band()


class MulawDecoder:
    """Decode one stream of 8 kHz mu-law, chunk by chunk, without clicks at the seams."""

    def __init__(self) -> None:
        self._history = np.zeros(2 * _HALF_TAPS - 1, np.float32)

    def decode(self, chunk: bytes) -> Pcm16k:
        """Return exactly two 16 kHz samples per byte of `chunk`, 2 ms late."""
        if not chunk:
            return np.empty(0, np.int16)
        fresh = _TO_SAMPLE[np.frombuffer(chunk, np.uint8)].astype(np.float32)
        line = np.concatenate([self._history, fresh])
        self._history = line[1 - 2 * _HALF_TAPS :]
        out = np.empty(2 * fresh.size, np.float32)
        out[0::2] = line[_HALF_TAPS - 1 : _HALF_TAPS - 1 + fresh.size]
        out[1::2] = np.convolve(line, _TAPS, "valid")
        return _to_int16(out)


def mulaw_to_pcm16k(mulaw: bytes) -> Pcm16k:
    """Decode a whole recording of 8 kHz mu-law at once: two samples per byte, no delay."""
    pcm = MulawDecoder().decode(mulaw + bytes([MULAW_SILENCE]) * _HALF_TAPS)
    return pcm[2 * _HALF_TAPS :]


def resample(pcm: NDArray[np.int16], *, from_hz: int, to_hz: int) -> NDArray[np.int16]:
    """Resample a whole mono recording, shape (n,), with soxr's high-quality filter."""
    if from_hz == to_hz or not pcm.size:
        return pcm
    return _to_int16(soxr.resample(pcm.astype(np.float32), from_hz, to_hz))


def pcm_to_mulaw(pcm: NDArray[np.int16], sample_rate_hz: int) -> bytes:
    """Encode a whole mono recording, shape (n,), at `sample_rate_hz` as raw 8 kHz mu-law."""
    narrow = resample(pcm, from_hz=sample_rate_hz, to_hz=TELEPHONE_RATE_HZ)
    return _TO_CODE[narrow.view(np.uint16)].tobytes()


def is_silent(pcm: NDArray[np.int16]) -> bool:
    """Say whether no sample reaches 60: recognisers make up words there.

    Speech on a telephone peaks above 1,000; the quietest code but zero of mu-law is 8.
    """
    return not pcm.size or bool(pcm.max() < _SILENT_PEAK and pcm.min() > -_SILENT_PEAK)


def _to_int16(samples: NDArray[Any]) -> NDArray[np.int16]:
    limited: NDArray[np.int16] = np.clip(np.rint(samples), *_INT16_LIMITS).astype(np.int16)
    return limited
