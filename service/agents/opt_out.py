"""Hears "stop calling me" in any wording, also when recognition has mangled it.

A missed opt-out breaks the law and a false one loses a lead. So a wording counts when its anchor
(stop, don't, never, take me off) stands where it belongs and what it refers to is alike; words that
only contain the anchor ("stop by the house", "don't call it a bargain") do not.
"""

import re

from service.agents.words import likeness

_CALLING = r"(?:calling|phoning|contacting|ringing|texting|dialing|bothering|harassing|pestering)"
_CALL = (
    r"(?:call|calls|phone|contact|ring|text|dial|bother|harass|pester|disturb"
    rf"|{_CALLING})"
)
_US = r"(?:me|us|here|my|this|our|again|anymore|any|ever|back|please|now|right)"
_AGAIN = r"(?:[\w']+ ){0,4}(?:again|anymore|any more|ever|no more)\b"
_LATER = (
    r"(?:[\w']+ ){0,2}(?:before|after|until|till|tomorrow|today|tonight|now|during|between|in|so"
    r"|while|when|unless|later|early|late|at (?!this|all|my)|on (?!this|my)|a|that)\b"
)
_NUMBER = r"(?:number|numb|name|phone|information|info|details|contact|data)"
_NOT_BOTHERING = r"(?:telling|asking|giving|making|letting|getting|showing|helping)"
_BETWEEN = r"(?:you|ever|to|want|please|even|dare|keep|any|more|be|these|like|wish|people|guys|try)"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:stop|quit|cease|enough) (?:[\w']+ ){{0,3}}(?:{_CALLING}(?= {_US}\b|$)|calls\b)",
        r"\b(?:stop|quit) call(?: in)? (?:me|us)\b",
        rf"\b(?:stop|quit) (?!{_NOT_BOTHERING})[\w']+ing (?:me|us)\b",
        r"^(?:please |just )*stop(?: it| please| now| stop)*$",
        rf"\b(?:don't|never|not) (?:{_BETWEEN} )*{_CALL} {_AGAIN}",
        rf"\b(?:don't|never|not) (?:{_BETWEEN} )*{_CALL}$",
        rf"\b(?:don't|never|not) (?:{_BETWEEN} )*{_CALL} "
        rf"(?:me|us|here|my|this|our|back|please)\b(?! {_LATER})",
        rf"\b(?:rather|wish|prefer)(?: [\w']+){{0,2}} didn't {_CALL}\b",
        r"\bdon't (?!get|tell|ask|give|make|let)[\w']+ (?:me|us) (?:again|anymore|any more|ever)\b",
        r"\bdon't want (?:[\w']+ )?to be (?:called|phoned|contacted|bothered)\b",
        r"\bdon't want(?: [\w']+){0,4} calls\b",
        r"\bno more (?:[\w']+ )?(?:calls|calling|contact)\b",
        r"\bkeep calling\b",
        r"\b(?:do|don't|no) call (?:list|registry)\b",
        rf"\b(?:take|remove|delete|get|scratch|pull|drop|strike|erase|want) "
        rf"(?:me|us|may|this|(?:my|our|this) (?:[\w']+ )?{_NUMBER}) (?:[\w']+ ){{0,3}}"
        r"(?:off|from|of|out)\b(?: [\w']+){0,3} (?:list|database|system|records)\b",
        rf"\b(?:delete|remove|erase|lose|forget) (?:my|our|this) (?:[\w']+ )?{_NUMBER}\b",
        r"\boff (?:of )?(?:your|the calling|this calling) (?:[\w']+ )?list\b",
        r"\bleave (?:me|us) alone\b",
        r"\bunsubscribe\b|\bopt(?: me)? out\b",
    )
)
_LIST_OWNERS = {"your", "you're", "the", "this", "that", "calling", "call", "mailing", "our"}


def is_opt_out(words: list[str]) -> bool:
    """Whether the caller asks not to be called again."""
    text = " ".join(_mended(words))
    return any(pattern.search(text) for pattern in _PATTERNS)


def _mended(words: list[str]) -> list[str]:
    """Write the words that carry an opt-out as they were meant, where their neighbours agree."""
    mended = list(words)
    for at, word in enumerate(words):
        before = mended[at - 1] if at else ""
        after = words[at + 1] if at + 1 < len(words) else ""
        if after in ("calling", "phoning") and likeness(word, "stop") >= 0.64:
            mended[at] = "stop"
        elif before == "stop" and after in ("me", "us", "may") and _alike(word, "calling"):
            mended[at] = "calling"
        elif before == "calling" and word == "may":
            mended[at] = "me"
        elif before in _LIST_OWNERS and _alike(word, "list"):
            mended[at] = "list"
    return mended


def _alike(word: str, meant: str) -> bool:
    return likeness(word, meant) >= 0.78
