"""Facts out of the caller's words, tolerant of recognition errors.

A slot that was just asked for is listened for more generously (alike-sounding words count) than
one that comes up by itself; every candidate carries a confidence that says how it was found.
"""

from collections.abc import Callable, Collection, Mapping
from itertools import pairwise

import msgspec

from service.agents.money_words import price_in
from service.agents.numbers import Number, numbers_in
from service.agents.time_words import timeline_in
from service.agents.words import closest

EXACT = 0.8
VAGUE = 0.6
ALIKE = 0.5
ALIKE_ENOUGH = 0.78
MAX_BEDROOMS = 12

_NEGATIONS = {"not", "isn't", "don't", "aren't", "never", "won't", "wasn't", "didn't", "doesn't"}
_DESIRES = {"want", "like", "looking", "hoping", "thinking", "planning", "trying", "need", "love"}
_DESIRES |= {"interested", "considering", "wish", "decided", "ready", "going"}
_INTENT_WORDS: Mapping[str, tuple[str, ...]] = {
    "sell": ("sell", "selling", "sells", "seller", "listing", "valuation"),
    "buy": ("buy", "buying", "buyer", "purchase", "purchasing"),
    "rent": ("rent", "renting", "rental", "rentals", "renter", "lease", "leasing"),
}
_INTENT_PHRASES: Mapping[str, str] = {
    "on the market": "sell",
    "get rid of": "sell",
    "list my": "sell",
    "list our": "sell",
    "for sale": "sell",
    "worth": "sell",
    "find a place": "buy",
    "find a house": "buy",
    "find a home": "buy",
    "looking for a house": "buy",
    "looking for a home": "buy",
    "looking for a condo": "buy",
    "first home": "buy",
    "to by": "buy",
    "by a": "buy",
    "by an": "buy",
}
_TYPE_WORDS: Mapping[str, tuple[str, ...]] = {
    "house": ("house", "houses", "bungalow", "cottage", "villa", "cabin", "farmhouse"),
    "condo": ("condo", "condos", "condominium", "condominiums"),
    "apartment": ("apartment", "apartments", "flat", "loft", "studio", "penthouse"),
    "townhouse": ("townhouse", "townhouses", "townhome", "duplex"),
    "land": ("land", "acre", "acres", "plot"),
}
_TYPE_PHRASES: Mapping[str, str] = {
    "town house": "townhouse",
    "town home": "townhouse",
    "row house": "townhouse",
    "vacant lot": "land",
    "empty lot": "land",
    "building lot": "land",
    "single family": "house",
}
_HINTS = {"family": "house", "yard": "house", "backyard": "house"}
"""What goes with a kind of property: a single family home, a house with a yard."""
_HOMES = {"home", "homes"}
_BED_WORDS = ("bedroom", "bedrooms", "bed", "beds", "br")
_NOT_BEDROOMS = {"bath", "baths", "bathroom", "bathrooms", "month", "months", "week", "weeks"}
_NOT_BEDROOMS |= {"year", "years", "day", "days", "percent", "hundred", "thousand", "car"}
_SOUND_LIKE_NUMBERS = {"to": 2, "too": 2, "for": 4, "fore": 4, "tree": 3, "free": 3, "won": 1}


class Candidate(msgspec.Struct, frozen=True):
    """A value that the caller may have given for a slot, with confidence in 0..1."""

    name: str
    value: str
    confidence: float


class Found(msgspec.Struct, frozen=True):
    """A candidate value at a place in the words."""

    at: int
    value: str
    confidence: float


class Listening(msgspec.Struct, frozen=True):
    """How a slot is listened for: generously when it was asked, and with what is known already."""

    asked: bool
    intent: str | None


Extractor = Callable[[list[str], Listening], tuple[str, float] | None]


def extract(
    words: list[str], *, listening_for: Collection[str], intent: str | None
) -> tuple[Candidate, ...]:
    """Find a candidate for every known slot; those in `listening_for` are matched generously.

    `intent` is what is known of it so far: a price is read differently for a rent.
    """
    found = []
    for name, extractor in EXTRACTORS.items():
        candidate = extractor(words, Listening(name in listening_for, intent))
        if candidate is not None:
            found.append(Candidate(name, *candidate))
            intent = candidate[0] if name == "intent" else intent
    return tuple(found)


def rejected_intent(words: list[str]) -> bool:
    """Whether an intent was named only to deny it: "I'm not selling"."""
    mentions = [at for at, word in enumerate(words) if _value_of(word, _INTENT_WORDS)]
    return bool(mentions) and all(_is_negated(words, at) for at in mentions)


def _intent(words: list[str], listening: Listening) -> tuple[str, float] | None:
    found = []
    for at, word in enumerate(words):
        value = _value_of(word, _INTENT_WORDS)
        if value is not None and not _is_negated(words, at):
            found.append(Found(at, value, EXACT + _meant(words, at) - _past(words, at)))
    found += _phrases(words, _INTENT_PHRASES, VAGUE)
    if not found and listening.asked:
        found = _alike(words, _INTENT_WORDS)
    return _decide(found)


def _property_type(words: list[str], listening: Listening) -> tuple[str, float] | None:
    found = _phrases(words, _TYPE_PHRASES, EXACT)
    taken = {each.at for each in found} | {each.at + 1 for each in found}
    for at, word in enumerate(words):
        value = _value_of(word, _TYPE_WORDS)
        if value is not None and at not in taken and not _is_negated(words, at):
            found.append(Found(at, value, EXACT if words[at - 1 : at] != ["open"] else ALIKE))
    if not found:
        found = [Found(at, "house", VAGUE) for at, word in enumerate(words) if word in _HOMES]
    if not found and listening.asked:
        found = _alike(words, _TYPE_WORDS)
        found = found or _phrases(words, _HINTS, ALIKE)
    return _decide(found)


def _bedrooms(words: list[str], listening: Listening) -> tuple[str, float] | None:
    numbers = [n for n in numbers_in(words) if not n.scaled and 1 <= n.value <= MAX_BEDROOMS]
    if "studio" in words and not numbers:
        return "studio", EXACT
    for number in numbers:
        if _is_bed(words, number.end) or _is_bed(words, number.end + 1):
            return str(int(number.value)), EXACT
    for at, word in enumerate(words):
        if word in _SOUND_LIKE_NUMBERS and _is_bed(words, at + 1):
            return str(_SOUND_LIKE_NUMBERS[word]), ALIKE
    return _bare_bedrooms(words, numbers) if listening.asked else None


def _bare_bedrooms(words: list[str], numbers: list[Number]) -> tuple[str, float] | None:
    """A number on its own, as an answer to how many."""
    for number in numbers:
        if words[number.end : number.end + 1] == [] or words[number.end] not in _NOT_BEDROOMS:
            return str(int(number.value)), EXACT if len(words) <= 6 else VAGUE
    if "couple" in words:
        return "2", VAGUE
    alike = [_SOUND_LIKE_NUMBERS[word] for word in words if word in _SOUND_LIKE_NUMBERS]
    return (str(alike[0]), ALIKE) if alike and len(words) <= 4 else None


def _timeline(words: list[str], listening: Listening) -> tuple[str, float] | None:
    value = timeline_in(words, generous=listening.asked)
    return (value, EXACT if listening.asked else VAGUE) if value is not None else None


def _price(words: list[str], listening: Listening) -> tuple[str, float] | None:
    value = price_in(words, generous=listening.asked, intent=listening.intent)
    return (value, EXACT if listening.asked else VAGUE) if value is not None else None


EXTRACTORS: Mapping[str, Extractor] = {
    "intent": _intent,
    "property_type": _property_type,
    "bedrooms": _bedrooms,
    "timeline": _timeline,
    "price": _price,
}


def _value_of(word: str, lexicon: Mapping[str, tuple[str, ...]]) -> str | None:
    return next((value for value, forms in lexicon.items() if word in forms), None)


def _phrases(words: list[str], phrases: Mapping[str, str], confidence: float) -> list[Found]:
    found = []
    for phrase, value in phrases.items():
        parts = phrase.split()
        for at in range(len(words) - len(parts) + 1):
            if words[at : at + len(parts)] == parts and not _is_negated(words, at):
                found.append(Found(at, value, confidence))
    return found


def _alike(words: list[str], lexicon: Mapping[str, tuple[str, ...]]) -> list[Found]:
    """Words that sound like one of the lexicon, single or two run together; short ones never."""
    pairs = [first + second for first, second in pairwise(words)]
    forms = {form: value for value, all_forms in lexicon.items() for form in all_forms}
    found = []
    for at, heard in [*enumerate(words), *enumerate(pairs)]:
        if len(heard) < 4 or heard in _DESIRES:
            continue
        form = closest(heard, forms, at_least=ALIKE_ENOUGH)
        if form is not None and not _is_negated(words, at):
            found.append(Found(at, forms[form], ALIKE))
    return found


def _decide(found: list[Found]) -> tuple[str, float] | None:
    """The best value; doubtful when another is nearly as good."""
    if not found:
        return None
    best = max(found, key=lambda each: (each.confidence, -each.at))
    rivals = [each for each in found if each.value != best.value]
    if any(best.confidence - rival.confidence < 0.05 for rival in rivals):
        return best.value, ALIKE
    return best.value, min(best.confidence, 0.88)


def _is_negated(words: list[str], at: int) -> bool:
    return any(word in _NEGATIONS for word in words[max(0, at - 3) : at])


def _meant(words: list[str], at: int) -> float:
    """A wish before the word, or hardly any other word: it is no chance mention."""
    wished = any(word in _DESIRES for word in words[max(0, at - 3) : at])
    return 0.08 if wished or len(words) <= 3 else 0.0


def _past(words: list[str], at: int) -> float:
    around = words[max(0, at - 2) : at + 3]
    return 0.3 if any(word in ("currently", "already", "now", "used") for word in around) else 0.0


def _is_bed(words: list[str], at: int) -> bool:
    if at >= len(words):
        return False
    pair = "".join(words[at : at + 2])
    return any(
        closest(heard, _BED_WORDS[:2], at_least=0.77) is not None or heard in _BED_WORDS
        for heard in (words[at], pair)
        if heard != "room" and not heard.startswith("bath")
    )
