"""The frames of our own that travel through a call's pipeline: events and texts, never audio.

Downstream go CallerTurnFrame and PhraseFrame (ears to conversationalist), then ReplyStartedFrame,
SentenceFrame and ReplyEndedFrame (to the mouth). Upstream comes ReplyPlayedFrame, exactly one for
each ReplyStartedFrame. Frames about a reply carry its turn index, because system frames and
interruptions overtake the others.
"""

from dataclasses import dataclass, field

from pipecat.frames.frames import ControlFrame, DataFrame, SystemFrame

from service.domain.conversation import CallerTurn
from service.domain.money import Usage
from service.domain.turn import TurnStamps


@dataclass
class CallerTurnFrame(SystemFrame):
    """The caller's half of a turn; `caller` is None for the opening, which nobody prompted."""

    caller: CallerTurn | None
    stamps: TurnStamps = field(default_factory=TurnStamps)
    usage: tuple[Usage, ...] = ()


@dataclass
class PhraseFrame(SystemFrame):
    """Speak `text` without asking the dialogue.

    `failure` marks an apology for a stage that failed; `last` ends the call once it is played.
    """

    text: str
    failure: bool = False
    last: bool = False
    stamps: TurnStamps = field(default_factory=TurnStamps)
    usage: tuple[Usage, ...] = ()


@dataclass
class ReplyStartedFrame(SystemFrame):
    """The sentences of this turn follow."""

    turn_index: int


@dataclass
class SentenceFrame(DataFrame):
    """One sentence to speak."""

    turn_index: int
    text: str


@dataclass
class ReplyEndedFrame(ControlFrame):
    """No more sentences in this turn."""

    turn_index: int


@dataclass
class ReplyPlayedFrame(SystemFrame):
    """The reply was played to its end, or cut off: what of it was heard, and when.

    `failed` when the voice could not speak it all; `characters` were really synthesised.
    """

    turn_index: int
    heard: str
    interrupted: bool
    failed: bool
    characters: int
    stamps: TurnStamps


@dataclass
class LastWordsFrame(SystemFrame):
    """Upstream: the dialogue has said its last; let nothing interrupt it."""
