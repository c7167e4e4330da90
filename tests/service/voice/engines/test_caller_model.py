"""The language model's files: complete, cached, and safe to build twice at a time."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pocketsphinx import Decoder

from service.domain.errors import SpeechError
from service.voice.engines import caller_model
from service.voice.engines.caller_language import load_caller_language
from service.voice.engines.caller_model import prepare_caller_model


def test_builders_that_race_share_one_complete_model(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(prepare_caller_model, [tmp_path, tmp_path])
    assert first == second
    assert [path.name for path in tmp_path.iterdir()] == [first.arpa.parent.name]

    decoder = Decoder(lm=str(first.arpa), dict=str(first.dictionary), loglevel="FATAL")
    words = load_caller_language().words()
    assert [word for word in words if decoder.lookup_word(word) is None] == []
    assert decoder.lookup_word("aardvark") is None

    stamp = first.arpa.stat().st_mtime_ns
    assert prepare_caller_model(tmp_path).arpa.stat().st_mtime_ns == stamp


def test_a_word_without_a_pronunciation_builds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    templates = tmp_path / "templates.yaml"
    templates.write_text("slots: {}\nopeners: [well]\nsentences: {all: [a zzyzxq house]}\n")
    monkeypatch.setattr(caller_model, "TEMPLATES", templates)
    monkeypatch.setattr(
        caller_model, "load_caller_language", lambda: load_caller_language(templates)
    )
    with pytest.raises(SpeechError, match="no pronunciation for: zzyzxq"):
        prepare_caller_model(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []
