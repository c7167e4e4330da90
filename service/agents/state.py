"""What a conversation remembers between turns, and what it decides within one.

Everything is an immutable msgspec struct: it encodes to JSON and back, so that a checkpoint can
carry it to another worker.
"""

from enum import StrEnum
from typing import Literal

import msgspec

from service.domain.conversation import Fact
from service.domain.outcome import Outcome

CONFIRMED = 0.9
"""From this confidence on, the caller has confirmed the fact: by a yes, or by saying it twice."""
DOUBTFUL = 0.6
"""Below this confidence a fact may well be a recognition error."""


CONFIRMATIONS = "confirmations"
"""Under this name all summaries are counted, also those that a correction made anew."""


class Expecting(StrEnum):
    """What kind of answer the last question calls for."""

    NOTHING = "nothing"
    GOOD_TIME = "good_time"
    SLOT = "slot"
    CONFIRMATION = "confirmation"
    CORRECTION = "correction"
    CALLBACK_TIME = "callback_time"


class Question(msgspec.Struct, frozen=True):
    """The open question: what it expects, and which slots it is about."""

    expecting: Expecting = Expecting.NOTHING
    slots: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Under which name askings are counted."""
        return self.slots[0] if self.expecting is Expecting.SLOT else str(self.expecting)


class Said(msgspec.Struct, frozen=True):
    """One message of the conversation as it was heard."""

    role: Literal["user", "assistant"]
    text: str


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The memory of one conversation. `asked` counts how often each question was heard."""

    turn_index: int = 0
    messages: tuple[Said, ...] = ()
    facts: dict[str, Fact] = {}
    asked: dict[str, int] = {}
    declined: tuple[str, ...] = ()
    concerns: tuple[str, ...] = ()
    question: Question = Question()
    silences: int = 0
    misunderstood: int = 0
    caller_spoke: bool = False
    outcome: Outcome | None = None


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """What this turn does: who speaks, why, and what must be achieved.

    `tasks` are what the language model must put into words; `phrase` is spoken word for word,
    after them. With an `outcome` the call ends once everything has been spoken.
    """

    agent: str
    reason: str
    tasks: tuple[str, ...] = ()
    phrase: str = ""
    question: Question | None = None
    outcome: Outcome | None = None


def is_confirmed(fact: Fact | None) -> bool:
    """Whether the caller has confirmed it."""
    return fact is not None and fact.confidence >= CONFIRMED
