"""Takes in one utterance: what it does, which facts it gives, confirms, corrects or denies.

A fact said once is only heard; a yes to a question that named it, or saying it again, confirms it.
That is what makes outcomes hold although every fourth word is recognised wrong.
"""

from msgspec import Struct
from msgspec.structs import replace

from service.agents.extraction import EXACT, Candidate, extract, rejected_intent
from service.agents.signals import Concern, Signal, concern_in, signals_in
from service.agents.state import CONFIRMED, DOUBTFUL, Expecting, Said, State
from service.agents.words import words_of
from service.domain.conversation import CallerTurn, Fact

LET_STAND = 0.05
"""How much surer a fact is that was read back while the caller corrected another."""
_CONFIRMING = (Expecting.CONFIRMATION, Expecting.CORRECTION)


class Understanding(Struct, frozen=True, kw_only=True):
    """What one utterance came to. `learned` are those of the `named` facts that are new."""

    words: tuple[str, ...] = ()
    signals: frozenset[Signal] = frozenset()
    concern: Concern | None = None
    learned: tuple[str, ...] = ()
    confirmed: bool = False
    denied: bool = False
    named: tuple[str, ...] = ()

    @property
    def is_plain_yes(self) -> bool:
        """A yes, and nothing that takes it back."""
        return Signal.YES in self.signals and Signal.NO not in self.signals

    @property
    def is_plain_no(self) -> bool:
        """A no, and nothing that takes it back."""
        return Signal.NO in self.signals and Signal.YES not in self.signals


def understand(state: State, caller: CallerTurn) -> tuple[State, Understanding]:
    """Return the memory with this utterance in it, and what the utterance did."""
    words = words_of(caller.text)
    signals = signals_in(words)
    intent = state.facts["intent"].value if "intent" in state.facts else None
    candidates = extract(words, listening_for=_listening_for(state), intent=intent)
    facts, learned = _absorb(state, candidates, signals)
    facts, confirmed = _confirm(state, facts, signals, candidates=candidates, learned=learned)
    denied = not confirmed and not learned and _denies(state, signals, words)
    seen = Understanding(
        words=tuple(words),
        signals=signals,
        concern=concern_in(words),
        learned=learned,
        confirmed=confirmed,
        denied=denied,
        named=tuple(each.name for each in candidates),
    )
    return _remembered(state, caller, facts), seen


def _remembered(state: State, caller: CallerTurn, facts: dict[str, Fact]) -> State:
    spoke = bool(caller.text.strip())
    messages = (*state.messages, Said("user", caller.text)) if spoke else state.messages
    return replace(state, facts=facts, messages=messages, caller_spoke=state.caller_spoke or spoke)


def _listening_for(state: State) -> tuple[str, ...]:
    """Slots to match generously: what was asked, but not every part of a longer summary."""
    question = state.question
    if question.expecting is Expecting.CONFIRMATION and len(question.slots) > 1:
        return ()
    return question.slots


def _absorb(
    state: State, candidates: tuple[Candidate, ...], signals: frozenset[Signal]
) -> tuple[dict[str, Fact], tuple[str, ...]]:
    facts, learned = dict(state.facts), []
    for candidate in candidates:
        if _contradicts(candidate, facts) and candidate.name not in state.question.slots:
            continue
        known = facts.get(candidate.name)
        heard = Fact(
            name=candidate.name,
            value=candidate.value,
            confidence=candidate.confidence,
            turn_index=state.turn_index,
        )
        if known is None:
            facts[candidate.name] = heard
            learned.append(candidate.name)
        elif known.value == candidate.value:
            if candidate.confidence >= DOUBTFUL and Signal.NO not in signals:
                facts[candidate.name] = _raised(known, CONFIRMED)
        elif _replaces(known, candidate, state=state, signals=signals):
            facts[candidate.name] = heard
            learned.append(candidate.name)
    return facts, tuple(learned)


def _contradicts(candidate: Candidate, facts: dict[str, Fact]) -> bool:
    """Land has no bedrooms: heard in passing, the word was another one."""
    return candidate.value == "land" and "bedrooms" in facts


def _replaces(
    known: Fact, candidate: Candidate, *, state: State, signals: frozenset[Signal]
) -> bool:
    """Whether another value is a correction, or only another mishearing.

    Everything hangs on the intent: once clearly heard, a stray word does not change it.
    """
    contrast = Signal.CONTRAST in signals or Signal.NO in signals
    if candidate.name == "intent" and known.confidence >= EXACT:
        return contrast and candidate.confidence > EXACT
    if state.question.expecting in _CONFIRMING:
        asked = candidate.name in state.question.slots and Signal.YES not in signals
        return contrast or (asked and candidate.confidence >= DOUBTFUL)
    if contrast and candidate.confidence >= EXACT:
        return True
    return candidate.confidence > known.confidence and known.confidence < DOUBTFUL


def _confirm(
    state: State,
    facts: dict[str, Fact],
    signals: frozenset[Signal],
    *,
    candidates: tuple[Candidate, ...],
    learned: tuple[str, ...],
) -> tuple[dict[str, Fact], bool]:
    """Raise what the caller was asked to confirm, if they said yes; and say if they answered.

    A correction makes the rest, which they heard and let stand, only a little surer: often more
    than one thing was misheard.
    """
    question = state.question
    if question.expecting not in _CONFIRMING:
        return facts, False
    asked = [name for name in question.slots if name in facts]
    if any(name in learned for name in asked):
        stood = [name for name in asked if name not in learned]
        sure = {name: _raised(facts[name], facts[name].confidence + LET_STAND) for name in stood}
        return {**facts, **sure}, True
    yes = Signal.YES in signals and Signal.NO not in signals
    if yes and question.expecting is Expecting.CONFIRMATION:
        return {**facts, **{name: _raised(facts[name], 1.0) for name in asked}}, True
    repeated = any(each.name in asked for each in candidates)
    return facts, repeated and Signal.NO not in signals


def _denies(state: State, signals: frozenset[Signal], words: list[str]) -> bool:
    if state.question.expecting is not Expecting.CONFIRMATION:
        return False
    return (Signal.NO in signals and Signal.YES not in signals) or rejected_intent(words)


def _raised(fact: Fact, confidence: float) -> Fact:
    return replace(fact, confidence=min(1.0, max(fact.confidence, confidence)))
