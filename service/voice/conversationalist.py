"""The middle of the pipeline: asks the dialogue what to say, and tells it what of it was heard.

One turn at a time: a reply starts when the turn before is closed, and each turn is closed exactly
once, by the mouth's report of what was played. An interruption passes on to the mouth first, which
falls silent and reports; closing the turn then cancels the dialogue's work.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from uuid import UUID

import structlog
from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from service.domain.conversation import (
    CallerTurn,
    DialogueEvent,
    FirstToken,
    HangUp,
    Heard,
    Routed,
    Sentence,
    Spent,
)
from service.domain.errors import ReautoError
from service.domain.turn import Turn, TurnStamps
from service.ports.conversation import Dialogue
from service.voice.frames import (
    CallerTurnFrame,
    LastWordsFrame,
    PhraseFrame,
    ReplyEndedFrame,
    ReplyPlayedFrame,
    ReplyStartedFrame,
    SentenceFrame,
)
from service.voice.stamps import Elapsed
from service.voice.tasks import Spawn, closing
from service.voice.turn_record import OpenTurn

log = structlog.get_logger()

FAILURES_IN_A_ROW = 2
"""A call whose turns fail this often in a row is ended after the apology."""


class Conversationalist(FrameProcessor):
    """Runs the dialogue of one call, turn by turn."""

    def __init__(
        self,
        *,
        dialogue: Dialogue,
        call_id: UUID,
        agent: str,
        apology: str,
        voice: tuple[str, str],
        elapsed: Elapsed,
        spawn: Spawn,
        on_turn: Callable[[Turn], None],
        on_over: Callable[[], None],
    ) -> None:
        super().__init__()
        self._dialogue = dialogue
        self._call_id = call_id
        self._agent = agent
        self._apology = apology
        self._voice = voice
        self._elapsed = elapsed
        self._spawn = spawn
        self._on_turn = on_turn
        self._on_over = on_over
        self._waiting: deque[CallerTurnFrame | PhraseFrame] = deque()
        self._turn: OpenTurn | None = None
        self._reply: asyncio.Task[None] | None = None
        self._turns = 0
        self._failures = 0

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Answer what the ears hear, close turns on the mouth's reports; the rest passes."""
        await super().process_frame(frame, direction)
        match frame:
            case CallerTurnFrame() | PhraseFrame():
                self._waiting.append(frame)
                await self._start_next()
            case ReplyPlayedFrame():
                await self._close(frame)
                await self.push_frame(frame, direction)
                await self._start_next()
            case _:
                await self.push_frame(frame, direction)

    async def finish(
        self, *, played: ReplyPlayedFrame | None, last_words: CallerTurnFrame | None
    ) -> None:
        """The stream is over and the pipeline stopped: close what is open, take the last words."""
        if self._turn is not None:
            await self._close(played or _unheard(self._turn))
        unanswered = [frame for frame in self._waiting if isinstance(frame, CallerTurnFrame)]
        for frame in (*unanswered, last_words):
            if frame is not None and frame.caller is not None:
                await self._hear_out(frame, frame.caller)

    async def _start_next(self) -> None:
        if self._turn is not None or not self._waiting:
            return
        frame = self._waiting.popleft()
        turn = self._turn = self._begin(frame)
        await self.push_frame(ReplyStartedFrame(turn.turn_index))
        if isinstance(frame, PhraseFrame):
            reply = self._say_phrase(turn, frame.text)
        else:
            reply = self._answer(turn, frame.caller)
        self._reply = self._spawn(reply)

    def _begin(self, frame: CallerTurnFrame | PhraseFrame) -> OpenTurn:
        turn = OpenTurn(
            turn_index=self._turns,
            stamps=frame.stamps,
            agent=self._agent,
            usage=list(frame.usage),
        )
        self._turns += 1
        if isinstance(frame, PhraseFrame):
            turn.from_dialogue = False
            turn.failed, turn.last = frame.failure, frame.last
        elif frame.caller is not None:
            turn.caller = frame.caller
            turn.last = frame.caller.heard is Heard.MACHINE
        return turn

    async def _close(self, played: ReplyPlayedFrame) -> None:
        """The dialogue learns what was heard before the next turn begins."""
        turn, reply = self._turn, self._reply
        assert turn is not None
        assert turn.turn_index == played.turn_index
        if reply is not None:
            reply.cancel()
            await asyncio.wait([reply])
        if turn.from_dialogue:
            await self._dialogue.heard(agent_heard=played.heard, interrupted=played.interrupted)
        self._turn = self._reply = None
        self._on_turn(turn.close(played, call_id=self._call_id, voice=self._voice))
        self._failures = self._failures + 1 if turn.failed or played.failed else 0
        if turn.last or self._failures >= FAILURES_IN_A_ROW:
            self._on_over()

    async def _answer(self, turn: OpenTurn, caller: CallerTurn | None) -> None:
        events = self._dialogue.open() if caller is None else self._dialogue.reply(caller)
        try:
            async with closing(events):
                async for event in events:
                    await self._take(turn, event)
        except ReautoError as error:
            log.warning("the dialogue failed", error=str(error), turn_index=turn.turn_index)
            turn.failed = True
            await self._say(turn, self._apology)
        await self.push_frame(ReplyEndedFrame(turn.turn_index))

    async def _say_phrase(self, turn: OpenTurn, text: str) -> None:
        await self._say(turn, text)
        await self.push_frame(ReplyEndedFrame(turn.turn_index))

    async def _take(self, turn: OpenTurn, event: DialogueEvent) -> None:
        match event:
            case FirstToken():
                turn.first_token_ms = self._elapsed()
            case Sentence():
                turn.agent = self._agent = event.agent
                await self._say(turn, event.text)
            case Spent():
                turn.usage.append(event.usage)
            case Routed():
                turn.agent = self._agent = event.agent
                turn.route_reason = event.reason
            case HangUp():
                turn.last = True
                await self.push_frame(LastWordsFrame(), FrameDirection.UPSTREAM)

    async def _say(self, turn: OpenTurn, text: str) -> None:
        if turn.first_sentence_ms is None:
            turn.first_sentence_ms = self._elapsed()
        turn.said.append(text)
        await self.push_frame(SentenceFrame(turn.turn_index, text))

    async def _hear_out(self, frame: CallerTurnFrame, caller: CallerTurn) -> None:
        """Let the dialogue learn words that nobody is left to hear an answer to.

        It runs until a model would begin to word one: far enough for an opt-out to count.
        """
        turn = self._begin(frame)
        events = self._dialogue.reply(caller)
        try:
            async with closing(events):
                async for event in events:
                    if isinstance(event, FirstToken):
                        break
                    if isinstance(event, Spent):
                        turn.usage.append(event.usage)
        except ReautoError as error:
            log.warning("the last words were lost on the dialogue", error=str(error))
        await self._dialogue.heard(agent_heard="", interrupted=True)
        self._on_turn(turn.close(_unheard(turn), call_id=self._call_id, voice=self._voice))


def _unheard(turn: OpenTurn) -> ReplyPlayedFrame:
    return ReplyPlayedFrame(
        turn_index=turn.turn_index,
        heard="",
        interrupted=True,
        failed=False,
        characters=0,
        stamps=TurnStamps(),
    )
