"""Phone numbers are E.164 or an error that says how to write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.contact import parse_e164
from service.domain.errors import InvalidPhoneNumber


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+15551230001", "+15551230001"),
        ("+1 (555) 123-0001", "+15551230001"),
        ("+34600000001",) * 2,
    ],
)
def test_numbers_lose_their_punctuation(text: str, number: str) -> None:
    assert parse_e164(text) == number


@pytest.mark.parametrize(
    "text", ["", "5551230001", "+0555", "+12", "+1555123000112345", "anonymous"]
)
def test_others_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidPhoneNumber, match=r"\+15551230001"):
        parse_e164(text)


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        number = parse_e164(text)
    except InvalidPhoneNumber:
        return
    assert parse_e164(number) == number
    assert number[0] == "+"
    assert number[1:].isdecimal()
