"""A turn while it is being had, and what it becomes when it is over."""

from decimal import Decimal
from uuid import UUID

import msgspec

from service.domain.conversation import CallerTurn
from service.domain.money import Meter, Usage
from service.domain.turn import Turn, TurnStamps
from service.voice.frames import ReplyPlayedFrame
from service.voice.stamps import merge_stamps


class OpenTurn(msgspec.Struct, kw_only=True):
    """One caller's utterance and the answer to it so far.

    `from_dialogue` is False for a fixed phrase that the dialogue does not know of; `last` when the
    call is over once this turn is.
    """

    turn_index: int
    stamps: TurnStamps
    agent: str
    caller: CallerTurn = CallerTurn()
    from_dialogue: bool = True
    said: list[str] = []
    usage: list[Usage] = []
    route_reason: str = ""
    first_token_ms: int | None = None
    first_sentence_ms: int | None = None
    failed: bool = False
    last: bool = False

    def close(self, played: ReplyPlayedFrame, *, call_id: UUID, voice: tuple[str, str]) -> Turn:
        """Return the finished turn; `voice` is the provider and the model that spoke."""
        thought = TurnStamps(
            first_token_ms=self.first_token_ms, first_sentence_ms=self.first_sentence_ms
        )
        return Turn(
            call_id=call_id,
            turn_index=self.turn_index,
            caller_said=self.caller.text,
            agent_said=" ".join(self.said),
            agent_heard=played.heard,
            agent=self.agent,
            interrupted=played.interrupted,
            stt_confidence=self.caller.confidence,
            route_reason=self.route_reason,
            stamps=merge_stamps(merge_stamps(self.stamps, thought), played.stamps),
            usage=(*self.usage, *_voice_usage(played.characters, voice)),
        )


def _voice_usage(characters: int, voice: tuple[str, str]) -> tuple[Usage, ...]:
    if not characters:
        return ()
    provider, model = voice
    quantity = Decimal(characters)
    line = Usage(meter=Meter.TTS_CHARACTERS, provider=provider, model=model, quantity=quantity)
    return (line,)
