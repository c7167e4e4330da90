"""Numbers as people say them: "three fifty", "half a million", "twelve hundred"."""

import re

import msgspec

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
ONES = {word: value for value, word in enumerate(_ONES)}
TENS = {word: 10 * value for value, word in enumerate(_TENS, start=2)}
SCALES = {
    "thousand": 1_000,
    "thousands": 1_000,
    "grand": 1_000,
    "k": 1_000,
    "million": 1_000_000,
    "millions": 1_000_000,
}
_DIGITS = re.compile(r"^\$?(\d[\d,]*(?:\.\d+)?)([km]?)$")


class Number(msgspec.Struct, frozen=True):
    """A number and the words it took: `words[start:end]`.

    `scaled` says that it named thousands or millions, or carried a dollar sign.
    """

    value: float
    start: int
    end: int
    scaled: bool


def numbers_in(words: list[str]) -> list[Number]:
    """All numbers in order of appearance."""
    found: list[Number] = []
    at = 0
    while at < len(words):
        number = _number_at(words, at)
        if number is None:
            at += 1
        else:
            found.append(number)
            at = number.end
    return found


def say_number(value: int) -> str:
    """A whole number from 0 to 999,999,999 in words."""
    for scale, name in ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred")):
        if value >= scale:
            rest = value % scale
            return f"{say_number(value // scale)} {name}" + (f" {say_number(rest)}" if rest else "")
    if value >= 20:
        tens = next(word for word, ten in TENS.items() if ten == value // 10 * 10)
        return tens + (f" {say_number(value % 10)}" if value % 10 else "")
    return next(word for word, one in ONES.items() if one == value)


def _number_at(words: list[str], start: int) -> Number | None:
    if words[start] == "half" and words[start + 1 : start + 3] == ["a", "million"]:
        return Number(500_000, start, start + 3, scaled=True)
    digits = _DIGITS.match(words[start])
    if digits:
        return _from_digits(words, start, digits)
    return _from_words(words, start)


def _from_digits(words: list[str], start: int, match: re.Match[str]) -> Number:
    value = float(match[1].replace(",", ""))
    value *= {"": 1, "k": 1_000, "m": 1_000_000}[match[2]]
    scaled = bool(match[2]) or words[start].startswith("$")
    end = start + 1
    if end < len(words) and words[end] in SCALES:
        return Number(value * SCALES[words[end]], start, end + 1, scaled=True)
    return Number(value, start, end, scaled=scaled)


def _from_words(words: list[str], start: int) -> Number | None:
    """Read greedily; `group` is what stands before the next scale, `last` what was just read."""
    total, last, at, scaled = 0.0, "", start, False
    group: float | None = None
    while at < len(words):
        word = words[at]
        if word in SCALES and (group is not None or (last == "" and at > start)):
            total, group = total + (1 if group is None else group) * SCALES[word], None
            last, scaled = "scale", True
        elif word == "hundred" and last != "scale":
            group, last = (1 if group is None else group) * 100, "hundred"
        elif _joins(words, at, last):
            pass
        elif word == "point" and group is not None and words[at + 1 : at + 2] != []:
            decimal = ONES.get(words[at + 1])
            if decimal is None or decimal > 9:
                break
            group, last, at = group + decimal / 10, "point", at + 1
        else:
            joined = _join(group, word, last)
            if joined is not None:
                group, last = joined
            elif group is None or not _is_stray(words, at):
                break
        at += 1
    if last == "":
        return None
    value = total + (group or 0)
    if last == "scale" and words[at : at + 3] == ["and", "a", "half"]:
        return Number(value * 1.5, start, at + 3, scaled=True)
    return Number(value, start, at, scaled=scaled)


def _join(group: float | None, word: str, last: str) -> tuple[float, str] | None:
    """Add one spoken digit, teen or ten; "three fifty" is 350 and "twelve fifty" is 1250."""
    value = ONES.get(word, TENS.get(word))
    if value is None:
        return None
    kind = "ten" if word in TENS else "teen" if value > 9 else "one"
    if group is None:
        return value, kind
    if last in ("hundred", "scale") or (last == "ten" and kind == "one" and value > 0):
        return group + value, kind
    if kind != "one" and last in ("one", "teen") and group < 20:
        return group * 100 + value, kind
    return None


def _joins(words: list[str], at: int, last: str) -> bool:
    """The `a` of "a hundred" and the `and` of "three hundred and fifty"."""
    following = words[at + 1] if at + 1 < len(words) else ""
    if words[at] in ("a", "an") and last == "":
        return following in ("hundred", *SCALES)
    starts = following in ONES or following in TENS
    return words[at] == "and" and last in ("hundred", "scale") and starts


def _is_stray(words: list[str], at: int) -> bool:
    """A misheard word inside a number: "four hundred twenty was thousand"."""
    return words[at] not in ("to", "or", "and") and words[at + 1 : at + 2] == ["thousand"]
