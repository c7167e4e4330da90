import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.measures.word_error_rate import (
    AlignedWord,
    WordErrors,
    align,
    corpus_word_errors,
    word_errors,
)

words = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=7)


@pytest.mark.parametrize(
    ("said", "recognised", "substitutions", "insertions", "deletions", "rate"),
    [
        ("I want to sell my house", "I want to sell my house", 0, 0, 0, 0.0),
        ("I want to sell my house", "I want a sell house", 1, 0, 1, 2 / 6),
        ("three bedrooms", "3 bedrooms", 0, 0, 0, 0.0),
        ("yes", "yes it is", 0, 2, 0, 2.0),
        ("one two three", "", 0, 0, 3, 1.0),
    ],
)
def test_known_answers(
    *, said: str, recognised: str, substitutions: int, insertions: int, deletions: int, rate: float
) -> None:
    found = word_errors(said, recognised)
    assert (found.substitutions, found.insertions, found.deletions) == (
        substitutions,
        insertions,
        deletions,
    )
    assert found.rate == rate


def test_nothing_said_has_no_rate_even_when_words_were_invented() -> None:
    found = word_errors("", "thank you")
    assert found == WordErrors(insertions=2)
    assert found.rate is None


def test_alignment_shows_which_word_became_which() -> None:
    assert align(("the", "house", "is"), ("house", "is", "now")) == (
        AlignedWord(said="the", recognised=None),
        AlignedWord(said="house", recognised="house"),
        AlignedWord(said="is", recognised="is"),
        AlignedWord(said=None, recognised="now"),
    )


def test_a_corpus_is_a_ratio_of_sums_not_a_mean_of_rates() -> None:
    total = corpus_word_errors(
        [
            ("no", "yes"),
            (
                "nine words that are all recognised as they were",
                "nine words that are all recognised as they were",
            ),
        ]
    )
    assert total.rate == 1 / 10


@settings(deadline=None)
@given(words, words)
def test_alignment_holds_both_texts_and_its_count_is_minimal(a: list[str], b: list[str]) -> None:
    pairs = align(a, b)
    assert [pair.said for pair in pairs if pair.said is not None] == a
    assert [pair.recognised for pair in pairs if pair.recognised is not None] == b
    edits = sum(pair.said != pair.recognised for pair in pairs)
    assert edits == _plain_levenshtein(tuple(a), tuple(b))


@settings(deadline=None)
@given(words, words)
def test_swapping_the_texts_swaps_insertions_and_deletions_in_number(
    a: list[str], b: list[str]
) -> None:
    forth, back = word_errors(" ".join(a), " ".join(b)), word_errors(" ".join(b), " ".join(a))
    assert forth.errors == back.errors
    assert forth.insertions - forth.deletions == back.deletions - back.insertions


def _plain_levenshtein(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    if not a or not b:
        return len(a) + len(b)
    return min(
        _plain_levenshtein(a[1:], b) + 1,
        _plain_levenshtein(a, b[1:]) + 1,
        _plain_levenshtein(a[1:], b[1:]) + (a[0] != b[0]),
    )
