"""Decides what somebody says to what they made out of the agent's words.

Pure and deterministic. The words come from a recogniser and are partly wrong, so nothing here needs
a whole sentence: cues are phrases, and what fits nothing is answered all the same.
"""

from collections import Counter

import msgspec

from evals.callers.scenario import Cue, Scenario

CONFIRMING = (
    *("is that right", "is that correct", "that right", "that correct", "get that right"),
    *("got that right", "have that right", "sound right", "sounds right", "correct"),
)
PARTING = (
    *("goodbye", "good bye", "bye bye", "take care", "great day", "good day", "nice day"),
    *("wonderful day", "lovely day", "great evening", "nice evening"),
)
ASKING = ("how", "what", "when", "which", "where", "would you", "are you", "do you", "is that")
CLARIFYING = ("which part", "part is wrong", "is wrong", "should i change", "what should i")
# How many words at the end of the agent's turn hold its question.
CONFIRMING_WORDS = 5
QUESTION_WORDS = 8
MAX_CORRECTIONS = 2
MAX_AGAIN = 2


class Reply(msgspec.Struct, frozen=True):
    """The line to say, by its key; `parting` when there is nothing more to say after it."""

    line: str
    parting: bool = False


class Mind:
    """One person's side of one conversation."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._said: Counter[str] = Counter()
        self._script = list(scenario.script)
        self._turns = 0
        self._last_correction: str | None = None

    def note_said(self, line: str) -> None:
        """Remember a line that was said without being asked for."""
        self._said[line] += 1

    def reply(self, words: str) -> Reply:
        """Answer `words`, lower case and single-spaced; empty when nothing was made out."""
        self._turns += 1
        reply = self._choose(f" {words} ")
        self._said[reply.line] += 1
        return reply

    def _choose(self, words: str) -> Reply:
        # "hoping to buy" is easily made out as "hoping goodbye": who asks does not part.
        parting = _any_in(PARTING, words) and not _any_in(ASKING, _tail(words, QUESTION_WORDS))
        if self._turns > self._scenario.patience.turns or parting:
            return Reply("bye", parting=True)
        if self._script:
            return Reply(self._script.pop(0))
        if self._last_correction and _any_in(CLARIFYING, words):
            return Reply(self._last_correction)
        if _any_in(CONFIRMING, _tail(words, CONFIRMING_WORDS)):
            self._last_correction = self._correction(words)
            return Reply(self._last_correction or "yes")
        if cue := self._best_cue(words):
            return Reply(self._next_of(cue))
        return Reply(self._fallback(words))

    def _correction(self, words: str) -> str | None:
        for truth in self._scenario.truths:
            is_wrong = _any_in(truth.wrong, words) and not _any_in(truth.right, words)
            if is_wrong and self._said[truth.correct] < MAX_CORRECTIONS:
                return truth.correct
        return None

    def _best_cue(self, words: str) -> Cue | None:
        """The cue heard last among those with something new to say, else among all.

        Agents repeat what they heard before they ask: what stands at the end comes first.
        """
        for part in (_tail(words, QUESTION_WORDS), words):
            matching = [cue for cue in self._scenario.cues if _any_in(cue.any, part)]
            candidates = [cue for cue in matching if self._unsaid(cue)] or matching
            if candidates:
                return max(candidates, key=lambda cue: _last_heard(cue.any, words))
        return None

    def _unsaid(self, cue: Cue) -> bool:
        return not any(self._said[line] for line in cue.say)

    def _next_of(self, cue: Cue) -> str:
        return next((line for line in cue.say if not self._said[line]), cue.say[-1])

    def _fallback(self, words: str) -> str:
        if not words.strip() and self._said["again"] < MAX_AGAIN:
            return "again"
        for cue in self._scenario.cues:
            if self._unsaid(cue):
                return cue.say[0]
        return "again" if self._said["again"] < MAX_AGAIN else "yes"


def _any_in(phrases: tuple[str, ...], words: str) -> bool:
    return any(f" {phrase} " in words for phrase in phrases)


def _last_heard(phrases: tuple[str, ...], words: str) -> int:
    return max(words.rfind(f" {phrase} ") for phrase in phrases)


def _tail(words: str, count: int) -> str:
    return f" {' '.join(words.split()[-count:])} "
