"""Stamps of a turn come out in order, so that the stages sum to the latency."""

from hypothesis import given
from hypothesis import strategies as st

from service.domain.turn import TurnStamps
from service.voice.stamps import merge_stamps

NAMES = TurnStamps.__struct_fields__
PART = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 100_000)).map(
    lambda stamps: TurnStamps(**stamps)
)


def test_a_stage_that_ran_ahead_counts_from_when_it_was_needed() -> None:
    ears = TurnStamps(speech_ended_ms=1000, turn_ended_ms=1400, transcript_ready_ms=1250)
    merged = merge_stamps(ears, TurnStamps(first_sentence_ms=1500))
    assert merged.transcript_ready_ms == 1400
    assert merged.first_sentence_ms == 1500
    assert merged.first_token_ms is None


@given(PART, PART)
def test_merged_stamps_are_in_order_and_none_is_invented(
    earlier: TurnStamps, later: TurnStamps
) -> None:
    merged = merge_stamps(earlier, later)
    present = [name for name in NAMES if getattr(merged, name) is not None]
    assert sorted(getattr(merged, name) for name in present) == [
        getattr(merged, name) for name in present
    ]
    for name in NAMES:
        given_one = getattr(later, name) is not None or getattr(earlier, name) is not None
        assert given_one == (name in present)
