"""A conversation seen from both sides: what is said (Dialogue), and saying it (Conversation)."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol

import msgspec

from service.domain.agent_config import AgentConfig
from service.domain.call import Call
from service.domain.contact import Contact
from service.domain.conversation import CallerTurn, ConversationResult, DialogueEvent
from service.domain.turn import Turn
from service.ports.media import MediaSocket


class CallBrief(msgspec.Struct, frozen=True, kw_only=True):
    """What a conversation knows before the first word."""

    call: Call
    config: AgentConfig
    contact: Contact | None


class Dialogue(Protocol):
    """What is said in one call; no audio. One turn at a time: open or reply, then heard."""

    def open(self) -> AsyncIterator[DialogueEvent]:
        """Yield the greeting."""
        ...

    def reply(self, caller: CallerTurn) -> AsyncIterator[DialogueEvent]:
        """Yield the answer to what the caller said. Closing early cancels the model's work."""
        ...

    async def heard(self, *, agent_heard: str, interrupted: bool) -> None:
        """Close the turn: keep only what was heard as said. Must follow every open and reply."""
        ...

    def result(self) -> ConversationResult:
        """What the conversation came to so far; valid at any time."""
        ...


class LiveControl(Protocol):
    """What the outside may tell a conversation while it runs."""

    async def machine_detected(self, answered_by: str) -> None:
        """An answering machine, not a person, is on the line: leave the message and end."""
        ...

    async def end(self, *, spoken_goodbye: str | None) -> None:
        """End now; with a goodbye, speak it whole first."""
        ...


class Conversation(LiveControl, Protocol):
    """One call's voice: listens, takes turns, speaks, until the conversation or the stream ends."""

    def result(self) -> ConversationResult:
        """What it came to so far; valid at any time."""
        ...

    async def run(self) -> ConversationResult:
        """Return when everything is played or the stream is gone; the caller hangs up."""
        ...


class ConversationFactory(Protocol):
    """Makes the conversation of one call from shared engines."""

    def __call__(
        self, *, brief: CallBrief, media: MediaSocket, on_turn: Callable[[Turn], None]
    ) -> Conversation:
        """`on_turn` is called once per finished turn, and must not block."""
        ...
