import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.measures.spoken_form import cardinal, spoken_words


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("3", "three"),
        ("a 3-bedroom house", "a three bedroom house"),
        ("$450,000", "four hundred fifty thousand dollars"),
        ("$450k", "four hundred and fifty thousand dollars"),
        ("$1.5 million", "one point five million dollars"),
        ("two hundred and fifty", "250"),
        ("twenty-five", "25"),
        ("1,250 square feet", "one thousand two hundred fifty square feet"),
        (
            "the 1st, 2nd, 12th, 20th and 23rd",
            "the first second twelfth twentieth and twenty third",
        ),
        ("10%", "ten percent"),
        ("007", "zero zero seven"),
        ("5551230001", "five five five one two three zero zero zero one"),
        ("Don\u2019t, OKAY?", "don't ok"),
        ("2.5 baths", "two point five baths"),
        ("b2b", "b two b"),
        ("  ...  ", ""),
    ],
)
def test_two_ways_to_write_one_thing_are_the_same_words(written: str, spoken: str) -> None:
    assert spoken_words(written) == spoken_words(spoken)


def test_and_between_things_is_kept() -> None:
    spoken = " ".join(spoken_words("two beds and three baths, one hundred and fifty and more"))
    assert spoken == "two beds and three baths one hundred fifty and more"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (19, "nineteen"),
        (40, "forty"),
        (101, "one hundred one"),
        (999_999, "nine hundred ninety nine thousand nine hundred ninety nine"),
        (2_000_010, "two million ten"),
    ],
)
def test_cardinals(number: int, words: str) -> None:
    assert " ".join(cardinal(number)) == words


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=9_999_999))
def test_digits_and_words_of_any_number_are_equal(number: int) -> None:
    assert spoken_words(str(number)) == cardinal(number) == spoken_words(f"{number:,}")


@settings(deadline=None)
@given(st.text(max_size=60))
def test_spoken_words_are_already_spoken(text: str) -> None:
    words = spoken_words(text)
    again = spoken_words(" ".join(words))
    assert again == words or "and" in words
