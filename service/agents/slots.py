"""The facts a conversation collects: which it must have, and how they are asked for and spoken.

An AgentSpec lists its slots as `name` (must be known), `name!` (must also be confirmed), `name?`
(asked, but may stay unknown) or `a|b` (one of them must be known; both are asked).
"""

from collections.abc import Iterable, Mapping

import msgspec

from service.agents.extraction import EXTRACTORS
from service.agents.numbers import say_number
from service.agents.state import is_confirmed
from service.agents.time_words import MONTHS
from service.domain.agent_config import AgentConfig, AgentSpec
from service.domain.conversation import Fact
from service.domain.errors import InvalidAgentConfig

_THING = ("intent", "property_type", "bedrooms")
_VERBS = {"sell": "selling", "buy": "buying", "rent": "renting"}


class Slot(msgspec.Struct, frozen=True):
    """One entry of an AgentSpec's slots, read."""

    names: tuple[str, ...]
    required: bool
    confirmed: bool

    def is_filled(self, facts: Mapping[str, Fact]) -> bool:
        """Whether this entry no longer stands in the way of a qualified lead."""
        known = [facts[name] for name in self.names if name in facts]
        if self.confirmed:
            return any(is_confirmed(fact) for fact in known)
        return bool(known) or not self.required


def parse_slot(entry: str) -> Slot:
    """Read one entry. Raises InvalidAgentConfig naming a slot that nobody can listen for."""
    names = tuple(name.strip() for name in entry.rstrip("!?").split("|"))
    for name in names:
        if name not in EXTRACTORS:
            raise InvalidAgentConfig(
                f"the agents' slots name {name!r}; known slots are {', '.join(EXTRACTORS)}"
            )
    return Slot(names, required=not entry.endswith("?"), confirmed=entry.endswith("!"))


def slots_of(config: AgentConfig) -> tuple[tuple[AgentSpec, Slot], ...]:
    """All slots with the agent that asks for them, in the order of the config."""
    return tuple((agent, parse_slot(entry)) for agent in config.agents for entry in agent.slots)


def qualifies(config: AgentConfig, facts: Mapping[str, Fact]) -> bool:
    """Whether the facts make a qualified lead: every slot of the config is filled."""
    slots = slots_of(config)
    return bool(slots) and all(slot.is_filled(facts) for _, slot in slots)


def applies(name: str, facts: Mapping[str, Fact]) -> bool:
    """Whether it makes sense to ask for the slot: land has no bedrooms."""
    kind = facts.get("property_type")
    return not (name == "bedrooms" and kind is not None and kind.value == "land")


def description(name: str, facts: Mapping[str, Fact]) -> str:
    """What to ask for, in words for the model."""
    intent = facts["intent"].value if "intent" in facts else ""
    table = {
        "intent": "whether they want to sell, buy or rent",
        "property_type": "what kind of property it is: a house, a condo, an apartment",
        "bedrooms": "how many bedrooms it has" if intent == "sell" else "how many bedrooms",
        "timeline": f"when they would like to {intent or 'move'}",
        "price": {
            "sell": "what price they have in mind",
            "rent": "what monthly rent they have in mind",
        }.get(intent, "what their budget is"),
    }
    return table[name]


def spoken(name: str, facts: Mapping[str, Fact]) -> str:
    """A known fact as it is said aloud, with numbers in words."""
    value = facts[name].value
    match name:
        case "intent":
            return _VERBS[value]
        case "property_type":
            return value if value == "land" else f"{'an' if value[0] in 'aeiou' else 'a'} {value}"
        case "bedrooms":
            return _bedrooms(value)
        case "timeline":
            return _timeline(value)
        case "price":
            return _price(value, facts)
        case _:
            return value


def gist(names: Iterable[str], facts: Mapping[str, Fact]) -> str:
    """Some facts in a few words: "selling a three bedroom house", "in June"."""
    named = {name: facts[name] for name in names}
    thing = _thing(named)
    first = f"{spoken('intent', named)} {thing}".strip() if "intent" in named else thing
    rest = [spoken(name, facts) for name in named if name not in _THING]
    return ", ".join(part for part in (first, *rest) if part)


def wish(facts: Mapping[str, Fact]) -> str:
    """What the caller wants in one clause: "you would like to sell a three bedroom house ..."."""
    intent = facts["intent"].value if "intent" in facts else "move"
    clause = f"you would like to {intent} {_thing(facts)}".rstrip()
    if "timeline" in facts:
        clause += f" {spoken('timeline', facts)}"
    if "price" in facts:
        joint = "with a budget of" if intent == "buy" else "for"
        clause += f", {joint} {spoken('price', facts)}"
    return clause


def _thing(facts: Mapping[str, Fact]) -> str:
    kind = facts["property_type"].value if "property_type" in facts else ""
    rooms = facts["bedrooms"].value if "bedrooms" in facts and applies("bedrooms", facts) else ""
    if rooms == "studio":
        return "a studio"
    if not rooms or not kind:
        return spoken("property_type", facts) if kind else rooms and _bedrooms(rooms)
    counted = _bedrooms(rooms).removesuffix("s")
    return f"{'an' if counted.startswith('e') else 'a'} {counted} {kind}"


def _bedrooms(value: str) -> str:
    if value == "studio":
        return "a studio"
    return f"{say_number(int(value))} bedroom{'' if value == '1' else 's'}"


def _timeline(value: str) -> str:
    words = [say_number(int(word)) if word.isdigit() else word for word in value.split()]
    words = [word.capitalize() if word in MONTHS else word for word in words]
    text = " ".join(words)
    if value == "flexible":
        return "with no rush"
    if value == "as soon as possible":
        return text
    if value.rsplit(maxsplit=1)[-1].rstrip("s") in ("day", "week", "month", "year") and (
        value[0].isdigit() or value.startswith(("a few", "several"))
    ):
        return f"in about {text}" if value[0].isdigit() else f"in {text}"
    if value.startswith("end of"):
        return f"by the {text}"
    if value.startswith(("next", "this", "early")):
        return text if not value.startswith("early") else f"in {text}"
    return f"in {text}" if words[0][0].isupper() else f"in the {text}"


def _price(value: str, facts: Mapping[str, Fact]) -> str:
    amounts = " to ".join(say_number(int(amount)) for amount in value.split("-"))
    monthly = "intent" in facts and facts["intent"].value == "rent"
    return f"around {amounts} dollars{' a month' if monthly else ''}"
