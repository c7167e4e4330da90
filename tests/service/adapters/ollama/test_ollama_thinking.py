"""Thinking is taken out of a stream however it is cut, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.ollama.thinking import ThinkingFilter


def spoken(pieces: list[str]) -> str:
    thinking = ThinkingFilter()
    return "".join([thinking.feed(piece) for piece in pieces]) + thinking.flush()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<think>so what</think>Hello.", "Hello."),
        ("Hello.<think>x</think> You there?", "Hello. You there?"),
        ("a < b and <thing>", "a < b and <thing>"),
        ("<think>never closed", ""),
        ("<think>a</think><think>b</think>c", "c"),
        ("cut at <thi", "cut at <thi"),
    ],
)
def test_known_texts_however_cut(text: str, left: str) -> None:
    assert spoken([text]) == left
    assert spoken(list(text)) == left


@given(st.lists(st.sampled_from(["<think>", "</think>", "<th", "ink>", "a", " ", "<", "/"])))
def test_the_cut_makes_no_difference(pieces: list[str]) -> None:
    assert spoken(pieces) == spoken(["".join(pieces)])


@given(st.text(alphabet="abc <>/", max_size=60))
def test_text_without_the_tag_passes_unchanged(text: str) -> None:
    assert spoken(list(text)) == text
