"""One turn: what the caller said, what the agent answered, what of it was heard, and when."""

from uuid import UUID

import msgspec

from service.domain.money import Usage


class TurnStamps(msgspec.Struct, frozen=True, kw_only=True):
    """When things happened, in whole milliseconds since the media stream started.

    They are in this order in time whenever they are present. A stamp that did not happen is None.
    """

    speech_started_ms: int | None = None
    speech_ended_ms: int | None = None
    turn_ended_ms: int | None = None
    transcript_ready_ms: int | None = None
    first_token_ms: int | None = None
    first_sentence_ms: int | None = None
    first_audio_made_ms: int | None = None
    first_audio_sent_ms: int | None = None
    playback_started_ms: int | None = None
    playback_ended_ms: int | None = None

    @property
    def response_latency_ms(self) -> int | None:
        """Silence the caller heard, end of speech to start of playback; None if unknown."""
        if self.speech_ended_ms is None or self.playback_started_ms is None:
            return None
        return self.playback_started_ms - self.speech_ended_ms


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A caller's utterance and the agent's answer to it; turn 0 is the greeting.

    `agent_said` was handed to the voice; `agent_heard` is what playback marks prove was played.
    """

    call_id: UUID
    turn_index: int
    caller_said: str
    agent_said: str
    agent_heard: str
    agent: str
    interrupted: bool = False
    stt_confidence: float | None = None
    route_reason: str = ""
    stamps: TurnStamps = TurnStamps()
    usage: tuple[Usage, ...] = ()
