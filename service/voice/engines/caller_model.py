"""The n-gram model and dictionary of the caller language, built once and cached by content."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from pocketsphinx import get_model_path
from pocketsphinx.lm import ArpaBoLM

from service.domain.errors import SpeechError
from service.voice.engines.caller_language import (
    TEMPLATES,
    CallerLanguage,
    load_caller_language,
)

SAMPLES_PER_TEMPLATE = 12
DISCOUNT_MASS = 0.5
_LAYOUT = "2"


class CallerModel(NamedTuple):
    """An ARPA trigram model and the pronunciations of exactly its words."""

    arpa: Path
    dictionary: Path


def prepare_caller_model(cache_dir: Path) -> CallerModel:
    """Return the cached model of the shipped templates; build it when it is not there.

    Several processes may race: each builds in a folder of its own, the first rename wins.
    Raises SpeechError when a word has no pronunciation.
    """
    folder = cache_dir / f"caller-language-{_fingerprint()}"
    if not folder.is_dir():
        _build(folder)
    return CallerModel(folder / "caller.arpa", folder / "caller.dict")


def unpronounceable(words: set[str]) -> set[str]:
    """Return the words that the recogniser's dictionary does not have."""
    return words - {line.split(maxsplit=1)[0] for line in _pronunciations()}


def _fingerprint() -> str:
    digest = hashlib.sha256(TEMPLATES.read_bytes())
    digest.update(f"{_LAYOUT} {SAMPLES_PER_TEMPLATE} {DISCOUNT_MASS}".encode())
    return digest.hexdigest()[:16]


def _build(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="building-", dir=folder.parent))
    try:
        language = load_caller_language()
        _write_dictionary(made / "caller.dict", language.words())
        _write_arpa(made / "caller.arpa", language)
        os.replace(made, folder)
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _write_arpa(path: Path, language: CallerLanguage) -> None:
    """Count trigrams of sampled sentences; words that no sample holds get a count of one."""
    words = path.with_suffix(".words")
    words.write_text("\n".join(sorted(language.words())), encoding="utf-8")
    model = ArpaBoLM(
        text="\n".join(language.sentences(per_template=SAMPLES_PER_TEMPLATE)),
        word_file=str(words),
        add_start=True,
        discount_mass=DISCOUNT_MASS,
    )
    model.compute()
    with path.open("w", encoding="utf-8") as file:
        model.write(file)


def _write_dictionary(path: Path, words: set[str]) -> None:
    missing = unpronounceable(words)
    if missing:
        raise SpeechError(f"no pronunciation for: {', '.join(sorted(missing))}")
    lines = [line for line in _pronunciations() if line.split()[0].partition("(")[0] in words]
    path.write_text("".join(lines), encoding="utf-8")


def _pronunciations() -> list[str]:
    path = Path(get_model_path("en-us/cmudict-en-us.dict"))
    return path.read_text(encoding="utf-8").splitlines(keepends=True)
