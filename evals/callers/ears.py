"""The callers' recogniser: pocketsphinx in a process of its own.

It holds the interpreter lock for 100 ms and more per stretch, so it never runs where the line's
clock runs. Its language model is made of what agents typically say (agent_language).
"""

import ctypes
import multiprocessing
import signal
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pocketsphinx
import soxr
from pocketsphinx.lm import ArpaBoLM

from evals.callers.g711 import SAMPLE_RATE_HZ, decode
from service.measures.spoken_form import spoken_words

MODEL_RATE_HZ = 16_000
PADDING_MS = 120
_PR_SET_PDEATHSIG = 1
_decoder: Any = None  # one per recogniser process, set by its initializer


class PocketsphinxEars:
    """Recognises in worker processes that start with the first use and die with this process."""

    def __init__(self, sentences: Sequence[str], *, processes: int = 1) -> None:
        self._pool = ProcessPoolExecutor(
            max_workers=processes,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_recogniser,
            initargs=(tuple(sentences),),
        )

    def warm_up(self) -> None:
        """Start a process and load the model now; blocks about a second."""
        self._pool.submit(_recognise, b"").result()

    def recognise(self, mulaw: bytes) -> Future[str]:
        """Return the future words, lower case and single-spaced."""
        return self._pool.submit(_recognise, mulaw)

    def close(self) -> None:
        """Stop the processes; what is queued is cancelled."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _start_recogniser(sentences: tuple[str, ...]) -> None:
    global _decoder  # noqa: PLW0603  (an initializer has nowhere else to put it)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _decoder = make_decoder(sentences)


def make_decoder(sentences: Iterable[str]) -> Any:
    """Return a pocketsphinx decoder that expects sentences like these.

    The dictionary is cut down to the words of the sentences, which makes it load faster; a word
    that the general dictionary lacks is left out, and something like it is heard instead.
    """
    pronunciations = dict(_pronunciations())
    spoken = [[w for w in spoken_words(text) if w in pronunciations] for text in sentences]
    vocabulary = {word for words in spoken for word in words}
    with tempfile.TemporaryDirectory(prefix="ears-") as folder:
        language, dictionary = Path(folder, "agents.arpa"), Path(folder, "agents.dict")
        _write_language(language, spoken)
        lines = (line for word in sorted(vocabulary) for line in pronunciations[word])
        dictionary.write_text("\n".join(lines) + "\n")
        return pocketsphinx.Decoder(
            lm=str(language),
            dict=str(dictionary),
            samprate=float(MODEL_RATE_HZ),
            # Half the time for two more words in a hundred.
            fwdflat=False,
            loglevel="FATAL",
        )


def transcribe(decoder: Any, mulaw: bytes) -> str:
    """Return the words that `decoder` makes out of 8 kHz mu-law; empty for silence."""
    if not mulaw:
        return ""
    pcm = decode(mulaw).astype(np.float32)
    pad = np.zeros(SAMPLE_RATE_HZ * PADDING_MS // 1000, dtype=np.float32)
    wide = soxr.resample(np.concatenate([pad, pcm, pad]), SAMPLE_RATE_HZ, MODEL_RATE_HZ)
    decoder.start_utt()
    decoder.process_raw(wide.clip(-32768, 32767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return " ".join(hypothesis.hypstr.split()) if hypothesis else ""


def _recognise(mulaw: bytes) -> str:
    return transcribe(_decoder, mulaw)


def _write_language(path: Path, sentences: Iterable[Sequence[str]]) -> None:
    text = StringIO("\n".join(" ".join(words) for words in sentences if words))
    model = ArpaBoLM(sentfile=text, add_start=True)
    model.compute()
    with path.open("w") as file:
        model.write(file)


def _pronunciations() -> Iterator[tuple[str, list[str]]]:
    """Yield each word of the general dictionary with its lines: `word PH ON`, `word(2) PH ON`."""
    path = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        word = line.split(" ", 1)[0].partition("(")[0]
        found.setdefault(word, []).append(line)
    yield from found.items()
