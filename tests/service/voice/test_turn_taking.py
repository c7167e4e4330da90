"""Turn taking as a pure machine: examples of each rule, and what holds for any line."""

from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.agent_config import TurnTaking as Numbers
from service.voice.turn_taking import (
    MACHINE_QUIET_MS,
    MACHINE_WAIT_MS,
    WINDOW_MS,
    BargedIn,
    FellSilent,
    MachineQuiet,
    SpeechDropped,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    TurnEnded,
    TurnTaking,
)

NUMBERS = Numbers()


class Line:
    """Feeds a machine windows of speech and silence on a clock of its own."""

    def __init__(self, numbers: Numbers = NUMBERS, *, listening: bool = True) -> None:
        self.turns = TurnTaking(numbers)
        self.at_ms = 0
        if listening:
            self.turns.agent_listens(0)

    def hear(self, duration_ms: int, probability: float) -> list[object]:
        events: list[object] = []
        for _ in range(-(-duration_ms // WINDOW_MS)):
            self.at_ms += WINDOW_MS
            events += self.turns.hear(probability, self.at_ms)
        return events

    def speak(self, duration_ms: int) -> list[object]:
        return self.hear(duration_ms, 0.9)

    def rest(self, duration_ms: int) -> list[object]:
        return self.hear(duration_ms, 0.0)

    def judged(self, pause_id: int, probability: float) -> list[object]:
        return self.turns.judged(pause_id, probability=probability, at_ms=self.at_ms)

    def transcribed(self, pause_id: int, *, has_words: bool = True) -> list[object]:
        return self.turns.transcribed(pause_id, has_words=has_words)


def test_a_turn_ends_at_the_later_of_verdict_and_transcript() -> None:
    line = Line()
    assert line.rest(320) == []
    assert line.speak(640) == [SpeechStarted()]
    assert line.rest(224) == [SpeechPaused(1)]
    assert line.judged(1, 0.9) == []
    assert line.rest(64) == []
    assert line.transcribed(1) == [
        TurnEnded(speech_started_ms=320, speech_ended_ms=960, turn_ended_ms=1184)
    ]
    assert not line.turns.in_utterance


def test_an_incomplete_sentence_waits_for_the_longest_pause() -> None:
    line = Line()
    line.speak(640)
    line.rest(224)
    assert line.judged(1, 0.2) == []
    assert line.transcribed(1) == []
    rest = line.rest(NUMBERS.max_pause_ms)
    assert rest == [TurnEnded(0, 640, 640 + 1216)]


def test_going_on_voids_the_pause_and_its_results() -> None:
    line = Line()
    line.speak(640)
    line.rest(224)
    assert line.judged(1, 0.1) == []
    assert line.speak(96) == [SpeechResumed()]
    assert line.transcribed(1) == []
    assert line.judged(1, 1.0) == []
    assert line.rest(224) == [SpeechPaused(2)]
    assert line.judged(1, 1.0) == []
    line.judged(2, 1.0)
    (ended,) = line.transcribed(2)
    assert ended.speech_started_ms == 0


def test_going_on_after_the_verdict_but_before_the_transcript_keeps_one_turn() -> None:
    line = Line()
    line.speak(640)
    line.rest(224)
    line.judged(1, 1.0)
    assert line.speak(96) == [SpeechResumed()]


def test_a_click_in_a_pause_does_not_resume() -> None:
    line = Line()
    line.speak(640)
    line.rest(224)
    assert line.speak(32) == []
    assert line.rest(64) == []


def test_noise_is_dropped_only_when_its_turn_ends() -> None:
    line = Line()
    line.speak(320)
    line.rest(224)
    assert line.transcribed(1, has_words=False) == []
    assert line.judged(1, 1.0) == [SpeechDropped()]


def test_a_dip_inside_a_word_is_not_silence() -> None:
    line = Line()
    line.speak(320)
    assert line.hear(640, 0.4) == []
    assert line.hear(256, 0.3) == [SpeechPaused(1)]


def test_over_the_agents_voice_it_takes_more_speech() -> None:
    line = Line(listening=False)
    line.turns.agent_speaks()
    assert line.speak(224) == [SpeechStarted()]
    assert line.speak(32) == [BargedIn()]
    assert line.speak(320) == []


def test_a_short_sound_over_the_agents_voice_is_dropped() -> None:
    line = Line(listening=False)
    line.turns.agent_speaks()
    line.speak(200)
    assert line.rest(224) == [SpeechDropped()]


def test_while_the_agent_thinks_any_speech_takes_the_turn() -> None:
    line = Line()
    line.turns.agent_thinks()
    assert line.speak(160) == [SpeechStarted(), BargedIn()]


def test_nobody_takes_the_turn_before_the_opening_is_heard() -> None:
    line = Line(listening=False)
    assert line.speak(640) == [SpeechStarted()]
    line.turns.agent_speaks()
    assert line.speak(32) == [BargedIn()]


def test_late_news_of_an_interrupted_reply_is_ignored() -> None:
    line = Line(listening=False)
    line.turns.agent_speaks()
    line.speak(320)
    line.turns.agent_speaks()
    assert line.speak(320) == []


def test_silence_counts_from_the_end_of_playback_and_is_told_once() -> None:
    line = Line(listening=False)
    line.turns.agent_speaks()
    assert line.turns.tick(50_000) == []
    line.turns.agent_listens(50_000)
    assert line.turns.tick(55_999) == []
    assert line.turns.tick(56_000) == [FellSilent()]
    assert line.turns.tick(70_000) == []


def test_nobody_is_silent_while_speaking() -> None:
    line = Line()
    line.speak(640)
    assert line.turns.tick(60_000) == []


def test_a_machine_is_waited_for_until_it_is_quiet() -> None:
    line = Line(listening=False)
    line.turns.agent_speaks()
    line.speak(640)
    assert line.turns.meet_machine(line.at_ms)
    assert not line.turns.meet_machine(line.at_ms)
    assert line.speak(2000) == []
    assert line.rest(MACHINE_QUIET_MS - 2 * WINDOW_MS) == []
    assert line.turns.tick(line.at_ms) == []
    line.rest(2 * WINDOW_MS)
    assert line.turns.tick(line.at_ms) == [MachineQuiet()]
    assert line.turns.tick(line.at_ms + 60_000) == []
    assert line.speak(2000) == []


def test_a_machine_is_waited_for_no_longer_than_the_limit() -> None:
    line = Line()
    line.turns.meet_machine(0)
    line.speak(MACHINE_WAIT_MS)
    assert line.turns.tick(MACHINE_WAIT_MS - 1) == []
    assert line.turns.tick(MACHINE_WAIT_MS) == [MachineQuiet()]


def test_the_deaf_take_no_turns() -> None:
    line = Line()
    line.speak(640)
    line.turns.deafen()
    assert line.rest(3000) == []
    assert line.speak(3000) == []
    assert line.turns.tick(1_000_000) == []
    assert not line.turns.meet_machine(0)


def numbers() -> st.SearchStrategy[Numbers]:
    return st.builds(
        Numbers,
        vad_threshold=st.floats(0.2, 0.9),
        speech_start_ms=st.integers(0, 500),
        pause_ms=st.integers(0, 800),
        max_pause_ms=st.integers(0, 3000),
        barge_in_ms=st.integers(0, 800),
        silence_timeout_ms=st.integers(0, 8000),
    )


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hear"), st.floats(0, 1), st.integers(1, 40)),
        st.tuples(st.just("judged"), st.integers(0, 4), st.floats(0, 1)),
        st.tuples(st.just("transcribed"), st.integers(0, 4), st.booleans()),
        st.tuples(st.sampled_from(["tick", "speaks", "listens", "thinks", "machine", "deafen"])),
    ),
    max_size=60,
)


def _play(line: Line, step: tuple[object, ...]) -> list[object]:
    match step:
        case ("hear", float(probability), int(windows)):
            return line.hear(windows * WINDOW_MS, probability)
        case ("judged", int(pause_id), float(probability)):
            return line.judged(pause_id, probability)
        case ("transcribed", int(pause_id), bool(has_words)):
            return line.transcribed(pause_id, has_words=has_words)
        case ("tick",):
            return line.turns.tick(line.at_ms)
        case ("speaks",):
            line.turns.agent_speaks()
        case ("listens",):
            line.turns.agent_listens(line.at_ms)
        case ("thinks",):
            line.turns.agent_thinks()
        case ("machine",):
            line.turns.meet_machine(line.at_ms)
        case ("deafen",):
            line.turns.deafen()
    return []


@settings(max_examples=300, deadline=None)
@given(numbers(), STEPS)
def test_whatever_happens_the_events_make_sense(chosen: Numbers, steps: list[object]) -> None:
    line = Line(chosen, listening=False)
    in_utterance = paused = deaf = False
    pauses = 0
    for step in steps:
        if step[0] in ("machine", "deafen"):
            in_utterance = paused = False
            deaf = True
        for event in _play(line, step):
            assert not deaf or isinstance(event, MachineQuiet)
            match event:
                case SpeechStarted():
                    assert not in_utterance
                    in_utterance = True
                case SpeechPaused():
                    assert in_utterance
                    assert not paused
                    pauses += 1
                    assert event.pause_id == pauses
                    paused = True
                case SpeechResumed():
                    assert paused
                    paused = False
                case SpeechDropped():
                    assert in_utterance
                    in_utterance = paused = False
                case TurnEnded():
                    assert paused
                    assert (
                        event.speech_started_ms
                        <= event.speech_ended_ms
                        <= event.turn_ended_ms
                        <= line.at_ms
                    )
                    in_utterance = paused = False
                case BargedIn():
                    assert in_utterance
                case FellSilent():
                    assert not in_utterance
        assert line.turns.in_utterance == in_utterance


@settings(max_examples=100, deadline=None)
@given(numbers(), st.lists(st.tuples(st.booleans(), st.integers(1, 30)), max_size=30))
def test_every_utterance_ends_once_the_caller_is_quiet(
    chosen: Numbers, pattern: list[tuple[bool, int]]
) -> None:
    line = Line(chosen)
    pause_id = 0
    for speaks, windows in [*pattern, (False, 200)]:
        for event in line.hear(windows * WINDOW_MS, 0.95 if speaks else 0.0):
            if isinstance(event, SpeechPaused):
                pause_id = event.pause_id
    line.transcribed(pause_id)
    assert not line.turns.in_utterance
