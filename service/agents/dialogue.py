"""What is said in one call: the conversation behind `ports.conversation.Dialogue`."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

import msgspec

from service.agents.commit import close_turn
from service.agents.graph import ROUTER, build_graph
from service.agents.router import Decision, decide
from service.agents.slots import qualifies, slots_of, wish
from service.agents.state import Expecting, State
from service.domain.agent_config import AgentConfig
from service.domain.conversation import (
    CallerTurn,
    ConversationResult,
    DialogueEvent,
    Sentence,
)
from service.domain.errors import InvalidAgentConfig
from service.domain.outcome import Outcome
from service.ports.conversation import CallBrief
from service.ports.language import LanguageModel

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph


class _Turn(msgspec.Struct):
    """The turn in progress: who spoke, what was decided, what was handed to the voice."""

    caller: CallerTurn | None
    decision: Decision | None = None
    said: list[str] = []
    whole: bool = False


class AgentDialogue:
    """One call's conversation. One turn at a time: open or reply, then heard.

    `state` may be one that another worker saved: the conversation goes on from there.
    """

    def __init__(
        self,
        brief: CallBrief,
        language_model: LanguageModel,
        *,
        graph: "CompiledStateGraph[Any, CallBrief, Any, Any] | None" = None,
        state: State | None = None,
    ) -> None:
        self._brief = brief
        self._graph = graph or build_graph(language_model, agent_names(brief))
        self._state = state or State()
        self._turn: _Turn | None = None

    @property
    def state(self) -> State:
        """The memory as of the last closed turn; encodes to JSON."""
        return self._state

    def open(self) -> AsyncIterator[DialogueEvent]:
        """Yield the greeting, a fixed phrase: who speaks, that it is an AI, that it is recorded."""
        return self._run(None)

    def reply(self, caller: CallerTurn) -> AsyncIterator[DialogueEvent]:
        """Yield the answer. Closing early cancels the graph and the model's request.

        Raises LanguageModelError when the model fails; the turn must be closed all the same.
        """
        return self._run(caller)

    async def heard(self, *, agent_heard: str, interrupted: bool) -> None:
        """Close the turn: the caller's words count always, ours as far as they were heard."""
        turn, self._turn = self._turn, None
        if turn is None:
            return
        self._state = close_turn(
            self._decision(turn),
            said=" ".join(turn.said),
            heard=agent_heard,
            whole=turn.whole and not interrupted,
        )

    def result(self) -> ConversationResult:
        """What it came to so far. Outcome, in this order: one that was decided (it stands, also
        when the caller hung up while we said goodbye); QUALIFIED when the facts say so;
        CALLBACK_REQUESTED when a callback was asked for; otherwise ABANDONED.
        """
        state = self._state if self._turn is None else self._decision(self._turn).state
        facts = tuple(state.facts.values())
        return ConversationResult(
            outcome=self._outcome(state), facts=facts, summary=_summary(state, self._outcome(state))
        )

    async def _run(self, caller: CallerTurn | None) -> AsyncIterator[DialogueEvent]:
        if self._turn is not None:
            raise RuntimeError("heard() must close the turn before the next one begins")
        turn = self._turn = _Turn(caller=caller)
        stream = self._graph.astream(
            {"memory": self._state, "caller": caller, "move": None},
            context=self._brief,
            stream_mode=["custom", "updates"],
        )
        async with aclosing(stream) as events:  # type: ignore[type-var]
            async for mode, event in cast(AsyncIterator[tuple[str, Any]], events):
                if mode == "updates":
                    _note_decision(turn, event)
                    continue
                if isinstance(event, Sentence):
                    turn.said.append(event.text)
                yield event
        turn.whole = True

    def _decision(self, turn: _Turn) -> Decision:
        """The router's decision; made here when the turn was cut off before the router ran."""
        return turn.decision or decide(self._state, turn.caller, brief=self._brief)

    def _outcome(self, state: State) -> Outcome:
        if state.outcome is not None:
            return state.outcome
        if qualifies(self._brief.config, state.facts):
            return Outcome.QUALIFIED
        if state.question.expecting is Expecting.CALLBACK_TIME or "callback_time" in state.facts:
            return Outcome.CALLBACK_REQUESTED
        return Outcome.ABANDONED


class DialogueFactory:
    """Makes the dialogue of a call; calls whose agents have the same names share one graph."""

    def __init__(self, language_model: LanguageModel) -> None:
        self._language_model = language_model
        self._graphs: dict[tuple[str, ...], CompiledStateGraph[Any, CallBrief, Any, Any]] = {}

    def __call__(self, brief: CallBrief) -> AgentDialogue:
        """Raises InvalidAgentConfig (see `check_agents`)."""
        check_agents(brief.config)
        names = agent_names(brief)
        if names not in self._graphs:
            self._graphs[names] = build_graph(self._language_model, names)
        return AgentDialogue(brief, self._language_model, graph=self._graphs[names])


def check_agents(config: AgentConfig) -> None:
    """Raise InvalidAgentConfig for an unknown slot, or two agents of one name."""
    slots_of(config)
    names = [agent.name for agent in config.agents]
    if len(set(names)) < len(names):
        raise InvalidAgentConfig(f"the agents' names must differ: {', '.join(names)}")


def agent_names(brief: CallBrief) -> tuple[str, ...]:
    """The names of the config's agents, in order."""
    return tuple(agent.name for agent in brief.config.agents)


def _note_decision(turn: _Turn, update: Any) -> None:
    decided = update.get(ROUTER)
    if decided is not None:
        turn.decision = Decision(decided["memory"], decided["move"])


def _summary(state: State, outcome: Outcome) -> str:
    ended = f"The call ended as: {str(outcome).replace('_', ' ')}."
    if not {"intent", "property_type"} & set(state.facts):
        return ended
    told = wish(state.facts).replace("you would like", "The caller would like")
    return f"{told[0].upper()}{told[1:]}. {ended}"
