"""G.711 against its standard and audioop; the half-band filter against an ideal sine."""

import importlib.util
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.voice.audio import (
    MULAW_SILENCE,
    MulawDecoder,
    mulaw_to_pcm16k,
    pcm_to_mulaw,
    resample,
)

ALL_CODES = bytes(range(256))
ALL_SAMPLES = np.arange(-32_768, 32_768).astype(np.int16)


def sine(frequency_hz: float, sample_rate_hz: int, duration_s: float = 0.5) -> np.ndarray:
    at_s = np.arange(int(duration_s * sample_rate_hz)) / sample_rate_hz
    return np.rint(12_000 * np.sin(2 * np.pi * frequency_hz * at_s)).astype(np.int16)


def signal_to_noise_db(wanted: np.ndarray, got: np.ndarray) -> float:
    wanted, got = wanted.astype(float), got.astype(float)
    return float(10 * np.log10(np.sum(wanted**2) / np.sum((wanted - got) ** 2)))


def decoded(code: int) -> int:
    """The formula of ITU-T G.711 for one code, on 14-bit values, scaled to 16 bits."""
    inverted = ~code & 0xFF
    value = ((2 * (inverted & 0xF) + 33) << ((inverted >> 4) & 7)) - 33
    return 4 * (-value if inverted & 0x80 else value)


@pytest.mark.parametrize("code", [0x00, 0x0F, 0x10, 0x7E, 0x7F, 0x80, 0x8F, 0xEF, 0xFE, 0xFF])
def test_decodes_as_the_standard_says(code: int) -> None:
    steady = mulaw_to_pcm16k(bytes([code]) * 200)
    assert steady[200] == decoded(code)


def test_extremes_of_the_standard() -> None:
    assert (decoded(0x80), decoded(0x00)) == (32_124, -32_124)
    assert pcm_to_mulaw(np.array([32_767, -32_768, 0], np.int16), 8_000) == b"\x80\x00\xff"


def test_every_code_survives_a_round_trip() -> None:
    samples = np.array([decoded(code) for code in range(256)], np.int16)
    assert pcm_to_mulaw(samples, 8_000) == ALL_CODES.replace(b"\x7f", bytes([MULAW_SILENCE]))


@pytest.mark.skipif(
    importlib.util.find_spec("audioop") is None, reason="audioop left Python in 3.13"
)
def test_encodes_every_sample_as_audioop_does() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import audioop
    assert pcm_to_mulaw(ALL_SAMPLES, 8_000) == audioop.lin2ulaw(ALL_SAMPLES.tobytes(), 2)


@given(st.integers(-32_768, 32_767))
def test_error_is_within_half_a_quantisation_step(sample: int) -> None:
    code = pcm_to_mulaw(np.array([sample], np.int16), 8_000)[0]
    step = 8 << ((~code >> 4) & 7)
    assert abs(decoded(code) - sample) <= max(step // 2 + 4, abs(sample) - 32_124)


@given(st.lists(st.binary(max_size=400), max_size=8))
def test_chunks_decode_as_the_whole_does(chunks: list[bytes]) -> None:
    whole = MulawDecoder().decode(b"".join(chunks))
    decoder = MulawDecoder()
    pieces = [decoder.decode(chunk) for chunk in chunks]
    assert [piece.size for piece in pieces] == [2 * len(chunk) for chunk in chunks]
    np.testing.assert_allclose(np.concatenate([*pieces, whole[:0]]), whole, atol=1)


@pytest.mark.parametrize("frequency_hz", [100, 1_000, 3_000, 3_400])
def test_upsampling_keeps_the_telephone_band(frequency_hz: int) -> None:
    got = mulaw_to_pcm16k(pcm_to_mulaw(sine(frequency_hz, 8_000), 8_000))
    wanted = sine(frequency_hz, 16_000)
    assert signal_to_noise_db(wanted[200:-200], got[200:-200]) > 30


@pytest.mark.parametrize("frequency_hz", [300, 1_000, 3_000])
def test_downsampling_keeps_the_telephone_band(frequency_hz: int) -> None:
    got = resample(sine(frequency_hz, 22_050), from_hz=22_050, to_hz=8_000)
    wanted = sine(frequency_hz, 8_000)
    size = min(got.size, wanted.size) - 200
    assert signal_to_noise_db(wanted[200:size], got[200:size]) > 60


def test_downsampling_removes_what_would_alias() -> None:
    got = resample(sine(6_000, 16_000), from_hz=16_000, to_hz=8_000)
    assert np.abs(got[200:-200]).max() < 15


def test_nothing_gives_nothing() -> None:
    assert mulaw_to_pcm16k(b"").size == 0
    assert MulawDecoder().decode(b"").size == 0
    assert pcm_to_mulaw(np.empty(0, np.int16), 22_050) == b""
