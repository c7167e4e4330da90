"""The agents of a conversation: each puts its move into words, sentence by sentence."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from decimal import Decimal
from typing import Protocol, TypedDict, cast

from langgraph.config import get_stream_writer
from langgraph.runtime import Runtime

from service.agents.prompts import render
from service.agents.sentences import SentenceSplitter
from service.agents.state import Move, State
from service.domain.conversation import (
    CallerTurn,
    DialogueEvent,
    FirstToken,
    HangUp,
    Sentence,
    Spent,
)
from service.domain.money import Meter, Usage
from service.ports.conversation import CallBrief
from service.ports.language import LanguageEvent, LanguageModel, Message, ReplyEnded


class TurnState(TypedDict):
    """The graph's channels in one turn."""

    memory: State
    caller: CallerTurn | None
    move: Move | None


Write = Callable[[DialogueEvent], None]


class AgentNode(Protocol):
    """One node of the graph."""

    async def __call__(self, state: TurnState, *, runtime: Runtime[CallBrief]) -> None:
        """Speak the turn's move."""
        ...


def agent_node(language_model: LanguageModel) -> AgentNode:
    """Make the node in which an agent speaks.

    It streams Sentence events as they become whole, then the fixed phrase, then HangUp. Raises
    LanguageModelError; cancelling it closes the model's request.
    """

    async def speak(state: TurnState, *, runtime: Runtime[CallBrief]) -> None:
        move, write = state["move"], get_stream_writer()
        if move is None:
            return
        if move.tasks:
            messages = render(state["memory"], move, brief=runtime.context)
            await _word(messages, move, model=language_model, brief=runtime.context, write=write)
        if move.phrase:
            write(Sentence(text=move.phrase, agent=move.agent))
        if move.outcome is not None:
            write(HangUp(outcome=move.outcome))

    return speak


async def _word(
    messages: list[Message], move: Move, *, model: LanguageModel, brief: CallBrief, write: Write
) -> None:
    splitter, begun = SentenceSplitter(), False
    chat = cast(
        AsyncGenerator[LanguageEvent, None],
        model.chat(messages, choice=brief.config.language_model),
    )
    async with aclosing(chat) as events:
        async for event in events:
            if isinstance(event, ReplyEnded):
                _write_usage(event, write)
                continue
            if not begun:
                write(FirstToken())
                begun = True
            _write_sentences(splitter.feed(event.text), move, write)
    _write_sentences(splitter.flush(), move, write)


def _write_sentences(sentences: list[str], move: Move, write: Write) -> None:
    for text in sentences:
        write(Sentence(text=text, agent=move.agent))


def _write_usage(ended: ReplyEnded, write: Write) -> None:
    counts = (
        (Meter.PROMPT_TOKENS, ended.prompt_tokens),
        (Meter.COMPLETION_TOKENS, ended.completion_tokens),
    )
    for meter, count in counts:
        if count is not None:
            usage = Usage(
                meter=meter, provider=ended.provider, model=ended.model, quantity=Decimal(count)
            )
            write(Spent(usage=usage))
