"""A person in conversation: listens, waits for their turn, speaks, interrupts, loses patience."""

from random import Random

from evals.callers.clips import Clip
from evals.callers.listening import Ears, Listening
from evals.callers.mind import Mind
from evals.callers.person import Act, Answering, HeardSpeech, SpokenLine
from evals.callers.scenario import Scenario
from evals.callers.voice import Voice

# Longest wait for the recogniser beyond the moment at which a reply was due.
MAX_DAZE_MS = 4000
LINGER_MS = 6000
OPENING_MS = 300


class ConversingPerson:
    """Plays a scenario. Pure: time, sound and recognised words come from outside."""

    answering = Answering.HUMAN
    greeting_ends_at_ms = None

    def __init__(self, scenario: Scenario, clips: dict[str, Clip], *, ears: Ears) -> None:
        self._scenario = scenario
        self._clips = clips
        self._listening = Listening(ears)
        self._voice = Voice()
        self._mind = Mind(scenario)
        self._interruptions = list(scenario.interruptions.lines) if scenario.interruptions else []
        self._opening = scenario.opening
        self._turn = 0
        self._spare_next_turn = False
        self._nudges = 0
        self._parting = False
        self._started_ms: int | None = None

    @property
    def spoken(self) -> list[SpokenLine]:
        """The lines said so far."""
        return self._voice.spoken

    @property
    def heard(self) -> list[HeardSpeech]:
        """What was made out so far."""
        return self._listening.heard

    def tick(self, *, now_ms: int, heard: bytes, agent_playing: bool) -> Act:
        """Live through 20 ms; see Person."""
        if self._started_ms is None:
            self._started_ms = now_ms
        was_speaking = self._voice.is_speaking
        audio = self._voice.next_frame(now_ms=now_ms)
        self._listening.hear(heard, now_ms=now_ms)
        if self._voice.is_speaking:
            return Act(audio=audio)
        if was_speaking:
            self._listening.begin_turn(now_ms=now_ms)
            return Act(audio=audio)
        return Act(hang_up=self._act(now_ms, agent_playing=agent_playing))

    def leave(self, *, now_ms: int) -> None:
        """The line is dead."""
        self._voice.stop(now_ms=now_ms)
        self._listening.finish()

    def _act(self, now_ms: int, *, agent_playing: bool) -> bool:
        """Say something if it is time to; return True to hang up."""
        silence_ms = self._listening.silence_ms(now_ms=now_ms)
        if self._parting:
            return silence_ms >= LINGER_MS and not agent_playing
        if self._opening and now_ms - (self._started_ms or 0) >= OPENING_MS:
            self._say(self._opening, now_ms)
            self._opening = None
        elif self._is_time_to_interrupt(now_ms):
            self._interrupt(now_ms)
        elif not agent_playing and self._listening.was_addressed:
            self._reply_when_due(now_ms, silence_ms)
        elif not agent_playing and silence_ms >= self._scenario.patience.nudge_after_ms:
            return self._nudge(now_ms)
        return False

    def _reply_when_due(self, now_ms: int, silence_ms: int) -> None:
        due_ms = self._think_ms()
        if silence_ms < due_ms:
            return
        words = self._listening.words()
        if words is None and silence_ms < due_ms + MAX_DAZE_MS:
            return
        reply = self._mind.reply(words or "")
        self._parting = reply.parting
        self._spare_next_turn = False
        self._turn += 1
        self._say(reply.line, now_ms)

    def _think_ms(self) -> float:
        chance = Random(f"{self._scenario.name}/{self._turn}")  # noqa: S311  (jitter, not a secret)
        return chance.uniform(*self._scenario.think_ms)

    def _is_time_to_interrupt(self, now_ms: int) -> bool:
        rule, since_ms = self._scenario.interruptions, self._listening.talking_since_ms
        if rule is None or not self._interruptions or self._spare_next_turn or since_ms is None:
            return False
        is_talking = self._listening.silence_ms(now_ms=now_ms) == 0
        return is_talking and now_ms - since_ms >= rule.after_ms

    def _interrupt(self, now_ms: int) -> None:
        line = self._interruptions.pop(0)
        self._mind.note_said(line)
        self._spare_next_turn = True
        self._turn += 1
        self._say(line, now_ms)

    def _nudge(self, now_ms: int) -> bool:
        if self._nudges == self._scenario.patience.nudges:
            return True
        self._nudges += 1
        self._say("nudge", now_ms)
        return False

    def _say(self, line: str, now_ms: int) -> None:
        self._voice.say(self._clips[line], now_ms=now_ms)
