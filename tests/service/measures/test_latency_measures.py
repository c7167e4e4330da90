from itertools import pairwise
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.turn import Turn, TurnStamps
from service.measures.latency import (
    SEGMENTS,
    Percentiles,
    percentile,
    percentiles,
    response_latencies_ms,
    waterfall,
    waterfall_percentiles,
)

WHOLE = TurnStamps(
    speech_started_ms=1000,
    speech_ended_ms=2000,
    turn_ended_ms=2200,
    transcript_ready_ms=2260,
    first_token_ms=2400,
    first_sentence_ms=2500,
    first_audio_made_ms=2580,
    first_audio_sent_ms=2590,
    playback_started_ms=2610,
    playback_ended_ms=5000,
)


@st.composite
def some_stamps(draw: st.DrawFn) -> TurnStamps:
    """Stamps in order in time, any of them missing."""
    times = sorted(draw(st.lists(st.integers(0, 100_000), min_size=10, max_size=10)))
    present = draw(st.lists(st.booleans(), min_size=10, max_size=10))
    fields = TurnStamps.__struct_fields__
    return TurnStamps(
        **{
            name: at if there else None
            for name, at, there in zip(fields, times, present, strict=True)
        }
    )


def test_the_waterfall_of_a_whole_turn() -> None:
    assert [(part.name, part.start_ms, part.duration_ms) for part in waterfall(WHOLE)] == [
        ("end_of_turn", 0, 200),
        ("transcription", 200, 60),
        ("first_token", 260, 140),
        ("first_sentence", 400, 100),
        ("synthesis", 500, 80),
        ("sending", 580, 10),
        ("playback", 590, 20),
    ]


def test_time_of_a_stage_that_did_not_happen_goes_to_the_next_one() -> None:
    fixed_phrase = TurnStamps(
        speech_ended_ms=100, turn_ended_ms=300, first_sentence_ms=350, playback_started_ms=500
    )
    assert {part.name: part.duration_ms for part in waterfall(fixed_phrase)} == {
        "end_of_turn": 200,
        "first_sentence": 50,
        "playback": 150,
    }


@settings(deadline=None)
@given(some_stamps())
def test_segments_follow_each_other_and_sum_to_the_response_latency(stamps: TurnStamps) -> None:
    parts = waterfall(stamps)
    if stamps.response_latency_ms is None:
        assert parts == ()
        return
    assert sum(part.duration_ms for part in parts) == stamps.response_latency_ms
    assert all(part.duration_ms >= 0 for part in parts)
    assert all(a.start_ms + a.duration_ms == b.start_ms for a, b in pairwise(parts))


def test_every_segment_ends_at_a_stamp_of_a_turn_in_their_order() -> None:
    fields = TurnStamps.__struct_fields__
    positions = [fields.index(stamp) for _, stamp in SEGMENTS]
    assert positions == sorted(positions)


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.floats(0, 1))
def test_percentile_is_the_one_numpy_computes(values: list[float], fraction: float) -> None:
    assert percentile(values, fraction) == pytest.approx(
        np.quantile(values, fraction), rel=1e-9, abs=1e-6
    )


def test_percentile_of_nothing_and_outside_its_range() -> None:
    assert percentile([], 0.5) is None
    assert percentiles([]) is None
    with pytest.raises(ValueError, match="between 0 and 1"):
        percentile([1], 1.5)


def test_percentiles_of_a_few_values() -> None:
    assert percentiles([100, 300, 200]) == Percentiles(p50=200, p95=290, n=3)


def test_turns_without_a_latency_are_left_out_not_counted_as_zero() -> None:
    call_id = uuid4()
    turns = [
        Turn(
            call_id=call_id,
            turn_index=index,
            caller_said="",
            agent_said="",
            agent_heard="",
            agent="opener",
            stamps=stamps,
        )
        for index, stamps in enumerate((TurnStamps(playback_started_ms=20), WHOLE))
    ]
    assert response_latencies_ms(turns) == (610,)
    assert list(waterfall_percentiles([turn.stamps for turn in turns])) == [n for n, _ in SEGMENTS]
    assert waterfall_percentiles([WHOLE])["synthesis"] == Percentiles(p50=80, p95=80, n=1)
