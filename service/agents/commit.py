"""Closes a turn: the caller's words count always, ours only as far as they were heard.

A question that was cut off before the caller could know it stays the question before it; a summary
that was cut off can be confirmed for the facts that were heard.
"""

from msgspec.structs import replace

from service.agents.router import Decision
from service.agents.slots import spoken
from service.agents.state import CONFIRMATIONS, Expecting, Move, Question, Said, State
from service.agents.words import words_of

HEARD_ENOUGH = 0.5
"""From this share of its words on, the caller has got the question."""


def close_turn(decision: Decision, *, said: str, heard: str, whole: bool) -> State:
    """The memory after the turn. `whole` says that everything was generated and heard."""
    state = decision.state
    question = _heard_question(state, decision.move, said=said, heard=heard, whole=whole)
    messages = state.messages
    if heard.strip():
        messages = (*messages, Said("assistant", heard if whole else f"{heard} ..."))
    asked = dict(state.asked)
    if question is not None and not _is_reprompt(decision):
        for key in _counted(question):
            asked[key] = asked.get(key, 0) + 1
    return replace(
        state,
        turn_index=state.turn_index + 1,
        messages=messages,
        question=state.question if question is None else question,
        asked=asked,
    )


def _heard_question(
    state: State, move: Move, *, said: str, heard: str, whole: bool
) -> Question | None:
    question = move.question
    if question is None or whole:
        return question
    if question.expecting is Expecting.CONFIRMATION:
        known = tuple(name for name in question.slots if _was_spoken(name, state, heard))
        return Question(question.expecting, known) if known else None
    enough = len(heard.split()) >= HEARD_ENOUGH * max(1, len(said.split()))
    return question if enough and said.rstrip().endswith("?") else None


def _was_spoken(name: str, state: State, heard: str) -> bool:
    """Whether the value of a fact is among the words that were heard."""
    if name not in state.facts:
        return False
    words = words_of(heard)
    forms = {*words_of(spoken(name, state.facts)), *words_of(state.facts[name].value)}
    told = forms - {"a", "an", "in", "by", "the", "about", "around", "of", "dollars", "bedrooms"}
    return bool(told & set(words))


def _counted(question: Question) -> tuple[str, ...]:
    summary = question.expecting is Expecting.CONFIRMATION and len(question.slots) > 1
    return (question.key, CONFIRMATIONS) if summary else (question.key,)


def _is_reprompt(decision: Decision) -> bool:
    return decision.move.reason == "silence"
