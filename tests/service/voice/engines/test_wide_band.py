"""The guessed high band: there for hiss, not for a vowel, and fitted as its file says."""

import json
from pathlib import Path

import numpy as np
import pytest

from service.voice.audio import mulaw_to_pcm16k, pcm_to_mulaw
from service.voice.engines.wide_band import WEIGHTS, widen
from tests.service.voice.engines.fit_wide_band import fit


def telephone(samples: np.ndarray) -> np.ndarray:
    return mulaw_to_pcm16k(pcm_to_mulaw(samples.astype(np.int16), 16_000))


def high_share(pcm: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(pcm.astype(float) * np.hanning(pcm.size))) ** 2
    hz = np.fft.rfftfreq(pcm.size, 1 / 16_000)
    return float(power[(hz > 4_100) & (hz < 6_700)].sum() / power.sum())


def voiced(pitch_hz: int = 120) -> np.ndarray:
    at_s = np.arange(16_000) / 16_000
    partials = [np.sin(2 * np.pi * pitch_hz * k * at_s) / k**2 for k in range(1, 25)]
    return 8_000 * np.sum(partials, axis=0) * np.hanning(16_000)


def hiss() -> np.ndarray:
    noise = np.diff(np.random.default_rng(3).standard_normal(16_000), prepend=0.0)
    return np.clip(4_000 * noise, -32_000, 32_000) * (np.abs(np.arange(16_000) - 8_000) < 1_500)


def test_hiss_gets_a_high_band_that_the_line_took() -> None:
    heard = telephone(hiss())
    assert high_share(heard) < 0.002
    assert high_share(widen(heard)) > 0.05


def test_a_vowel_gets_next_to_none() -> None:
    assert high_share(widen(telephone(voiced()))) < 0.0001


def test_the_low_band_stays() -> None:
    heard = telephone(voiced())
    wide = widen(heard)
    assert np.corrcoef(heard, wide)[0, 1] > 0.98


@pytest.mark.parametrize("samples", [0, 1, 100, 5_000])
def test_length_stays_and_loudness_does_not_matter(samples: int) -> None:
    heard = telephone(voiced())[4_000 : 4_000 + samples]
    assert widen(heard).size == samples
    if samples > 1_000:
        quiet = widen((heard / 4).astype(np.int16))
        assert np.corrcoef(quiet, widen(heard))[0, 1] > 0.95


def test_the_committed_weights_are_those_of_the_fit(assets: Path) -> None:
    np.testing.assert_allclose(json.loads(WEIGHTS.read_text()), fit(assets), atol=0.02)
