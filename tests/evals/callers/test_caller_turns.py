"""Listening and taking turns, on an imagined line where time is a count of frames."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from evals.callers.cast import cast
from evals.callers.clips import load_clips
from evals.callers.conversing import ConversingPerson
from evals.callers.g711 import FRAME_MS, SILENT_FRAME
from evals.callers.listening import Listening
from evals.callers.person import Answering, Person, SpokenLine
from evals.callers.scenario import load_scenario

SOUND = b"\x00" * 160


@dataclass
class WrittenEars:
    """Makes out the words that are written down, stretch by stretch; None stays unanswered."""

    words: list[str | None] = field(default_factory=list)
    stretches: list[bytes] = field(default_factory=list)

    def recognise(self, mulaw: bytes) -> Future[str]:
        self.stretches.append(mulaw)
        future: Future[str] = Future()
        words = self.words.pop(0) if self.words else ""
        if words is not None:
            future.set_result(words)
        return future


@dataclass
class Line:
    """An imagined line: what the agent says is a number of frames of sound."""

    person: Person
    now_ms: int = 0
    audio: list[bytes] = field(default_factory=list)
    hung_up_at_ms: int | None = None

    def agent(self, ms: int) -> None:
        self._pass(ms, SOUND)

    def quiet(self, ms: int) -> None:
        self._pass(ms, SILENT_FRAME)

    def until(self, holds: Callable[[], bool], *, limit_ms: int = 20_000) -> None:
        end_ms = self.now_ms + limit_ms
        while not holds():
            assert self.now_ms < end_ms, "it never happened"
            self.quiet(FRAME_MS)

    def until_said(self, count: int) -> SpokenLine:
        self.until(lambda: len(self.person.spoken) >= count)
        return self.person.spoken[count - 1]

    def _pass(self, ms: int, heard: bytes) -> None:
        for _ in range(ms // FRAME_MS):
            self.now_ms += FRAME_MS
            playing = heard is SOUND
            act = self.person.tick(now_ms=self.now_ms, heard=heard, agent_playing=playing)
            self.audio.append(act.audio)
            if act.hang_up and self.hung_up_at_ms is None:
                self.hung_up_at_ms = self.now_ms


def person(name: str, *words: str | None) -> tuple[Line, WrittenEars]:
    ears = WrittenEars(list(words))
    return Line(cast(name, ears=ears)), ears


def test_an_answer_comes_after_a_human_pause_and_not_into_the_agents_speech() -> None:
    line, ears = person("interested_seller", "is now a good time to talk")
    line.agent(3000)
    assert line.person.spoken == []
    spoken = line.until_said(1)
    assert spoken.line == "good_time"
    assert 480 <= spoken.start_ms - 3000 <= 840
    assert (
        spoken.end_ms - spoken.start_ms == load_clips("interested_seller")["good_time"].duration_ms
    )
    assert len(ears.stretches) == 1


def test_the_same_scenario_takes_the_same_time_every_time() -> None:
    def once() -> list[SpokenLine]:
        line, _ = person("interested_seller", "a good time", "how many bedrooms")
        for count in (1, 2):
            line.agent(1000)
            line.until_said(count)
        return line.person.spoken

    assert once() == once()


def test_what_is_said_is_exactly_the_clip() -> None:
    line, _ = person("interested_seller", "when")
    line.agent(1000)
    line.until_said(1)
    said = b"".join(line.audio)
    clip = load_clips("interested_seller")["timeline"].audio
    assert said[: len(clip)] == clip
    assert set(said[len(clip) :]) <= {0xFF}


def test_a_pause_inside_the_agents_turn_is_not_its_end() -> None:
    line, ears = person("interested_seller", "got it", "how many bedrooms")
    line.agent(1000)
    line.quiet(400)
    line.agent(1000)
    spoken = line.until_said(1)
    assert spoken.line == "bedrooms"
    assert spoken.start_ms > 2400
    assert len(ears.stretches) == 2


def test_a_slow_recogniser_delays_the_answer_but_does_not_prevent_it() -> None:
    line, _ = person("interested_seller", None)
    line.agent(1000)
    spoken = line.until_said(1)
    assert spoken.line == "again"
    assert 4400 <= spoken.start_ms - 1000 <= 4900


def test_words_said_before_the_own_line_ended_are_not_answered() -> None:
    line, _ = person("interested_seller", "a good time", "goodbye", "how many bedrooms")
    line.agent(1000)
    line.quiet(900)
    line.agent(300)
    first = line.until_said(1)
    assert line.now_ms >= first.end_ms
    line.agent(1000)
    assert line.until_said(2).line == "bedrooms"


def test_the_interrupter_starts_a_second_into_the_sentence_twice() -> None:
    line, _ = person("interrupter", "", "what kind of property", "")
    line.agent(1500)
    line.quiet(4000)
    line.agent(900)
    line.until_said(2)
    line.agent(1500)
    line.until_said(3)
    starts = [(each.line, each.start_ms) for each in line.person.spoken]
    assert starts[0] == ("cut_in", 1000 + FRAME_MS)
    assert [name for name, _ in starts] == ["cut_in", "property", "cut_in_again"]


def test_silence_is_broken_twice_and_then_the_phone_is_put_down() -> None:
    line, _ = person("interested_seller")
    line.until(lambda: line.hung_up_at_ms is not None, limit_ms=60_000)
    assert [each.line for each in line.person.spoken] == ["nudge", "nudge"]


def test_after_goodbyes_somebody_hangs_up() -> None:
    line, _ = person("interested_seller", "thank you goodbye")
    line.agent(1000)
    assert line.until_said(1).line == "bye"
    line.until(lambda: line.hung_up_at_ms is not None, limit_ms=10_000)


def test_a_line_that_dies_cuts_the_sentence_short() -> None:
    line, _ = person("interested_seller", "a good time")
    line.agent(1000)
    line.quiet(1200)
    line.person.leave(now_ms=line.now_ms)
    (spoken,) = line.person.spoken
    assert spoken.cut_short
    assert spoken.end_ms == 2200


def test_some_people_speak_first() -> None:
    line, _ = person("buyer_with_objection")
    assert line.until_said(1).line == "hello"


def test_the_silent_say_nothing_and_stay_for_a_while() -> None:
    line, _ = person("silent")
    line.agent(3000)
    line.quiet(60_000)
    assert line.person.answering is Answering.SILENCE
    assert (line.person.spoken, line.hung_up_at_ms) == ([], None)
    line.until(lambda: line.hung_up_at_ms is not None, limit_ms=40_000)
    assert set(line.audio) == {b""}


def test_the_machine_greets_beeps_records_and_hangs_up() -> None:
    line, _ = person("answering_machine", "we will try you again")
    ends_ms = line.person.greeting_ends_at_ms
    assert ends_ms is not None
    greeting = line.until_said(1)
    assert greeting.end_ms == ends_ms
    line.quiet(1000)
    line.agent(4000)
    line.quiet(500)
    assert [each.text for each in line.person.heard] == ["we will try you again"]
    line.until(lambda: line.hung_up_at_ms is not None, limit_ms=15_000)


def test_stretches_are_cut_at_pauses_with_a_little_before_them() -> None:
    ears = WrittenEars(["one", "two"])
    listening = Listening(ears)
    pattern = [0] * 20 + [1] * 50 + [0] * 20 + [1] * 50 + [0] * 20
    for index, sound in enumerate(pattern, start=1):
        frame = SOUND if sound else SILENT_FRAME
        listening.hear(frame, now_ms=index * FRAME_MS)
    assert [(each.text, each.end_ms) for each in listening.heard] == [
        ("one", 70 * FRAME_MS),
        ("two", 140 * FRAME_MS),
    ]
    assert [stretch.count(0) // 160 for stretch in ears.stretches] == [50, 50]
    assert all(stretch.startswith(SILENT_FRAME) for stretch in ears.stretches)


def test_a_click_is_no_speech() -> None:
    ears = WrittenEars()
    line = Line(
        ConversingPerson(
            load_scenario("interested_seller"), load_clips("interested_seller"), ears=ears
        )
    )
    line.agent(40)
    line.quiet(3000)
    assert (ears.stretches, line.person.spoken) == ([], [])


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["interested_seller", "interrupter", "stop_calling", "inbound_callback"]),
    st.lists(
        st.tuples(
            st.integers(3, 60),
            st.integers(1, 60),
            st.sampled_from(["", "is that right", "sell", "goodbye", "when"]),
        ),
        max_size=12,
    ),
)
def test_whatever_the_agent_does_the_caller_comes_to_an_end(
    name: str, turns: list[tuple[int, int, str]]
) -> None:
    line, _ = person(name, *(words for *_, words in turns))
    for sound, silence, _words in turns:
        line.agent(sound * 50)
        line.quiet(silence * 50)
    line.until(lambda: line.hung_up_at_ms is not None, limit_ms=90_000)
    spoken = line.person.spoken
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(spoken))
    assert all(len(frame) in (0, 160) for frame in line.audio)
