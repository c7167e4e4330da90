"""Whatever a caller says, in whatever order, the conversation ends, and an opt-out always wins."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from service.agents.commit import close_turn
from service.agents.router import decide
from service.agents.state import State
from service.domain.conversation import CallerTurn, Heard
from service.domain.outcome import Outcome

PHRASES = (
    *("yes", "no", "yes that's right", "no that's wrong", "what", "I don't know", "okay sure"),
    *("I want to sell my house", "I'd like to buy a condo", "rent", "I'm not selling"),
    *("three bedrooms", "four", "in three months", "next spring", "four hundred thousand"),
    *("who is this", "I have an agent", "is this a sales call", "um well you know"),
    *("I cell by the", "actually six months", "land", "studio", "half a million", ""),
)
FINAL = ("call me back tomorrow", "not interested", "wrong number", "goodbye", "I'm busy")
speech = st.sampled_from(PHRASES + FINAL).map(lambda text: CallerTurn(text=text))
silence = st.just(CallerTurn(heard=Heard.SILENCE))
digits = st.from_regex(r"\A[0-9#*]{1,4}\Z").map(
    lambda text: CallerTurn(text=text, heard=Heard.DTMF)
)
turns = st.tuples(st.one_of(speech, speech, speech, silence, digits), st.floats(0, 1.5))


def after(state: State, caller: CallerTurn | None, brief, *, heard: float = 1.0) -> State:
    """One turn: everything is handed to the voice, of which the share `heard` is played."""
    decision = decide(state, caller, brief=brief)
    move = decision.move
    said = " ".join([*move.tasks, move.phrase]) + "?"
    words = said.split()
    whole = heard >= 1.0
    played = said if whole else " ".join(words[: int(len(words) * heard)])
    return close_turn(decision, said=said, heard=played, whole=whole)


@settings(deadline=None, max_examples=60)
@given(st.lists(turns, min_size=45, max_size=45))
def test_every_conversation_ends(make_brief, callers) -> None:
    brief = make_brief()
    state = after(State(), None, brief)
    for caller, heard in callers:
        state = after(state, caller, brief, heard=heard)
        assert all(0 < fact.confidence <= 1 for fact in state.facts.values())
        if state.outcome is not None:
            break

    assert state.outcome is not None
    assert state.turn_index <= brief.config.limits.max_turns
    assert msgspec.json.decode(msgspec.json.encode(state), type=State) == state


@settings(deadline=None, max_examples=60)
@given(st.lists(turns, max_size=8), st.sampled_from(["stop calling me", "take me off your list"]))
def test_an_opt_out_wins_at_any_time_and_for_good(make_brief, callers, opt_out: str) -> None:
    brief = make_brief()
    state = after(State(), None, brief)
    for caller, heard in callers:
        state = after(state, caller, brief, heard=heard)

    state = after(state, CallerTurn(text=opt_out), brief, heard=0.1)
    assert state.outcome is Outcome.DO_NOT_CALL
    for caller, heard in callers:
        state = after(state, caller, brief, heard=heard)
    assert state.outcome is Outcome.DO_NOT_CALL
