"""The playback clock, the mark rules, and what the far end measures from them."""

from hypothesis import given
from hypothesis import strategies as st

from evals.callers.g711 import SAMPLES_PER_MS
from evals.phone.measurements import Gap, audible_gaps, response_latencies
from evals.phone.playback import PlaybackBuffer, Span

LOUD, QUIET = b"\x00", b"\xff"


def ms(count: float) -> int:
    return round(count * SAMPLES_PER_MS)


def test_a_mark_is_reached_when_all_audio_before_it_has_played() -> None:
    buffer = PlaybackBuffer()
    assert buffer.push_audio(0, LOUD * ms(100)) == []
    assert buffer.push_mark(0, "end") == []
    assert buffer.advance(ms(100) - 1) == []
    assert buffer.advance(ms(100)) == ["end"]
    assert not buffer.is_playing


def test_a_mark_with_nothing_queued_is_reached_at_once() -> None:
    buffer = PlaybackBuffer()
    assert buffer.push_mark(ms(5), "now") == ["now"]


def test_marks_between_audio_are_reached_one_by_one() -> None:
    buffer = PlaybackBuffer()
    buffer.push_mark(0, "start")
    for name in ("a", "b"):
        buffer.push_audio(0, LOUD * ms(40))
        buffer.push_mark(0, name)
    assert buffer.advance(ms(39)) == []
    assert buffer.advance(ms(40)) == ["a"]
    assert buffer.advance(ms(200)) == ["b"]


def test_clear_drops_audio_and_echoes_every_pending_mark_in_order() -> None:
    buffer = PlaybackBuffer()
    buffer.push_audio(0, LOUD * ms(40))
    buffer.push_mark(0, "a")
    buffer.push_audio(0, LOUD * ms(40))
    buffer.push_mark(0, "b")
    assert buffer.clear(ms(10)) == ["a", "b"]
    assert not buffer.is_playing
    buffer.advance(ms(100))
    assert buffer.take(ms(100)) == LOUD * ms(10) + QUIET * ms(90)
    assert buffer.clear(ms(100)) == []


def test_what_arrives_late_leaves_a_hole_exactly_as_long_as_it_was_late() -> None:
    buffer = PlaybackBuffer()
    buffer.push_audio(ms(10), LOUD * ms(20))
    buffer.push_audio(ms(37), LOUD * ms(20))
    buffer.advance(ms(100))
    assert buffer.spans == [Span(ms(10), ms(30)), Span(ms(37), ms(57))]
    assert audible_gaps(buffer.spans, clears=[], spoken=[]) == [Gap(start_ms=30, duration_ms=7)]


def test_what_arrives_in_time_leaves_no_hole() -> None:
    buffer = PlaybackBuffer()
    for _ in range(10):
        buffer.push_audio(0, LOUD * 37)
    buffer.push_audio(300, LOUD * 37)
    buffer.advance(1000)
    assert buffer.spans == [Span(0, 11 * 37)]


def test_time_that_runs_backwards_is_held_still() -> None:
    buffer = PlaybackBuffer()
    buffer.push_audio(ms(20), LOUD * ms(10))
    assert buffer.advance(ms(5)) == []
    assert buffer.now == ms(20)
    assert buffer.queued_samples == ms(10)


Step = tuple[str, int]
steps = st.lists(
    st.tuples(st.sampled_from(["audio", "mark", "clear", "advance"]), st.integers(0, 400)),
    max_size=40,
)


@given(steps)
def test_every_mark_comes_back_once_in_order_and_no_time_is_lost(script: list[Step]) -> None:
    buffer, now, placed, echoed, queued = PlaybackBuffer(), 0, 0, [], 0
    for kind, amount in script:
        if kind == "audio":
            echoed += buffer.push_audio(now, LOUD * amount)
            queued += amount
        elif kind == "mark":
            echoed += buffer.push_mark(now, str(placed))
            placed += 1
        elif kind == "clear":
            echoed += buffer.clear(now)
            assert buffer.queued_samples == 0
        else:
            now += amount
            echoed += buffer.advance(now)
        assert buffer.now == now
        assert buffer.queued_samples <= queued
    echoed += buffer.advance(now + queued + 1)
    assert echoed == [str(index) for index in range(placed)]
    heard = buffer.take(10**6)
    assert len(heard) == now + queued + 1
    assert heard.count(LOUD) == sum(span.end - span.start for span in buffer.spans)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=10), st.integers(1, 50))
def test_audio_is_heard_whole_and_in_order_whatever_the_steps(sizes: list[int], step: int) -> None:
    buffer = PlaybackBuffer()
    sent = b"".join(bytes([index]) * size for index, size in enumerate(sizes))
    for index, size in enumerate(sizes):
        buffer.push_audio(0, bytes([index]) * size)
    for now in range(0, len(sent) + step, step):
        buffer.advance(now)
    assert buffer.take(len(sent)) == sent
    assert buffer.spans == [Span(0, len(sent))]


def spans(*ranges_ms: tuple[float, float]) -> list[Span]:
    return [Span(ms(start), ms(end)) for start, end in ranges_ms]


def test_gaps_are_counted_inside_one_reply_only() -> None:
    played = spans((0, 1000), (1004, 2000), (2005, 3000), (3400, 4000), (4401, 5000))
    found = audible_gaps(played, clears=[], spoken=[])
    assert [gap.duration_ms for gap in found] == [5, 400]
    assert audible_gaps(spans((0, 100), (200, 300)), clears=[ms(100)], spoken=[]) == []
    assert audible_gaps(spans((0, 100), (400, 500)), clears=[], spoken=spans((150, 250))) == []
    # Somebody who talks into a reply that goes on does not excuse the hole in it.
    during = spans((20, 60))
    assert len(audible_gaps(spans((0, 100), (200, 300)), clears=[], spoken=during)) == 1


def test_latency_is_the_silence_from_the_last_word_to_the_first_sound() -> None:
    played = spans((500, 800))
    heard = QUIET * ms(500) + QUIET * ms(30) + LOUD * ms(270) + QUIET * ms(100)
    assert response_latencies(heard, spans=played, spoken=spans((0, 100))) == [430]


def test_latency_is_unknown_when_talked_over_or_never_answered() -> None:
    played = spans((0, 300), (700, 900))
    heard = LOUD * ms(300) + QUIET * ms(400) + LOUD * ms(200)
    lines = spans((50, 150), (310, 400), (450, 500), (920, 950))
    assert response_latencies(heard, spans=played, spoken=lines) == [None, None, 200, None]
