"""Words as a recogniser hands them over: split, made uniform, and compared by sound.

Recognition gets one word in four or five wrong on the telephone, mostly by writing another word
that sounds alike ("cell" for "sell"), so words are compared by how they sound as well as by how
they are spelled.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

_WORD = re.compile(r"\$?\d[\d,]*(?:\.\d+)?[km]?\b|[a-z]+(?:'[a-z]+)?")
_CONTRACTED = {
    "dont": "don't",
    "doesnt": "doesn't",
    "didnt": "didn't",
    "isnt": "isn't",
    "cant": "can't",
    "cannot": "can't",
    "wont": "won't",
    "im": "i'm",
    "ive": "i've",
    "thats": "that's",
    "youve": "you've",
    "its": "it's",
    "gonna": "going to",
    "wanna": "want to",
    "gotta": "got to",
}
_WITH_NOT = {
    **{word: f"{word}n't" for word in ("do", "does", "did", "is", "are", "was", "were")},
    **{word: f"{word}n't" for word in ("would", "could", "should", "have", "has", "need")},
    "can": "can't",
    "will": "won't",
}
_SOUNDS = (
    (r"^kn", "n"),
    (r"^wr", "r"),
    (r"^wh", "w"),
    (r"tch|sh|ch|j", "x"),
    (r"ph", "f"),
    (r"gh", ""),
    (r"th", "t"),
    (r"ck|q", "k"),
    (r"c(?=[eiy])", "s"),
    (r"c|g", "k"),
    (r"x", "ks"),
    (r"z", "s"),
    (r"d", "t"),
    (r"b", "p"),
    (r"v", "f"),
    (r"m", "n"),
    (r"(?<!^)[hwy]", ""),
    (r"^[aeiou]+", "a"),
    (r"(?<!^)[aeiou]+", ""),
    (r"(.)\1+", r"\1"),
)
_COMPILED_SOUNDS = tuple((re.compile(pattern), to) for pattern, to in _SOUNDS)


def words_of(text: str) -> list[str]:
    """Split into lower-case words and numbers, with contractions made one way."""
    plain = text.lower().replace("\u2019", "'")
    found: list[str] = []
    for match in _WORD.finditer(plain):
        word = _CONTRACTED.get(match[0], match[0])
        if word == "not" and found and found[-1] in _WITH_NOT:
            found[-1] = _WITH_NOT[found[-1]]
        else:
            found.extend(word.split())
    return found


@lru_cache(maxsize=4096)
def sound_of(word: str) -> str:
    """A consonant skeleton in which sounds that telephone lines blur are one letter."""
    key = word.lower().replace("'", "")
    for pattern, replacement in _COMPILED_SOUNDS:
        key = pattern.sub(replacement, key)
    return key


@lru_cache(maxsize=65536)
def likeness(heard: str, word: str) -> float:
    """How alike two words are in 0..1: sound weighs 0.6, spelling 0.4."""
    if heard == word:
        return 1.0
    by_sound = _similarity(sound_of(heard), sound_of(word))
    return 0.6 * by_sound + 0.4 * _similarity(heard, word)


def closest(heard: str, candidates: Iterable[str], *, at_least: float) -> str | None:
    """The candidate most like `heard`, or None when none is alike enough."""
    best, best_score = None, at_least
    for candidate in candidates:
        score = likeness(heard, candidate)
        if score > best_score or (best is None and score >= best_score):
            best, best_score = candidate, score
    return best


def _similarity(first: str, second: str) -> float:
    longest = max(len(first), len(second))
    return 1.0 - _edits(first, second) / longest if longest else 1.0


def _edits(first: str, second: str) -> int:
    """Levenshtein distance."""
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        previous, row[0] = row[0], i
        for j, b in enumerate(second, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]
