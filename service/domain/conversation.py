"""What a conversation yields: the words to speak, and what it came to."""

from enum import StrEnum

import msgspec

from service.domain.money import Usage
from service.domain.outcome import Outcome


class Heard(StrEnum):
    """What reached us from the caller's side."""

    SPEECH = "speech"
    SILENCE = "silence"
    DTMF = "dtmf"
    MACHINE = "machine"


class CallerTurn(msgspec.Struct, frozen=True, kw_only=True):
    """The caller's half of a turn. `text` is empty for silence and a machine, digits for DTMF."""

    text: str = ""
    heard: Heard = Heard.SPEECH
    confidence: float | None = None


class FirstToken(msgspec.Struct, frozen=True, tag=True):
    """The language model produced its first token; sent once, before the first sentence."""


class Sentence(msgspec.Struct, frozen=True, tag=True):
    """One whole sentence to speak now."""

    text: str
    agent: str


class Spent(msgspec.Struct, frozen=True, tag=True):
    """Usage to record with the turn."""

    usage: Usage


class Routed(msgspec.Struct, frozen=True, tag=True):
    """Which agent speaks, and the rule or model reason that chose it."""

    agent: str
    reason: str


class HangUp(msgspec.Struct, frozen=True, tag=True):
    """The conversation is over: hang up once everything said before has been played."""

    outcome: Outcome


DialogueEvent = FirstToken | Sentence | Spent | Routed | HangUp


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One thing learned from the caller, with the turn it came from."""

    name: str
    value: str
    confidence: float
    turn_index: int


class ConversationResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a conversation came to."""

    outcome: Outcome
    facts: tuple[Fact, ...] = ()
    summary: str = ""
