"""The moves a conversation can make: greet, ask, ask again, confirm, correct, close.

The agents follow each other in the order of the AgentConfig: the first one opens, the ones with
slots collect them, the last one closes.
"""

from msgspec import Struct

from service.agents.slots import applies, description, gist, qualifies, slots_of, spoken, wish
from service.agents.state import (
    CONFIRMATIONS,
    DOUBTFUL,
    Expecting,
    Move,
    Question,
    State,
    is_confirmed,
)
from service.agents.understanding import Understanding
from service.domain.agent_config import AgentConfig
from service.domain.conversation import Heard
from service.domain.outcome import Outcome
from service.domain.phrases import fill_phrase
from service.ports.conversation import CallBrief

MAX_ASKS = 3
"""A question is asked once and at most twice more."""
MAX_CONFIRMATIONS = 6
"""A summary that was corrected is a new question; but not for ever."""


class Situation(Struct, frozen=True, kw_only=True):
    """Everything a rule may look at, and the moves it may choose."""

    brief: CallBrief
    state: State
    seen: Understanding
    heard: Heard

    @property
    def config(self) -> AgentConfig:
        """The config pinned for this call."""
        return self.brief.config

    @property
    def opener(self) -> str:
        """The agent who opens."""
        return self.config.agents[0].name

    @property
    def closer(self) -> str:
        """The agent who closes."""
        return self.config.agents[-1].name

    def outcome_or(self, otherwise: Outcome) -> Outcome:
        """QUALIFIED when the facts say so, else `otherwise`."""
        return Outcome.QUALIFIED if qualifies(self.config, self.state.facts) else otherwise

    def phrase(self, name: str, *, reason: str, outcome: Outcome) -> Move:
        """Speak one of the config's fixed phrases and hang up."""
        text = _filled(getattr(self.config.phrases, name), self.brief)
        return Move(agent=self.closer, reason=reason, phrase=text, outcome=outcome)

    def reprompt(self, index: int) -> Move:
        """Speak a fixed question into the silence; the open question stays open."""
        phrases = self.config.phrases.reprompts
        text = _filled(phrases[min(index, len(phrases) - 1)], self.brief)
        agent = self._asking_agent()
        return Move(agent=agent, reason="silence", phrase=text, question=self.state.question)

    def close(self, tell: str, outcome: Outcome, *, reason: str) -> Move:
        """Tell them what follows, say goodbye and hang up."""
        return Move(
            agent=self.closer,
            reason=reason,
            tasks=(f"Tell them: {tell}",),
            phrase=_filled(self.config.phrases.goodbye, self.brief),
            outcome=outcome,
        )

    def finish(self, *, reason: str) -> Move:
        """Close by what is known: a qualified lead, or thanks."""
        outcome = self.outcome_or(Outcome.NOT_QUALIFIED)
        intent = self.state.facts.get("intent")
        if outcome is Outcome.QUALIFIED and intent is not None:
            about = spoken("intent", self.state.facts)
            return self.close(f"a specialist will call you about {about}", outcome, reason=reason)
        return self.close("you can call us any time", outcome, reason=reason)

    def ask_good_time(self) -> Move:
        """Ask once more whether now is a good time."""
        return Move(
            agent=self.opener,
            reason="concern" if self.seen.concern else "not understood",
            tasks=(*self._answers(), "Ask for: good_time (whether now is a good time to talk)"),
            question=Question(Expecting.GOOD_TIME),
        )

    def ask_callback_time(self, *, reason: str) -> Move:
        """Ask when to call back."""
        return Move(
            agent=self.opener,
            reason=reason,
            tasks=("Ask for: callback_time (when would be a better time to call back)",),
            question=Question(Expecting.CALLBACK_TIME),
        )

    def ask_again(self, *, reason: str) -> Move:
        """Put the open question again."""
        question = self.state.question
        match question.expecting:
            case Expecting.SLOT:
                return self.ask(question.slots[0], reason=reason)
            case Expecting.CONFIRMATION:
                return self.confirm(question.slots, reason=reason)
            case Expecting.CALLBACK_TIME:
                return self.ask_callback_time(reason=reason)
            case _:
                return self.ask_good_time()

    def ask(self, name: str, *, reason: str) -> Move:
        """Ask for a slot, acknowledging what was just learned."""
        asked = self.state.asked.get(name, 0) > 0 and self.seen.concern is None
        verb = "Ask again, in other words, for" if asked else "Ask for"
        return Move(
            agent=self._agent_of(name),
            reason=reason,
            tasks=(
                *self._answers(),
                *self._acknowledgement(),
                f"{verb}: {name} ({description(name, self.state.facts)})",
            ),
            question=Question(Expecting.SLOT, (name,)),
        )

    def confirm(self, names: tuple[str, ...], *, reason: str) -> Move:
        """Ask whether what was understood is right."""
        said = gist(names, self.state.facts)
        if "intent" in names:
            said = wish({name: self.state.facts[name] for name in names})
        return Move(
            agent=self._agent_of(names[0]),
            reason=reason,
            tasks=(*self._answers(), f"Confirm with a yes or no question: {said}"),
            question=Question(Expecting.CONFIRMATION, names),
        )

    def correct(self) -> Move:
        """They said no, but not to what: ask which part."""
        names = self.state.question.slots
        return Move(
            agent=self._agent_of(names[0]),
            reason="denied",
            tasks=(f"Ask which part is wrong: {wish(self.state.facts)}",),
            question=Question(Expecting.CORRECTION, names),
        )

    def _answers(self) -> tuple[str, ...]:
        concern = self.seen.concern
        return (f"Answer first ({concern.name}): {concern.answer}",) if concern else ()

    def _acknowledgement(self) -> tuple[str, ...]:
        learned = tuple(name for name in self.seen.learned if self._is_sure(name))
        return (f"Acknowledge: {gist(learned, self.state.facts)}",) if learned else ()

    def _is_sure(self, name: str) -> bool:
        return self.state.facts[name].confidence >= DOUBTFUL

    def _agent_of(self, name: str) -> str:
        slots = slots_of(self.config)
        return next((agent.name for agent, slot in slots if name in slot.names), self.opener)

    def _asking_agent(self) -> str:
        slots = self.state.question.slots
        return self._agent_of(slots[0]) if slots else self.opener


def greet(brief: CallBrief, *, inbound: bool) -> Move:
    """Speak the greeting: who we are, that it is an AI and recorded; then the first question."""
    phrases = brief.config.phrases
    text = phrases.greeting_inbound if inbound else phrases.greeting_outbound
    first = Question(Expecting.SLOT, _first_slot(brief.config)) if inbound else None
    return Move(
        agent=brief.config.agents[0].name,
        reason=f"greeting {'inbound' if inbound else 'outbound'}",
        phrase=_filled(text, brief),
        question=first or Question(Expecting.GOOD_TIME),
    )


def next_move(now: Situation) -> Move:
    """Confirm what is doubtful, ask for what is missing, confirm it all, or close."""
    state, seen = now.state, now.seen
    if seen.denied and len(state.question.slots) > 1 and "correction" not in state.asked:
        return now.correct()
    intent = state.facts.get("intent")
    if intent is not None and intent.confidence < DOUBTFUL and _may_confirm(state):
        return now.confirm(("intent",), reason="doubtful intent")
    missing = _missing(now.config, state)
    if missing is not None:
        again = state.asked.get(missing, 0) > 0
        return now.ask(missing, reason="not understood" if again else "missing")
    unsure = _unconfirmed(now.config, state)
    if unsure and _may_confirm(state):
        return now.confirm(unsure, reason="confirm what was understood")
    return now.finish(reason="all asked")


def _filled(phrase: str, brief: CallBrief) -> str:
    return fill_phrase(phrase, persona=brief.config.persona, contact=brief.contact)


def _first_slot(config: AgentConfig) -> tuple[str, ...]:
    slots = slots_of(config)
    return slots[0][1].names[:1] if slots else ()


def _may_ask(state: State, key: str) -> bool:
    return state.asked.get(key, 0) < MAX_ASKS


def _may_confirm(state: State) -> bool:
    total = state.asked.get(CONFIRMATIONS, 0)
    return _may_ask(state, Expecting.CONFIRMATION) and total < MAX_CONFIRMATIONS


def _missing(config: AgentConfig, state: State) -> str | None:
    """The next slot to ask for; None when all are known, declined, exhausted or in vain."""
    for _, slot in slots_of(config):
        for name in slot.names:
            if name in state.facts or name in state.declined or not applies(name, state.facts):
                continue
            if _may_ask(state, name):
                return name
            if slot.confirmed:
                return None
    return None


def _unconfirmed(config: AgentConfig, state: State) -> tuple[str, ...]:
    """What a summary asks about: all facts, as long as one of them is not confirmed."""
    names = [name for _, slot in slots_of(config) for name in slot.names if name in state.facts]
    sure = all(is_confirmed(state.facts[name]) for name in names)
    return () if sure else tuple(names)
