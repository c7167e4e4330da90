"""Sentences leave the stream whole, in order, however the stream is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.agents.sentences import LONGEST, SentenceSplitter


def split(pieces: list[str]) -> list[str]:
    splitter = SentenceSplitter()
    return [sentence for piece in pieces for sentence in splitter.feed(piece)] + splitter.flush()


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Got it. How many?", ["Got it.", "How many?"]),
        ("It is $350,000. Is that right?", ["It is $350,000.", "Is that right?"]),
        ("About 3.5 percent. Okay?", ["About 3.5 percent.", "Okay?"]),
        ("Mr. Smith and Dr. Lee called. Fine.", ["Mr. Smith and Dr. Lee called.", "Fine."]),
        ("It is on Oak St. near J. Park. Yes!", ["It is on Oak St. near J. Park.", "Yes!"]),
        ("At 5 p.m. tomorrow? Sure", ["At 5 p.m. tomorrow?", "Sure"]),
        ('She said "yes." Then left.', ['She said "yes.', "Then left."]),
        ("Well... okay then.", ["Well...", "okay then."]),
        ("**Great!** Let us go.", ["Great!", "Let us go."]),
        ("- One\n- Two\n", ["One", "Two"]),
        ("1. First thing. 2. Second", ["First thing.", "Second"]),
        ("Really?! Yes.", ["Really?", "Yes."]),
        ("   ", []),
        ("...", []),
    ],
)
def test_known_texts(text: str, sentences: list[str]) -> None:
    assert split([text]) == sentences


def test_the_first_sentence_leaves_as_soon_as_it_is_whole() -> None:
    splitter = SentenceSplitter()

    assert splitter.feed("Got it") == []
    assert splitter.feed(".") == []
    assert splitter.feed(" When") == ["Got it."]
    assert splitter.feed(" is it") == []
    assert splitter.feed("?") == ["When is it?"]


texts = st.text(alphabet="ab 3.?!,$\n\"')*", max_size=300)


@given(texts, st.lists(st.integers(0, 300), max_size=20))
def test_the_cut_of_the_stream_makes_no_difference(text: str, cuts: list[int]) -> None:
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[a:b] for a, b in pairwise(edges)]

    assert split(pieces) == split([text])
    assert split(list(text)) == split([text])


@given(texts)
def test_no_word_is_lost_added_or_moved(text: str) -> None:
    spoken = [char for char in text if char.isalpha()]

    assert [char for char in "".join(split([text])) if char.isalpha()] == spoken


@given(st.lists(st.sampled_from(["house", "sell", "a", "three"]), min_size=1, max_size=400))
def test_no_sentence_grows_without_bound(words: list[str]) -> None:
    sentences = split([" ".join(words)])

    assert all(0 < len(sentence) <= LONGEST for sentence in sentences)
    assert " ".join(sentences).split() == words
