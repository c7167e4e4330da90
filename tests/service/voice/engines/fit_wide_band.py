"""Fit service/voice/engines/wide_band.json on the wide-band recordings of the test assets.

`python -m tests.service.voice.engines.fit_wide_band ASSETS > service/voice/engines/wide_band.json`

Each recording goes through 8 kHz mu-law, clean and with white noise 30 dB below it; the high band
of the clean original is the target (least squares). Recordings whose licence asks for more than its
notice (CC BY-SA, credit lines) are left out.
"""

import json
import sys
import wave
from pathlib import Path

import numpy as np

from service.voice.audio import mulaw_to_pcm16k, pcm_to_mulaw
from service.voice.engines import wide_band

LEFT_OUT = ("harvard", "phone-digits")
NOISE_DB = (None, 30)


def fit(assets: Path) -> np.ndarray:
    """Return the regression's weights, shape (36, 3)."""
    seen, wanted = [], []
    noise = np.random.default_rng(1)
    for original in _recordings(assets / "speech"):
        for level_db in NOISE_DB:
            sent = original
            if level_db is not None:
                loudness = np.sqrt(np.mean(original**2)) * 10 ** (-level_db / 20)
                sent = original + noise.standard_normal(original.size) * loudness
            heard = _through_a_telephone(sent)
            size = min(heard.size, original.size)
            spectra = wide_band.lessen_noise(wide_band.analyse(heard[:size]))
            target = wide_band.analyse(original[:size])
            seen.append(wide_band.features(spectra))
            wanted.append(wide_band.band_log_power(target, wide_band.HIGH_BANDS_HZ))
    weights, *_ = np.linalg.lstsq(np.vstack(seen), np.vstack(wanted), rcond=None)
    return weights


def _recordings(speech: Path):
    for entry in json.loads((speech / "manifest.json").read_text()):
        if entry["native_rate"] < 16_000 or entry["id"].startswith(LEFT_OUT):
            continue
        with wave.open(str(speech / entry["wav16k"])) as file:
            pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        yield wide_band.even_loudness(pcm)


def _through_a_telephone(samples: np.ndarray) -> np.ndarray:
    pcm = np.clip(samples, -32_768, 32_767).astype(np.int16)
    return wide_band.even_loudness(mulaw_to_pcm16k(pcm_to_mulaw(pcm, 16_000)))


if __name__ == "__main__":
    rows = [[round(value, 4) for value in row] for row in fit(Path(sys.argv[1])).tolist()]
    sys.stdout.write("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
