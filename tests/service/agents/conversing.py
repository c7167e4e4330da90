"""Drives a dialogue in text, turn by turn."""

from collections.abc import AsyncIterator

from service.agents.dialogue import AgentDialogue
from service.domain.conversation import CallerTurn, DialogueEvent, HangUp, Heard, Routed, Sentence
from service.domain.outcome import Outcome


class Talk:
    """Drives one dialogue turn by turn; everything said is heard unless a test says otherwise."""

    def __init__(self, dialogue: AgentDialogue) -> None:
        self.dialogue = dialogue
        self.lines: list[str] = []
        self.reasons: list[str] = []
        self.agents: list[str] = []
        self.hung_up: Outcome | None = None

    async def open(self) -> str:
        return await self._play(self.dialogue.open())

    async def say(self, text: str) -> str:
        return await self._play(self.dialogue.reply(CallerTurn(text=text)))

    async def silence(self) -> str:
        return await self._play(self.dialogue.reply(CallerTurn(heard=Heard.SILENCE)))

    async def machine(self) -> str:
        return await self._play(self.dialogue.reply(CallerTurn(heard=Heard.MACHINE)))

    async def script(self, *lines: str) -> Outcome | None:
        await self.open()
        for line in lines:
            assert self.hung_up is None, f"hung up before {line!r}: {self.lines[-1]}"
            await self.say(line)
        return self.hung_up

    def facts(self) -> dict[str, str]:
        return {fact.name: fact.value for fact in self.dialogue.result().facts}

    async def _play(self, events: AsyncIterator[DialogueEvent]) -> str:
        said = []
        async for event in events:
            if isinstance(event, Sentence):
                said.append(event.text)
            elif isinstance(event, Routed):
                self.reasons.append(event.reason)
                self.agents.append(event.agent)
            elif isinstance(event, HangUp):
                self.hung_up = event.outcome
        self.lines.append(" ".join(said))
        await self.dialogue.heard(agent_heard=self.lines[-1], interrupted=False)
        return self.lines[-1]
