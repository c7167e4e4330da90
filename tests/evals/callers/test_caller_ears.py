"""The callers' recogniser, for real: in its own process, on real clips."""

from collections.abc import Iterator

import pytest

from evals.callers.agent_language import agent_sentences, typical_sentences
from evals.callers.clips import load_clips
from evals.callers.ears import PocketsphinxEars

SENTENCES = (
    *("four hundred thousand", "five hundred thousand", "in about three months"),
    *("in about two weeks", "three bedrooms", "two bedrooms", "Is $350,000 right?"),
)


@pytest.fixture(scope="module")
def ears() -> Iterator[PocketsphinxEars]:
    ears = PocketsphinxEars(SENTENCES)
    ears.warm_up()
    yield ears
    ears.close()


def test_words_are_made_out_of_telephone_sound(ears: PocketsphinxEars) -> None:
    clips = load_clips("interested_seller")
    asked = [ears.recognise(clips[line].audio) for line in ("price_again", "no_three")]
    assert [each.result(timeout=20) for each in asked] == [
        *("four hundred thousand", "three bedrooms"),
    ]


def test_silence_has_no_words(ears: PocketsphinxEars) -> None:
    assert ears.recognise(b"\xff" * 4000).result(timeout=20) == ""
    assert ears.recognise(b"").result(timeout=20) == ""


def test_templates_expand_to_the_same_bounded_sentences_each_time() -> None:
    sentences = typical_sentences()
    assert sentences == typical_sentences()
    assert 200 <= len(sentences) <= 1500
    assert not any(sign in text for text in sentences for sign in "[]|")
    assert set(sentences) < set(agent_sentences())
