"""Those who pick up and do not converse: an answering machine, and somebody who stays silent."""

from evals.callers.clips import Clip
from evals.callers.listening import Ears, Listening
from evals.callers.person import Act, Answering, HeardSpeech, SpokenLine
from evals.callers.voice import Voice

GREETING_STARTS_MS = 600
MACHINE_HANGS_UP_AFTER_SILENCE_MS = 12_000
MACHINE_RECORDS_MS = 60_000
SILENT_PERSON_STAYS_MS = 90_000


class SilentPerson:
    """Answers, listens, says nothing, and hangs up after a minute and a half."""

    answering = Answering.SILENCE
    greeting_ends_at_ms = None

    def __init__(self, *, ears: Ears) -> None:
        self._listening = Listening(ears)
        self.spoken: list[SpokenLine] = []

    @property
    def heard(self) -> list[HeardSpeech]:
        """What was made out so far."""
        return self._listening.heard

    def tick(self, *, now_ms: int, heard: bytes, agent_playing: bool) -> Act:  # noqa: ARG002
        """Live through 20 ms; see Person."""
        self._listening.hear(heard, now_ms=now_ms)
        return Act(hang_up=now_ms >= SILENT_PERSON_STAYS_MS)

    def leave(self, *, now_ms: int) -> None:  # noqa: ARG002
        """The line is dead."""
        self._listening.finish()


class AnsweringMachine:
    """Plays its greeting and a beep, then records until it has heard nothing for a while."""

    answering = Answering.MACHINE

    def __init__(self, greeting: Clip, *, ears: Ears) -> None:
        self._greeting: Clip | None = greeting
        self.greeting_ends_at_ms = GREETING_STARTS_MS + greeting.duration_ms
        self._listening = Listening(ears)
        self._voice = Voice()

    @property
    def spoken(self) -> list[SpokenLine]:
        """The greeting, once it is over."""
        return self._voice.spoken

    @property
    def heard(self) -> list[HeardSpeech]:
        """What was recorded, as far as it was made out."""
        return self._listening.heard

    def tick(self, *, now_ms: int, heard: bytes, agent_playing: bool) -> Act:
        """Live through 20 ms; see Person."""
        audio = self._voice.next_frame(now_ms=now_ms)
        self._listening.hear(heard, now_ms=now_ms)
        if self._greeting is not None and now_ms >= GREETING_STARTS_MS:
            self._voice.say(self._greeting, now_ms=now_ms)
            self._greeting = None
        silent_since_ms = max(self.greeting_ends_at_ms, self._listening.last_sound_ms or 0)
        is_silent = now_ms - silent_since_ms >= MACHINE_HANGS_UP_AFTER_SILENCE_MS
        is_full = now_ms - self.greeting_ends_at_ms >= MACHINE_RECORDS_MS
        return Act(audio=audio, hang_up=is_full or (is_silent and not agent_playing))

    def leave(self, *, now_ms: int) -> None:
        """The line is dead."""
        self._voice.stop(now_ms=now_ms)
        self._listening.finish()
