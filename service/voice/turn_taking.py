"""When the caller has begun, paused, finished or fallen silent: a pure state machine.

It is fed one probability of speech per window of audio and a tick now and then; it answers with
what has happened. Durations of speech and silence are counted in audio, waiting in clock time.
All times are milliseconds since the stream started.
"""

from enum import Enum, auto

import msgspec

from service.domain.agent_config import TurnTaking as TurnTakingNumbers

WINDOW_MS = 32
RESUME_MS = 2 * WINDOW_MS
"""Speech after a pause counts once it is longer than a click."""
HYSTERESIS = 0.15
"""Once speech has begun, a window must score this far below the threshold to be silence.

The gap that Silero's own iterator uses (`neg_threshold`): scores dip inside words.
"""
MACHINE_QUIET_MS = 1_000
MACHINE_WAIT_MS = 20_000
"""A machine's greeting is over after this much silence, or this long at most."""


class SpeechStarted(msgspec.Struct, frozen=True):
    """The caller began an utterance."""


class SpeechPaused(msgspec.Struct, frozen=True):
    """The caller may be finished: judge and transcribe what was said, under this id."""

    pause_id: int


class SpeechResumed(msgspec.Struct, frozen=True):
    """The caller went on with the same utterance: what the pause started is void."""


class SpeechDropped(msgspec.Struct, frozen=True):
    """The utterance was noise, or too short to interrupt: forget it."""


class TurnEnded(msgspec.Struct, frozen=True):
    """The caller has finished and waits for an answer."""

    speech_started_ms: int
    speech_ended_ms: int
    turn_ended_ms: int


class BargedIn(msgspec.Struct, frozen=True):
    """The caller spoke over the agent: stop talking."""


class FellSilent(msgspec.Struct, frozen=True):
    """The caller has said nothing for the whole silence timeout."""


class MachineQuiet(msgspec.Struct, frozen=True):
    """The answering machine has finished its greeting."""


TurnEvent = (
    SpeechStarted
    | SpeechPaused
    | SpeechResumed
    | SpeechDropped
    | TurnEnded
    | BargedIn
    | FellSilent
    | MachineQuiet
)


class _Caller(Enum):
    QUIET = auto()
    SPEAKING = auto()
    PAUSED = auto()


class _Agent(Enum):
    OPENING = auto()
    LISTENING = auto()
    THINKING = auto()
    SPEAKING = auto()


class _Mode(Enum):
    PERSON = auto()
    MACHINE = auto()
    DEAF = auto()


class TurnTaking:
    """The state of one call. Every method returns the events it caused, in order."""

    def __init__(self, numbers: TurnTakingNumbers) -> None:
        self._numbers = numbers
        self._mode = _Mode.PERSON
        self._caller = _Caller.QUIET
        self._agent = _Agent.OPENING
        self._listening_since_ms: int | None = None
        self._machine_since_ms = 0
        self._run_ms = 0
        self._run_started_ms = 0
        self._silence_ms = 0
        self._last_speech_ms = 0
        self._utterance_started_ms = 0
        self._voiced_ms = 0
        self._pause_id = 0
        self._turn_ended_ms: int | None = None
        self._has_words: bool | None = None

    @property
    def in_utterance(self) -> bool:
        """True from the start of an utterance until its turn has ended or it was dropped."""
        return self._caller is not _Caller.QUIET

    def hear(self, probability: float, at_ms: int) -> list[TurnEvent]:
        """Take the next window of audio, `WINDOW_MS` long, which ended at `at_ms`."""
        speech = probability >= self._speech_threshold()
        self._count(speech, at_ms)
        if self._mode is _Mode.PERSON:
            events = self._follow_speech(at_ms) if speech else self._follow_silence(at_ms)
            return events + self._barge_in(at_ms)
        return []

    def tick(self, at_ms: int) -> list[TurnEvent]:
        """Let time pass: the timeouts that do not depend on what is heard."""
        if self._mode is _Mode.MACHINE:
            return self._machine_quiet(at_ms)
        waits = self._mode is _Mode.PERSON and self._agent is _Agent.LISTENING
        if not waits or self.in_utterance or self._listening_since_ms is None:
            return []
        if at_ms - self._listening_since_ms < self._numbers.silence_timeout_ms:
            return []
        self.agent_thinks()
        return [FellSilent()]

    def judged(self, pause_id: int, *, probability: float, at_ms: int) -> list[TurnEvent]:
        """Take the verdict on a pause: how probable it is that the caller has finished."""
        if not self._awaits(pause_id) or probability < self._numbers.turn_complete_threshold:
            return []
        return self._decide(at_ms)

    def transcribed(self, pause_id: int, *, has_words: bool) -> list[TurnEvent]:
        """Learn whether the utterance up to a pause has words; the turn ends no sooner."""
        if not self._awaits(pause_id):
            return []
        self._has_words = has_words
        return self._conclude()

    def agent_thinks(self) -> None:
        """The agent prepares an answer; until it is heard, any speech takes the turn back."""
        self._agent = _Agent.THINKING
        self._listening_since_ms = None

    def agent_speaks(self) -> None:
        """The agent's audio is being played; late news of a reply interrupted since is ignored."""
        if self._agent in (_Agent.OPENING, _Agent.THINKING):
            self._agent = _Agent.SPEAKING

    def agent_listens(self, at_ms: int) -> None:
        """Nothing more of the agent will be played: the caller's silence counts from here."""
        self._agent = _Agent.LISTENING
        self._listening_since_ms = at_ms

    def meet_machine(self, at_ms: int) -> bool:
        """No person is there: take no turns, wait for the machine to fall quiet.

        False when that is known already, or nobody listens any more.
        """
        if self._mode is not _Mode.PERSON:
            return False
        self._mode = _Mode.MACHINE
        self._machine_since_ms = at_ms
        self._caller = _Caller.QUIET
        return True

    def deafen(self) -> None:
        """Take no more turns and no interruptions."""
        self._mode = _Mode.DEAF
        self._caller = _Caller.QUIET

    def _speech_threshold(self) -> float:
        threshold = self._numbers.vad_threshold
        return threshold - HYSTERESIS if self._caller is _Caller.SPEAKING else threshold

    def _count(self, speech: bool, at_ms: int) -> None:
        if not speech:
            self._run_ms = 0
            self._silence_ms += WINDOW_MS
            return
        if self._run_ms == 0:
            self._run_started_ms = max(0, at_ms - WINDOW_MS)
        self._run_ms += WINDOW_MS
        if self._caller is not _Caller.PAUSED:
            self._silence_ms = 0

    def _follow_speech(self, at_ms: int) -> list[TurnEvent]:
        events: list[TurnEvent] = []
        if self._caller is _Caller.QUIET:
            if self._run_ms < self._numbers.speech_start_ms:
                return events
            self._utterance_started_ms = self._run_started_ms
            self._voiced_ms = self._run_ms - WINDOW_MS
            events = [SpeechStarted()]
        elif self._caller is _Caller.PAUSED:
            if self._run_ms < RESUME_MS:
                return events
            events = [SpeechResumed()]
            self._silence_ms = 0
        self._caller = _Caller.SPEAKING
        self._voiced_ms += WINDOW_MS
        self._last_speech_ms = at_ms
        return events

    def _follow_silence(self, at_ms: int) -> list[TurnEvent]:
        if self._caller is _Caller.SPEAKING and self._silence_ms >= self._numbers.pause_ms:
            return self._pause(at_ms)
        if self._caller is _Caller.PAUSED and self._silence_ms >= self._numbers.max_pause_ms:
            return self._decide(at_ms)
        return []

    def _pause(self, at_ms: int) -> list[TurnEvent]:
        if self._agent in (_Agent.OPENING, _Agent.SPEAKING):
            self._caller = _Caller.QUIET
            return [SpeechDropped()]
        self._caller = _Caller.PAUSED
        self._pause_id += 1
        self._turn_ended_ms = None
        self._has_words = None
        events: list[TurnEvent] = [SpeechPaused(self._pause_id)]
        if self._silence_ms >= self._numbers.max_pause_ms:
            events += self._decide(at_ms)
        return events

    def _barge_in(self, at_ms: int) -> list[TurnEvent]:
        if self._caller is not _Caller.SPEAKING:
            return []
        talked_over = (
            self._agent is _Agent.SPEAKING and self._voiced_ms >= self._numbers.barge_in_ms
        )
        if not talked_over and self._agent is not _Agent.THINKING:
            return []
        self.agent_listens(at_ms)
        return [BargedIn()]

    def _awaits(self, pause_id: int) -> bool:
        return self._caller is _Caller.PAUSED and pause_id == self._pause_id

    def _decide(self, at_ms: int) -> list[TurnEvent]:
        if self._turn_ended_ms is None:
            self._turn_ended_ms = at_ms
        return self._conclude()

    def _conclude(self) -> list[TurnEvent]:
        if self._turn_ended_ms is None or self._has_words is None:
            return []
        self._caller = _Caller.QUIET
        if not self._has_words:
            return [SpeechDropped()]
        self.agent_thinks()
        return [TurnEnded(self._utterance_started_ms, self._last_speech_ms, self._turn_ended_ms)]

    def _machine_quiet(self, at_ms: int) -> list[TurnEvent]:
        waited_ms = at_ms - self._machine_since_ms
        if self._silence_ms < MACHINE_QUIET_MS and waited_ms < MACHINE_WAIT_MS:
            return []
        self.deafen()
        return [MachineQuiet()]
