"""Decides what each turn does: explicit rules in order, the first that applies; then the stage.

The rules are about safety and courtesy (an opt-out, a machine, silence, a wrong number, a refusal,
a callback) and come before any question; the stage asks for what is missing, confirms, and closes.
Every decision carries its reason.
"""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from service.agents import stages
from service.agents.signals import Signal
from service.agents.slots import qualifies
from service.agents.stages import MAX_ASKS, Situation
from service.agents.state import Expecting, Move, State
from service.agents.time_words import callback_time_in
from service.agents.understanding import Understanding, understand
from service.domain.call import Direction
from service.domain.conversation import CallerTurn, Fact, Heard
from service.domain.outcome import Outcome
from service.ports.conversation import CallBrief

LOST_AFTER = 4
"""So many turns in a row of which nothing was understood end the call politely."""
MACHINE_TURNS = 2
"""A greeting of a machine comes first; later, the same words come from a person."""

Rule = Callable[[Situation], Move | None]


class Decision(Struct, frozen=True):
    """The memory with the caller's words in it, and the move that answers them."""

    state: State
    move: Move


def decide(state: State, caller: CallerTurn | None, *, brief: CallBrief) -> Decision:
    """Decide one turn; without a caller's turn it is the greeting. Pure: changes nothing."""
    if caller is None:
        return Decision(state, stages.greet(brief, inbound=_is_inbound(brief)))
    if caller.heard is Heard.SILENCE:
        state = replace(state, silences=state.silences + 1)
        seen = Understanding()
    else:
        state, seen = understand(replace(state, silences=0), caller)
    state = _with_declined(_with_misunderstood(state, seen), seen)
    state = _with_callback_time(_with_rejected(_with_correction(state, seen), seen), seen)
    situation = Situation(brief=brief, state=state, seen=seen, heard=caller.heard)
    move = next(move for rule in RULES if (move := rule(situation)) is not None)
    state = situation.state
    if seen.concern is not None:
        state = replace(state, concerns=(*state.concerns, seen.concern.name))
    return Decision(replace(state, outcome=move.outcome or state.outcome), move)


def _machine(now: Situation) -> Move | None:
    spoken = Signal.MACHINE in now.seen.signals and len(now.seen.words) >= 5
    if now.heard is Heard.MACHINE or (spoken and now.state.turn_index <= MACHINE_TURNS):
        return now.phrase("voicemail", reason="machine", outcome=Outcome.VOICEMAIL)
    return None


def _opt_out(now: Situation) -> Move | None:
    if Signal.OPT_OUT in now.seen.signals or now.state.outcome is Outcome.DO_NOT_CALL:
        return now.phrase("opt_out", reason="opt-out wording", outcome=Outcome.DO_NOT_CALL)
    return None


def _decided_before(now: Situation) -> Move | None:
    if now.state.outcome is None:
        return None
    return now.phrase("goodbye", reason="decided before", outcome=now.state.outcome)


def _silence(now: Situation) -> Move | None:
    if now.heard is not Heard.SILENCE:
        return None
    if now.state.silences > now.brief.config.turn_taking.reprompts:
        outcome = now.outcome_or(Outcome.NO_RESPONSE)
        return now.phrase("silent_goodbye", reason="silence", outcome=outcome)
    return now.reprompt(now.state.silences - 1)


def _wrong_number(now: Situation) -> Move | None:
    if Signal.WRONG_NUMBER not in now.seen.signals:
        return None
    return now.close("sorry, we have the wrong number", Outcome.WRONG_NUMBER, reason="wrong number")


def _too_long(now: Situation) -> Move | None:
    if now.state.turn_index < now.brief.config.limits.max_turns - 1:
        return None
    return now.finish(reason="the most turns of a call")


def _callback(now: Situation) -> Move | None:
    """Asked to be called at another time; a lead that is complete already is simply closed."""
    answering = now.state.question.expecting is Expecting.CALLBACK_TIME
    if not answering and Signal.CALLBACK not in now.seen.signals:
        return None
    if qualifies(now.brief.config, now.state.facts):
        return now.finish(reason="qualified, asked for a callback")
    if answering and now.seen.is_plain_no and "callback_time" not in now.state.facts:
        return now.close(
            "no problem, we will not keep you", Outcome.NOT_INTERESTED, reason="no callback"
        )
    if answering and "intent" in now.seen.named and Signal.CALLBACK not in now.seen.signals:
        return None
    if "callback_time" not in now.state.facts and not answering:
        return now.ask_callback_time(reason="callback asked")
    when = now.state.facts["callback_time"].value if "callback_time" in now.state.facts else "later"
    return now.close(
        f"we will call you back {when}", Outcome.CALLBACK_REQUESTED, reason="callback asked"
    )


def _not_interested(now: Situation) -> Move | None:
    question = now.state.question
    if Signal.CALLBACK in now.seen.signals:
        return None
    refused = Signal.NOT_INTERESTED in now.seen.signals and not (
        "intent" in now.seen.named or question.expecting is Expecting.CONFIRMATION
    )
    bare_no = now.seen.is_plain_no and len(now.seen.words) <= 4 and not now.seen.learned
    no_intent = bare_no and question.expecting is Expecting.SLOT and "intent" in question.slots
    concern = now.seen.concern
    insists = (
        concern is not None
        and concern.name == "has_agent"
        and (concern.name in now.state.concerns and not now.seen.learned)
    )
    if not (refused or no_intent or insists):
        return None
    return now.close(
        "no problem, we will not keep you", Outcome.NOT_INTERESTED, reason="not interested"
    )


def _goodbye(now: Situation) -> Move | None:
    if Signal.GOODBYE not in now.seen.signals or now.seen.learned:
        return None
    if "intent" not in now.state.facts:
        return now.phrase("goodbye", reason="said goodbye", outcome=Outcome.NOT_INTERESTED)
    return now.finish(reason="said goodbye")


def _not_now(now: Situation) -> Move | None:
    asked = now.state.question.expecting is Expecting.GOOD_TIME
    if asked and now.seen.is_plain_no and not now.seen.learned:
        return now.ask_callback_time(reason="not a good time")
    return None


def _introduce(now: Situation) -> Move | None:
    """A greeting that was talked over, often by a "hello?", is said again: it tells who we are."""
    greeted = now.state.question.expecting is not Expecting.NOTHING
    if greeted or now.state.turn_index != 1 or now.seen.learned or now.seen.concern is not None:
        return None
    return stages.greet(now.brief, inbound=_is_inbound(now.brief))


def _lost(now: Situation) -> Move | None:
    if now.state.misunderstood < LOST_AFTER:
        return None
    return now.finish(reason="nothing understood several times")


def _repeat(now: Situation) -> Move | None:
    """Nothing to go on, a question of theirs, or a wish to hear it again: ask again."""
    question = now.state.question
    if question.expecting is Expecting.NOTHING or now.seen.learned or now.seen.confirmed:
        return None
    if (
        question.expecting is Expecting.CORRECTION
        or now.state.asked.get(question.key, 0) >= MAX_ASKS
    ):
        return None
    if question.expecting is Expecting.GOOD_TIME:
        once = now.state.asked.get(question.key, 0) <= 1
        unclear = not now.seen.is_plain_yes and not now.seen.named and once
        return now.ask_good_time() if unclear else None
    if Signal.REPEAT in now.seen.signals or now.seen.concern is not None:
        return now.ask_again(reason="asked to repeat" if now.seen.concern is None else "concern")
    return None


def _stage(now: Situation) -> Move | None:
    return stages.next_move(now)


RULES: tuple[Rule, ...] = (
    _opt_out,
    _machine,
    _decided_before,
    _silence,
    _wrong_number,
    _too_long,
    _not_interested,
    _callback,
    _goodbye,
    _not_now,
    _introduce,
    _lost,
    _repeat,
    _stage,
)


def _is_inbound(brief: CallBrief) -> bool:
    return brief.call.direction is Direction.INBOUND


def _with_misunderstood(state: State, seen: Understanding) -> State:
    """Count turns in a row that gave nothing to go on."""
    if not seen.words:
        return state
    useful = seen.named or seen.confirmed or seen.concern or seen.signals - {Signal.CONTRAST}
    return replace(state, misunderstood=0 if useful else state.misunderstood + 1)


def _with_declined(state: State, seen: Understanding) -> State:
    """Note a slot that they cannot or will not tell, so that it is not asked again."""
    question = state.question
    if question.expecting is not Expecting.SLOT or question.slots[0] in seen.learned:
        return state
    bare_no = seen.is_plain_no and len(seen.words) <= 4
    if question.slots == ("intent",) or not (Signal.UNKNOWN in seen.signals or bare_no):
        return state
    return replace(state, declined=(*state.declined, *question.slots))


def _with_rejected(state: State, seen: Understanding) -> State:
    """A no to a question about one fact drops it: it is asked for again."""
    if not seen.denied or len(state.question.slots) != 1:
        return state
    facts = {name: fact for name, fact in state.facts.items() if name not in state.question.slots}
    return replace(state, facts=facts)


def _with_correction(state: State, seen: Understanding) -> State:
    """A correction makes the next summary a new question, asked afresh."""
    confirming = state.question.expecting in (Expecting.CONFIRMATION, Expecting.CORRECTION)
    if not confirming or not seen.learned:
        return state
    fresh = (str(Expecting.CONFIRMATION), str(Expecting.CORRECTION))
    asked = {key: count for key, count in state.asked.items() if key not in fresh}
    return replace(state, asked=asked)


def _with_callback_time(state: State, seen: Understanding) -> State:
    asked = state.question.expecting is Expecting.CALLBACK_TIME
    when = callback_time_in(list(seen.words))
    if when is None or not (asked or Signal.CALLBACK in seen.signals):
        return state
    fact = Fact(name="callback_time", value=when, confidence=0.8, turn_index=state.turn_index)
    return replace(state, facts={**state.facts, "callback_time": fact})
