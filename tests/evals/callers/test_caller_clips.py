"""The committed voices are those of the scenarios' lines."""

from evals.callers.clips import CLIPS_DIR, load_clips, read_index
from evals.callers.g711 import SAMPLES_PER_MS, count_loud, decode, first_loud
from evals.callers.scenario import load_all


def test_every_line_has_its_clip_and_no_clip_is_left_over() -> None:
    wanted = {
        (scenario.name, line, text)
        for scenario in load_all()
        for line, text in scenario.lines.items()
    }
    index = read_index()
    assert {(entry.scenario, entry.line, entry.text) for entry in index} == wanted
    files = {path.relative_to(CLIPS_DIR).as_posix() for path in CLIPS_DIR.rglob("*.ulaw")}
    assert files == {entry.file for entry in index}


def test_clips_are_as_long_as_the_index_says_and_start_and_end_with_sound() -> None:
    lengths = {(entry.scenario, entry.line): entry.duration_ms for entry in read_index()}
    for scenario in load_all():
        for line, clip in load_clips(scenario.name).items():
            assert clip.duration_ms == lengths[scenario.name, line]
            assert count_loud(clip.audio) > 1000
            begin, end = first_loud(clip.audio), first_loud(clip.audio[::-1])
            assert begin is not None
            assert end is not None
            assert begin < 200 * SAMPLES_PER_MS
            assert end < 250 * SAMPLES_PER_MS


def test_mu_law_expands_as_g711_says() -> None:
    # ITU-T G.711, table 2: decision values at the ends of the segments, times four.
    assert decode(bytes([0xFF, 0x7F, 0x80, 0x00])).tolist() == [0, 0, 32124, -32124]
    positive = decode(bytes(range(0xFF, 0x7F, -1))).tolist()
    assert positive == sorted(set(positive))
    assert decode(bytes(range(0x7F, -1, -1))).tolist() == [-value for value in positive]
    assert [positive[segment * 16] for segment in range(8)] == [
        *(0, 132, 396, 924, 1980, 4092, 8316, 16764),
    ]


def test_sound_is_told_from_silence() -> None:
    assert count_loud(b"\xff\x7f" * 80) == 0
    assert count_loud(b"\x00\xff\x80") == 2
    assert first_loud(b"\xff" * 10 + b"\x00") == 10
    assert first_loud(b"\x00" + b"\xff" * 10 + b"\x80", start=1) == 11
    assert first_loud(b"\xff" * 10) is None
