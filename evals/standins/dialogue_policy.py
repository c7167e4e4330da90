"""Words replies as a small language model would, from nothing but the conversation it is sent.

It reads the last system message (stage, facts, tasks) and the caller's last words, does the tasks
in their order, and varies its wording. It knows no rules of the conversation: a task that it has
never seen is put into words as it stands.
"""

import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import yaml

from service.domain.agent_config import AgentConfig, parse_agent_config

Messages = Sequence[dict[str, str]]

_TASK = re.compile(r"^- (?P<verb>[^:(]+?)(?: \((?P<about>\w+)\))?: (?P<rest>.+)$", re.MULTILINE)
_SLOT = re.compile(r"^(?P<name>\w+) \((?P<description>.+)\)$")
_INTENT = re.compile(r"intent = (selling|buying|renting)")
_VERBS = {"selling": "sell", "buying": "buy", "renting": "rent"}
_CHARACTERS_PER_TOKEN = 4

QUESTIONS: dict[str, tuple[str, ...]] = {
    "good_time": (
        "Is now a good time to talk?",
        "Do you have a minute to talk now?",
    ),
    "callback_time": (
        "When would be a better time to call you back?",
        "When may we call you back?",
    ),
    "intent": (
        "Are you looking to sell, buy, or rent?",
        "Would you like to sell, buy, or rent?",
    ),
    "property_type": (
        "What kind of property is it, a house, a condo, or an apartment?",
        "Is that a house, a condo, or an apartment?",
    ),
    "bedrooms/sell": (
        "How many bedrooms does it have?",
        "And how many bedrooms are there?",
    ),
    "bedrooms": (
        "How many bedrooms do you need?",
        "How many bedrooms would you like?",
    ),
    "timeline": (
        "When would you like to {verb}?",
        "How soon are you hoping to {verb}?",
    ),
    "price/sell": (
        "What price do you have in mind?",
        "What price are you hoping for?",
    ),
    "price/rent": (
        "What monthly rent do you have in mind?",
        "How much rent would you like to pay a month?",
    ),
    "price": (
        "What is your budget?",
        "What budget do you have in mind?",
    ),
}
ASK_AGAIN = ("Sorry, I did not catch that.", "Sorry, I missed that.")
ACKNOWLEDGE = ("Okay, {it}.", "Got it, {it}.", "Thank you, {it}.")
CONFIRM = ("So {it}, is that right?", "Let me check, {it}. Is that correct?")
WHICH_PART = ("Sorry about that. Which part is wrong?", "Sorry. What should I change?")
TELL = ("Okay, {it}.", "All right, {it}.")
ANSWERS: dict[str, str] = {
    "who_is_calling": "I am {name}, an AI assistant of {company}.",
    "are_you_ai": "I am an AI assistant, not a person.",
    "how_got_number": "You left your number when you asked us for information.",
    "sales_call": "I am not selling anything, I am only following up on your plans.",
    "has_agent": "That is fine, and a second opinion from us is free.",
    "fees": "This talk is free, and a specialist can explain any fees.",
    "why_calling": "You asked us for information about selling, buying, or renting.",
}
_PERSONA = re.compile(r"You are (?P<name>.+?), an AI assistant of (?P<company>.+?),")


class Reply(msgspec.Struct, frozen=True):
    """A worded reply; `prompt_tokens` is an estimate from the length of the messages."""

    text: str
    prompt_tokens: int


class _Request(msgspec.Struct, frozen=True):
    """What the messages say: the tasks, the verb of the caller's wish, who speaks, a seed."""

    tasks: tuple[tuple[str, str, str], ...]
    verb: str
    name: str
    company: str
    seed: int


def answer(messages: Messages) -> Reply:
    """Word the reply that the last system message asks for."""
    request = _read(messages)
    sentences = [
        _word(verb, about, rest, request=request, seed=request.seed + index)
        for index, (verb, about, rest) in enumerate(request.tasks)
    ]
    text = " ".join(sentences) or "Sorry, could you say that again?"
    size = sum(len(message.get("content", "")) for message in messages)
    return Reply(text, max(1, size // _CHARACTERS_PER_TOKEN))


def sample_sentences(config: AgentConfig | None = None) -> list[str]:
    """A broad sample of what may be said: every wording, with slots filled, and all phrases.

    For language models of recognisers that listen to the agent; at most 400 sentences.
    """
    config = config or _default_config()
    sentences = dict.fromkeys([*_phrases(config), *_questions(), *_statements(config)])
    return list(sentences)[:400]


def _read(messages: Messages) -> _Request:
    systems = [message["content"] for message in messages if message.get("role") == "system"]
    spoken = [message["content"] for message in messages if message.get("role") == "user"]
    turn = systems[-1] if systems else ""
    intent = _INTENT.search(turn)
    persona = _PERSONA.search(systems[0]) if systems else None
    tasks = tuple(
        (each["verb"], each["about"] or "", each["rest"]) for each in _TASK.finditer(turn)
    )
    return _Request(
        tasks=tasks,
        verb=_VERBS[intent[1]] if intent else "move",
        name=persona["name"] if persona else "the assistant",
        company=persona["company"] if persona else "this company",
        seed=zlib.crc32(f"{len(messages)} {spoken[-1] if spoken else ''}".encode()),
    )


def _word(verb: str, about: str, rest: str, *, request: _Request, seed: int) -> str:
    wordings: dict[str, Callable[[], str]] = {
        "Acknowledge": lambda: _pick(ACKNOWLEDGE, seed).format(it=rest),
        "Answer first": lambda: _answer(about, rest, request),
        "Ask for": lambda: _ask(rest, request.verb, seed),
        "Ask again, in other words, for": lambda: (
            f"{_pick(ASK_AGAIN, seed)} {_ask(rest, request.verb, seed + 1)}"
        ),
        "Ask which part is wrong": lambda: _pick(WHICH_PART, seed),
        "Confirm with a yes or no question": lambda: _pick(CONFIRM, seed).format(it=rest),
        "Tell them": lambda: _pick(TELL, seed).format(it=rest),
    }
    return wordings[verb]() if verb in wordings else _sentence(rest)


def _ask(rest: str, verb: str, seed: int) -> str:
    slot = _SLOT.match(rest)
    name = slot["name"] if slot else rest
    known = QUESTIONS.get(f"{name}/{verb}") or QUESTIONS.get(name)
    if known:
        return _pick(known, seed).format(verb=verb)
    about = slot["description"] if slot else rest
    for theirs, yours in ((r"\bthey\b", "you"), (r"\btheir\b", "your")):
        about = re.sub(theirs, yours, about)
    return f"Could you tell me {about}?"


def _answer(about: str, rest: str, request: _Request) -> str:
    if about in ANSWERS:
        return ANSWERS[about].format(name=request.name, company=request.company)
    return _sentence(rest)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _pick(wordings: Sequence[str], seed: int) -> str:
    return wordings[seed % len(wordings)]


def _default_config() -> AgentConfig:
    path = Path(__file__).resolve().parents[2] / "data" / "agent_config.yaml"
    return parse_agent_config(yaml.safe_load(path.read_text()))


def _phrases(config: AgentConfig) -> Iterator[str]:
    phrases = msgspec.structs.asdict(config.phrases)
    names = {"agent": config.persona.agent_name, "company": config.persona.company}
    for value in phrases.values():
        for phrase in value if isinstance(value, tuple) else (value,):
            filled = phrase.replace("{contact}", "there")
            for name, text in names.items():
                filled = filled.replace(f"{{{name}}}", text)
            yield from re.split(r"(?<=[.?!]) ", filled)


def _questions() -> Iterator[str]:
    for wordings in QUESTIONS.values():
        for wording in wordings:
            for verb in ("sell", "buy", "rent") if "{verb}" in wording else ("",):
                yield wording.format(verb=verb)
    yield from ASK_AGAIN
    for wording in WHICH_PART:
        yield from re.split(r"(?<=[.?!]) ", wording)


_NUMBERS = ("one", "two", "three", "four", "five", "six")
_PRICES = (
    "one hundred fifty thousand",
    "two hundred thousand",
    "two hundred twenty five thousand",
    "two hundred fifty thousand",
    "two hundred eighty thousand",
    "three hundred thousand",
    "three hundred twenty thousand",
    "three hundred fifty thousand",
    "three hundred seventy five thousand",
    "four hundred thousand",
    "four hundred ten thousand",
    "four hundred fifty thousand",
    "five hundred thousand",
    "five hundred ninety thousand",
    "six hundred thousand",
    "seven hundred thousand",
    "eight hundred thousand",
    "nine hundred thousand",
    "one million",
)
_TIMES = (
    "as soon as possible",
    "in about one month",
    "in about two months",
    "in about three months",
    "in about four months",
    "in about six months",
    "in about six weeks",
    "in about one year",
    "in a few months",
    "next month",
    "next year",
    "next spring",
    "this summer",
    "in the spring",
    "in the summer",
    "in the fall",
    "by the end of summer",
    "by the end of the year",
    "in June",
    "in September",
    "with no rush",
)
_TYPES = ("a house", "a condo", "an apartment", "a townhouse", "land")


def _statements(config: AgentConfig) -> Iterator[str]:
    things = [f"{number} bedroom{'' if number == 'one' else 's'}" for number in _NUMBERS]
    prices = [f"around {price} dollars" for price in _PRICES]
    wanted = [f"{verb} {kind}" for verb in _VERBS for kind in _TYPES]
    wanted += [f"{verb} a {rooms} bedroom house" for verb in _VERBS for rooms in _NUMBERS]
    told = [*wanted, "selling", "buying", "renting", *_TYPES, *things, *_TIMES, *prices]
    for index, it in enumerate(told):
        yield _pick(ACKNOWLEDGE, index).format(it=it)
    for index, wish in enumerate(_wishes()):
        yield from re.split(r"(?<=\.) ", _pick(CONFIRM, index // 3).format(it=wish))
    for concern in ANSWERS.values():
        yield concern.format(name=config.persona.agent_name, company=config.persona.company)
    closings = [f"a specialist will call you about {verb}" for verb in _VERBS]
    closings += [
        f"we will call you back {when}"
        for when in ("later", "tomorrow", "tomorrow morning", "tomorrow afternoon", "next week")
    ]
    closings += ["you can call us any time", "no problem, we will not keep you"]
    closings += ["sorry, we have the wrong number"]
    for index, it in enumerate(closings):
        yield _pick(TELL, index).format(it=it)


def _wishes() -> Iterator[str]:
    """Summaries in which every number, time and price occurs with every kind of wish."""
    for index in range(132):
        verb = ("sell", "buy", "rent")[index % 3]
        rooms = _NUMBERS[index % len(_NUMBERS)]
        kind = ("house", "condo", "apartment", "townhouse")[index // 3 % 4]
        when = _TIMES[index % len(_TIMES)]
        price = _PRICES[index % len(_PRICES)]
        joint = "with a budget of" if verb == "buy" else "for"
        monthly = " a month" if verb == "rent" else ""
        yield (
            f"you would like to {verb} a {rooms} bedroom {kind} {when}, "
            f"{joint} around {price} dollars{monthly}"
        )
