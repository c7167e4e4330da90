"""Facts out of what people say, and out of what a recogniser makes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.agents.extraction import EXTRACTORS, extract
from service.agents.numbers import numbers_in, say_number
from service.agents.state import DOUBTFUL
from service.agents.time_words import callback_time_in
from service.agents.words import likeness, words_of

SAID = (
    ("I want to sell my house", "", {"intent": "sell", "property_type": "house"}),
    ("we're renting right now but want to buy a condo", "", {"intent": "buy"}),
    ("we'd like to find a place to rent", "", {"intent": "rent"}),
    ("I'm thinking of putting my place on the market", "", {"intent": "sell"}),
    ("it's a three bedroom town house", "", {"property_type": "townhouse", "bedrooms": "3"}),
    ("two bedrooms and two baths", "", {"bedrooms": "2"}),
    ("a studio would be enough", "", {"bedrooms": "studio", "property_type": "apartment"}),
    ("three", "bedrooms", {"bedrooms": "3"}),
    ("in about three months", "timeline", {"timeline": "3 months"}),
    ("in a few months", "timeline", {"timeline": "a few months"}),
    ("by the end of the summer", "timeline", {"timeline": "end of summer"}),
    ("in half a year", "timeline", {"timeline": "6 months"}),
    ("a year or two", "timeline", {"timeline": "1 or 2 years"}),
    ("next spring", "timeline", {"timeline": "next spring"}),
    ("as soon as possible", "", {"timeline": "as soon as possible"}),
    ("there's no rush", "timeline", {"timeline": "flexible"}),
    ("around three fifty", "price", {"price": "350000"}),
    ("half a million", "price", {"price": "500000"}),
    ("a million and a half", "price", {"price": "1500000"}),
    ("$425,000", "price", {"price": "425000"}),
    ("between three and four hundred thousand", "price", {"price": "300000-400000"}),
    ("two thousand a month", "", {"price": "2000"}),
    ("four hundred twenty was thousand", "", {"price": "420000"}),
)
MISHEARD = (
    ("I'd like to cell the place", "intent", {"intent": "sell"}),
    ("we want to by a house", "", {"intent": "buy"}),
    ("tree bad rooms", "bedrooms", {"bedrooms": "3"}),
    ("to", "bedrooms", {"bedrooms": "2"}),
    ("a condor", "property_type", {"property_type": "condo"}),
    ("in the family hope", "property_type", {"property_type": "house"}),
    ("a part meant", "property_type", {"property_type": "apartment"}),
    ("in three moths", "timeline", {"timeline": "3 months"}),
)
NOT_FACTS = (
    ("I'm not selling", "", "intent"),
    ("stop by the end of the street", "", "intent"),
    ("it's not a house", "", "property_type"),
    ("for my family", "", "property_type"),
    ("we have lived here for ten years", "timeline", "timeline"),
    ("the house is thirty years old", "timeline", "timeline"),
    ("we may sell", "", "timeline"),
    ("two bathrooms", "bedrooms", "bedrooms"),
    ("in three months", "bedrooms", "bedrooms"),
    ("three bedrooms", "price", "price"),
    ("thanks a lot", "property_type", "property_type"),
)


def facts_in(text: str, asked: str) -> dict[str, str]:
    found = extract(words_of(text), listening_for=asked.split(), intent=None)
    return {each.name: each.value for each in found}


@pytest.mark.parametrize(("text", "asked", "facts"), SAID + MISHEARD)
def test_finds(text: str, asked: str, facts: dict[str, str]) -> None:
    assert facts.items() <= facts_in(text, asked).items()


@pytest.mark.parametrize(("text", "asked", "name"), NOT_FACTS)
def test_does_not_find(text: str, asked: str, name: str) -> None:
    assert name not in facts_in(text, asked)


@pytest.mark.parametrize(
    "text", ["I'd like to cell the place", "sell my house and buy a smaller one"]
)
def test_what_may_be_misheard_or_meant_otherwise_is_doubtful(text: str) -> None:
    found = extract(words_of(text), listening_for=["intent"], intent=None)

    assert found[0].name == "intent"
    assert found[0].confidence < DOUBTFUL


def test_a_price_for_a_rent_keeps_its_hundreds() -> None:
    words = words_of("about eighteen hundred")

    assert extract(words, listening_for=["price"], intent="rent")[0].value == "1800"


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("call me back tomorrow afternoon", "tomorrow afternoon"),
        ("maybe on thursday", "on Thursday"),
        ("try again next week", "next week"),
        ("after five tomorrow", "tomorrow after five"),
        ("in two hours or in an hour", "in an hour"),
        ("our afternoons would be fine", "in the afternoon"),
        ("I don't know", None),
    ],
)
def test_when_to_call_back(text: str, when: str | None) -> None:
    assert callback_time_in(words_of(text)) == when


@given(st.integers(0, 999_999_999))
def test_a_number_that_is_spoken_is_read_back(value: int) -> None:
    numbers = numbers_in(words_of(say_number(value)))

    assert [number.value for number in numbers] == [value]


@given(st.text(max_size=200), st.sets(st.sampled_from(sorted(EXTRACTORS))))
def test_any_text_gives_candidates_with_a_confidence(text: str, asked: set[str]) -> None:
    for candidate in extract(words_of(text), listening_for=asked, intent=None):
        assert candidate.value
        assert 0 < candidate.confidence <= 1


@given(st.text("abcdehlost", max_size=10), st.text("abcdehlost", max_size=10))
def test_likeness_is_symmetric_and_bounded(first: str, second: str) -> None:
    assert 0 <= likeness(first, second) <= 1
    assert likeness(first, second) == pytest.approx(likeness(second, first))
    assert likeness(first, first) == 1
