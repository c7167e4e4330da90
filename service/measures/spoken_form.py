"""Text as it is spoken: the words that two transcripts are compared by.

The rules, in order: case is folded and accents that only decorate letters stay; typographic
apostrophes become plain ones; `$`, `%` and `&` are read out; digits become words; everything that
is not a letter or an inner apostrophe separates words; `okay` is `ok`; the optional `and` inside a
number ("two hundred and fifty") is dropped, so that `250` and both ways to say it are equal.

Digits are read as English cardinals ("1,250" is "one thousand two hundred fifty"), decimals digit
by digit after "point", ordinals as ordinals, and digit by digit when they begin with 0 or have more
than seven digits, as telephone numbers are. A year said in pairs ("nineteen ninety") is not `1990`.
"""

import re

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred"))
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_NUMBER_WORDS = frozenset(_ONES) | frozenset(_TENS[2:])
_LONGEST_CARDINAL = 7

_SIGNS = str.maketrans({"\u2019": "'", "\u2018": "'", "%": " percent ", "&": " and "})
_MONEY = re.compile(r"\$\s*(\d[\d,]*(?:\.\d+)?)(\s+(?:hundred|thousand|million|billion)\b)?")
_THOUSANDS = re.compile(r"(?<=\d)k\b")
_NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?(st|nd|rd|th)?")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


def spoken_words(text: str) -> tuple[str, ...]:
    """Return the words of `text` as they are spoken, by the rules of this module."""
    plain = text.casefold().translate(_SIGNS)
    plain = _MONEY.sub(r"\1\2 dollars", _THOUSANDS.sub(" thousand", plain))
    spelled = _NUMBER.sub(_read_number, plain)
    words = ["ok" if word == "okay" else word for word in _WORD.findall(spelled)]
    return tuple(_without_number_and(words))


def cardinal(number: int) -> tuple[str, ...]:
    """Read a whole number from 0 to 999,999,999 as English words, without "and"."""
    if number < len(_ONES):
        return (_ONES[number],)
    for size, name in _SCALES:
        if number >= size:
            head, rest = divmod(number, size)
            return (*cardinal(head), name, *(cardinal(rest) if rest else ()))
    tens, ones = divmod(number, 10)
    return (_TENS[tens], *((_ONES[ones],) if ones else ()))


def _read_number(match: re.Match[str]) -> str:
    digits, decimals, suffix = match.group(1).replace(",", ""), match.group(2), match.group(3)
    if len(digits) > _LONGEST_CARDINAL or (digits.startswith("0") and len(digits) > 1):
        words: tuple[str, ...] = _digit_by_digit(digits)
    else:
        words = cardinal(int(digits))
    if decimals:
        words = (*words, "point", *_digit_by_digit(decimals))
    elif suffix:
        words = (*words[:-1], _ordinal(words[-1]))
    return f" {' '.join(words)} "


def _digit_by_digit(digits: str) -> tuple[str, ...]:
    return tuple(_ONES[int(digit)] for digit in digits)


def _ordinal(word: str) -> str:
    if word in _ORDINALS:
        return _ORDINALS[word]
    return f"{word[:-1]}ieth" if word.endswith("y") else f"{word}th"


def _without_number_and(words: list[str]) -> list[str]:
    followers = [*words[1:], ""]
    return [
        word
        for before, word, after in zip(["", *words], words, followers, strict=False)
        if not (
            word == "and"
            and before in {"hundred", "thousand", "million"}
            and after in _NUMBER_WORDS
        )
    ]
