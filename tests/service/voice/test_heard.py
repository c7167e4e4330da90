"""What was heard, told from marks and the clock."""

from hypothesis import given
from hypothesis import strategies as st

from service.voice.heard import Playback

TEXT = "We can see the house on Friday at ten"


def _sent_whole(text: str = TEXT, *, ms_per_character: int = 60, mark_ms: int = 240) -> Playback:
    playback = Playback()
    playback.marked("start", at_ms=100)
    playback.begin_sentence(text)
    left_ms, mark = len(text) * ms_per_character, 0
    while left_ms > 0:
        part_ms = min(mark_ms, left_ms)
        playback.sent(b"\0" * 8 * part_ms, at_ms=100)
        playback.marked(f"m{mark}", at_ms=100)
        left_ms, mark = left_ms - part_ms, mark + 1
    playback.end_sentence()
    return playback


def test_nothing_is_heard_before_the_first_mark() -> None:
    assert _sent_whole().heard(5_000) == ""


def test_all_is_heard_with_the_last_mark() -> None:
    playback = _sent_whole()
    assert playback.reached("start", at_ms=120)
    assert playback.reached("m9", at_ms=2_400)
    assert playback.all_played
    assert playback.heard(2_400) == TEXT


def test_the_clock_goes_on_between_marks_but_not_past_the_next() -> None:
    playback = _sent_whole()
    playback.reached("start", at_ms=120)
    playback.reached("m0", at_ms=360)
    assert playback.position_ms(360) == 240
    assert playback.position_ms(460) == 340
    assert playback.position_ms(9_000) == 480


def test_unknown_marks_prove_nothing() -> None:
    playback = _sent_whole()
    assert not playback.reached("other", at_ms=120)
    assert playback.heard(9_000) == ""


def test_a_gap_between_sentences_is_not_playing_time() -> None:
    playback = Playback()
    playback.marked("start", at_ms=0)
    playback.begin_sentence("One two.")
    playback.sent(b"\0" * 8 * 400, at_ms=0)
    playback.marked("a", at_ms=0)
    playback.end_sentence()
    playback.reached("start", at_ms=0)
    playback.reached("a", at_ms=400)
    playback.begin_sentence("Three four.")
    playback.sent(b"\0" * 8 * 1000, at_ms=2_000)
    playback.marked("b", at_ms=2_000)
    playback.end_sentence()
    assert playback.heard(2_000) == "One two."
    assert playback.heard(2_500) == "One two. Three"
    assert playback.plays_until_ms == 3_000


def test_a_sentence_whose_audio_is_not_whole_is_judged_by_an_assumed_rate() -> None:
    playback = Playback()
    playback.marked("start", at_ms=0)
    playback.begin_sentence("One two three four five six.")
    playback.sent(b"\0" * 8 * 500, at_ms=0)
    playback.marked("a", at_ms=0)
    playback.reached("start", at_ms=0)
    playback.reached("a", at_ms=500)
    assert playback.heard(9_000) == "One two"


@given(
    st.lists(st.text("abcdefgh", min_size=1, max_size=12), min_size=1, max_size=30),
    st.integers(20, 120),
    st.integers(40, 900),
    st.floats(0, 1.2),
)
def test_heard_words_are_the_played_ones_to_one_word(
    words: list[str], ms_per_character: int, mark_ms: int, share: float
) -> None:
    text = " ".join(words)
    playback = _sent_whole(text, ms_per_character=ms_per_character, mark_ms=mark_ms)
    length_ms = len(text) * ms_per_character
    played_ms = round(share * length_ms)
    playback.reached("start", at_ms=100)
    for mark in range(min(played_ms, length_ms) // mark_ms):
        playback.reached(f"m{mark}", at_ms=100 + (mark + 1) * mark_ms)
    if played_ms >= length_ms and not playback.all_played:
        playback.reached(f"m{(length_ms - 1) // mark_ms}", at_ms=100 + length_ms)
    heard = playback.heard(100 + played_ms).split()
    assert heard == words[: len(heard)]
    wholly = len(text[: played_ms // ms_per_character].split())
    assert abs(len(heard) - wholly) <= 1
