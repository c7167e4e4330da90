"""Somebody at the far end of a line, as the telephone network sees them."""

from enum import StrEnum
from typing import Protocol

import msgspec


class Answering(StrEnum):
    """Who or what picks up, as answering-machine detection would find out."""

    HUMAN = "human"
    MACHINE = "machine"
    SILENCE = "silence"


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did in the last 20 ms. `audio` is 160 bytes of mu-law, or empty for silence."""

    audio: bytes = b""
    digit: str | None = None
    hang_up: bool = False


class SpokenLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that was said; times are ms since the call was answered."""

    line: str
    text: str
    start_ms: int
    end_ms: int
    cut_short: bool = False


class HeardSpeech(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the agent's speech and the words that were made out in it."""

    text: str
    start_ms: int
    end_ms: int


class Person(Protocol):
    """One end of a line, driven by the network every 20 ms of the call."""

    @property
    def answering(self) -> Answering:
        """What answering-machine detection should find."""
        ...

    @property
    def greeting_ends_at_ms(self) -> int | None:
        """When a machine's beep is over, in ms since the answer; None for people."""
        ...

    @property
    def spoken(self) -> list[SpokenLine]:
        """The lines said so far; one that is being said is not in it yet."""
        ...

    @property
    def heard(self) -> list[HeardSpeech]:
        """What was made out so far."""
        ...

    def tick(self, *, now_ms: int, heard: bytes, agent_playing: bool) -> Act:
        """Live through the 20 ms that end at `now_ms` (since the answer).

        `heard` is the 160 bytes of mu-law that reached the ear; `agent_playing` says whether more
        is on its way.
        """
        ...

    def leave(self, *, now_ms: int) -> None:
        """The line is dead: whatever was being said is cut short."""
        ...
