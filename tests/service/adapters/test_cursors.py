"""Cursors come back as they were made, and nothing else is taken for one."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.cursors import decode_cursor, encode_cursor
from service.domain.errors import InvalidInput


@given(at=st.datetimes(timezones=st.just(UTC)), row_id=st.uuids())
def test_a_cursor_comes_back_and_fits_its_own_list_only(at: datetime, row_id: object) -> None:
    cursor = encode_cursor("calls", at=at, row_id=row_id)
    assert decode_cursor("calls", cursor) == (at, row_id)
    with pytest.raises(InvalidInput):
        decode_cursor("contacts", cursor)


@given(st.text())
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        decode_cursor("calls", text)
