"""Callers of whose words every fifth is recognised wrong still reach the right outcome."""

import random
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from evals.standins.dialogue_policy import answer
from service.agents.dialogue import DialogueFactory
from service.agents.slots import spoken
from service.domain.agent_config import LanguageModelChoice
from service.domain.conversation import Fact
from service.domain.outcome import Outcome
from service.ports.language import LanguageEvent, Message, ReplyEnded, TextDelta
from tests.service.agents.conversing import Talk

ERROR_RATE = 0.2
RUNS = 200
MOST_TURNS = 25
NOISE = """
the a to and of in it is that for on with my we you i was have not at this but they from would
like about house condo apartment home two three four five six seven hundred thousand fifty
month months year week summer spring next yes no right good time price sell buy rent bedroom
market area street family maybe around really looking want need think know there well then
just so out up what when
"""


@dataclass(frozen=True)
class Truth:
    """What a caller wants, and how they would say it."""

    values: dict[str, str]
    lines: dict[str, list[str]]


SELLER = Truth(
    values={
        "intent": "sell",
        "property_type": "house",
        "bedrooms": "3",
        "timeline": "3 months",
        "price": "350000",
    },
    lines={
        "intent": ["I want to sell my house", "we are thinking of selling our house"],
        "property_type": ["it's a house", "a single family house"],
        "bedrooms": ["it has three bedrooms", "three bedrooms and a big yard"],
        "timeline": ["in about three months", "within the next three months I hope"],
        "price": ["around three hundred fifty thousand dollars", "three hundred fifty thousand"],
    },
)
BUYER = Truth(
    values={
        "intent": "buy",
        "property_type": "condo",
        "bedrooms": "2",
        "timeline": "end of summer",
        "price": "420000",
    },
    lines={
        "intent": ["we are looking to buy a condo", "I would like to buy something downtown"],
        "property_type": ["a condo please", "we would like a condo"],
        "bedrooms": ["two bedrooms would be enough", "at least two bedrooms"],
        "timeline": ["by the end of the summer", "before the end of summer if we can"],
        "price": ["four hundred twenty thousand", "up to four hundred twenty thousand dollars"],
    },
)
CUES = (
    (r"sell, buy, or rent", "intent"),
    (r"house, a condo", "property_type"),
    (r"how many bedrooms", "bedrooms"),
    (r"when would you like|how soon", "timeline"),
    (r"price|budget|rent would", "price"),
)


@dataclass
class Person:
    """Answers what the agent says, in words that a bad line then mangles."""

    truth: Truth
    chance: random.Random
    told: list[str] = field(default_factory=list)

    def answer(self, heard: str) -> str:
        line = self._line(heard.lower())
        self.told.append(line)
        return mangled(line, self.chance)

    def _line(self, heard: str) -> str:
        if "is that right" in heard or "is that correct" in heard:
            wrong = [name for name in self.truth.values if self._is_wrong(name, heard)]
            return f"no, {self._say(wrong[0])}" if wrong else self._pick(YES)
        if "which part" in heard or "should i change" in heard:
            return self._say(self.chance.choice(["price", "bedrooms"]))
        if "call you back" in heard:
            return "no I can talk now, " + self._say("intent")
        if "time to talk" in heard or "minute to talk" in heard:
            return self._pick(["yes sure go ahead", "yes I have a few minutes", "okay go ahead"])
        return next((self._say(name) for cue, name in CUES if re.search(cue, heard)), "yes please")

    def _say(self, name: str) -> str:
        return self._pick(self.truth.lines[name])

    def _pick(self, lines: list[str]) -> str:
        return self.chance.choice(lines)

    def _is_wrong(self, name: str, heard: str) -> bool:
        """Whether the summary names this slot with another value than mine."""
        return bool(re.search(MENTIONS[name], heard)) and not re.search(self._spoken(name), heard)

    def _spoken(self, name: str) -> str:
        facts = {
            key: Fact(name=key, value=value, confidence=1.0, turn_index=0)
            for key, value in self.truth.values.items()
        }
        said = spoken(name, facts).lower()
        return {"intent": f"like to {self.truth.values['intent']}"}.get(
            name, said.removesuffix("s").removeprefix("a ")
        )


YES = ["yes that's right", "yes that is correct", "yeah exactly", "that's right yes"]
MENTIONS = {
    "intent": r"like to (?:sell|buy|rent)",
    "property_type": r"house|condo|apartment|land",
    "bedrooms": r"bedroom",
    "timeline": r"month|week|year|summer|spring|fall|winter|soon|rush|days",
    "price": r"dollars",
}


def mangled(line: str, chance: random.Random) -> str:
    """Substitute, drop or insert words until `ERROR_RATE` of them are wrong, on average."""
    heard = []
    for word in line.split():
        roll = chance.random()
        if roll < ERROR_RATE * 0.6:
            heard.append(chance.choice(NOISE.split()))
        elif roll < ERROR_RATE * 0.8:
            continue
        else:
            heard.append(word)
            if roll > 1 - ERROR_RATE * 0.2:
                heard.append(chance.choice(NOISE.split()))
    return " ".join(heard)


class PolicyModel:
    """The stand-in's policy without its server: 200 calls need no sockets to be told apart."""

    name = "policy"

    async def warm_up(self, choice: LanguageModelChoice) -> None: ...

    async def chat(
        self, messages: list[Message], *, choice: LanguageModelChoice
    ) -> AsyncIterator[LanguageEvent]:
        reply = answer([{"role": each.role, "content": each.content} for each in messages])
        yield TextDelta(reply.text)
        yield ReplyEnded(
            provider=self.name, model=choice.model, prompt_tokens=None, completion_tokens=None
        )

    async def close(self) -> None: ...


async def test_every_fifth_word_wrong_still_reaches_the_right_outcome(make_brief) -> None:
    outcomes, right_facts = [], 0
    factory = DialogueFactory(PolicyModel())
    for seed in range(RUNS):
        talk = Talk(factory(make_brief()))
        truth = (SELLER, BUYER)[seed % 2]
        person = Person(truth, random.Random(seed))
        heard = await talk.open()
        while talk.hung_up is None and len(talk.lines) < MOST_TURNS:
            heard = await talk.say(person.answer(heard))
        outcomes.append(talk.hung_up)
        right_facts += talk.facts().items() >= truth.values.items()

    qualified = outcomes.count(Outcome.QUALIFIED)
    assert qualified >= 0.95 * RUNS, f"{qualified} of {RUNS} qualified"
    assert right_facts >= 0.9 * RUNS, f"{right_facts} of {RUNS} with every fact right"
    assert None not in outcomes
