"""What the caller's words do besides giving facts: agree, refuse, object, ask, postpone.

Written as wordings of real people on the telephone; a wording that recognition has mangled is
simply not heard, and the conversation asks again.
"""

import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from service.agents.opt_out import is_opt_out
from service.agents.words import likeness


class Signal(StrEnum):
    """One thing that an utterance does."""

    OPT_OUT = "opt_out"
    MACHINE = "machine"
    WRONG_NUMBER = "wrong_number"
    NOT_INTERESTED = "not_interested"
    CALLBACK = "callback"
    GOODBYE = "goodbye"
    REPEAT = "repeat"
    UNKNOWN = "unknown"
    CONTRAST = "contrast"
    YES = "yes"
    NO = "no"


class Concern(msgspec.Struct, frozen=True):
    """A question or objection of the caller's, and what the answer to it is about."""

    name: str
    answer: str


_WORDINGS: Mapping[Signal, str] = {
    Signal.MACHINE: (
        r"leave (?:me |us |a |your |an? )*(?:short |brief |detailed )?(?:message|name and)"
        r"|(?:after|at|hear) the (?:tone|beep)"
        r"|(?:can't|unable to) (?:come to|get to|take) (?:the|your) (?:phone|call)"
        r"|reached the (?:voicemail|voice mail|mailbox)|mailbox is full|voice ?mail"
        r"|record your message"
    ),
    Signal.WRONG_NUMBER: (
        r"(?:wrong|rong|rung) (?:number|numbers|person|house|guy|lady|party)"
        r"|(?:no one|nobody|no body|no such person|there's no|there is no)(?: \w+){0,2}"
        r" (?:by|with|called|named)\b|(?:doesn't|don't|does not) live here"
        r"|no longer lives here|dialed wrong|not the person you"
    ),
    Signal.NOT_INTERESTED: (
        r"(?:not|isn't|aren't|never)(?: \w+)? interested|no interest\b|uninterested"
        r"|not (?:for sale|selling|buying|moving|looking|in the market)"
        r"|don't want to (?:sell|buy|rent|move|talk)|don't need (?:anything|that|your|any|this)"
        r"|not for me|not for us|already (?:sold|bought|rented)|just (?:sold|bought)"
        r"|^(?:no )?(?:i'm|we're) (?:good|all set|fine)(?: thanks| thank you)?$"
        r"|^no (?:thanks|thank you)\b|never mind$|waste of (?:my )?time"
    ),
    Signal.CALLBACK: (
        r"(?:call|ring|phone|try)(?: me| us| you)? (?:back|later|tomorrow|another|some other)"
        r"|(?:call|ring|phone|try) (?:me|us) (?:\w+ )?"
        r"(?:again|next|on|at|after|in|tonight|this|monday|tuesday|wednesday|thursday|friday)"
        r"|call back\b|callback|another time|better time|speak later|talk later|catch me later"
        r"|(?:bad|terrible|awkward) time"
        r"|(?:not|isn't)(?: really)? (?:a|the) (?:good|great|best) time"
        r"|(?<!not )\bbusy\b|i'm driving|i'm at work|in a meeting|into a meeting|have a meeting"
        r"|in the middle of (?:something|dinner|lunch|work|a|an|it|my)"
        r"|can't (?:really )?(?:talk|speak|chat)|don't have (?:the )?time"
        r"|no time (?:right )?now|later would be"
    ),
    Signal.GOODBYE: (
        r"good ?bye|^(?:ok |okay |alright |thanks |thank you )*(?:bye|bye bye)(?: now)?$"
        r"|(?:have to|got to|need to) (?:go|run|hang up)\b|hanging up"
        r"|have a (?:good|nice) (?:day|one)"
    ),
    Signal.REPEAT: (
        r"(?:say|repeat)(?: that| it)?(?: one)?(?: more)?(?: again| time)|repeat that|pardon"
        r"|what (?:was that|did you say|do you mean)|come again|excuse me"
        r"|(?:didn't|couldn't|can't)(?: \w+)? (?:hear|catch|get|understand)"
        r"|^(?:sorry|what|huh|hello|hi|sorry what)$|speak up|breaking up"
    ),
    Signal.UNKNOWN: (
        r"don't (?:really )?(?:know|care)|not (?:really |too |quite |entirely )?(?:sure|certain)"
        r"|no idea|haven't (?:decided|thought|figured)|rather not|hard to (?:say|tell)|depends"
        r"|can't say|none of your business|no clue|to be decided|open to"
    ),
    Signal.CONTRAST: (
        r"\b(?:no|not|nope|actually|but|instead|i mean|i meant|i said|rather|sorry|wrong|except)\b"
        r"|n't\b"
    ),
    Signal.NO: (
        r"^(?:no|nope|nah|know|naw)\b(?! (?:problem|worries|that's right|doubt))|\bno no\b"
        r"|not (?:really|quite|right(?! now)|correct|exactly|now|true|it)\b|incorrect|that's wrong"
        r"|isn't (?:right|correct|it)|wasn't it|you got (?:it|that) wrong|that's not|^wrong\b"
        r"|absolutely not|of course not|\bno$"
    ),
    Signal.YES: (
        r"\b(?:yes|yeah|yep|yup|yea|ya|sure|correct|exactly|absolutely|definitely|certainly|okay"
        r"|ok|perfect|indeed|uh-huh|affirmative)\b|\bof course\b"
        r"|that's (?:it|right|fine|good)"
        r"|all ?right\b|(?<!not )\bright\b(?! now| away)|sounds (?:good|right|about right)"
        r"|go (?:ahead|on|for it)|no problem|no worries|why not|you got it|that is right"
        r"|(?:have|got) (?:a|some|one|two|five|ten)(?: few| couple)?(?: of)?"
        r" (?:minute|minutes|moment|time|second)"
        r"|(?:is|it's|now's) a good time|^good time"
        r"|i do$|it is$|speaking$|fire away|that works|i'm listening"
    ),
}
_NOT_YES = re.compile(
    r"(?:not|isn't|aren't|never|wasn't) (?:\w+ )?"
    r"(?:right|correct|sure|okay|ok|exactly|perfect|that)"
)
_COMPILED = {signal: re.compile(pattern) for signal, pattern in _WORDINGS.items()}
_CONCERNS = (
    (
        r"who(?:'s| is| are| am)(?: \w+){0,2} (?:this|calling|you|speaking|it)"
        r"|who(?:'s| is) that|what company|where are you calling from|which company",
        Concern("who_is_calling", "I am an AI assistant of the company named in your instructions"),
    ),
    (
        r"(?:are you|is this|am i talking to) (?:a |an )?"
        r"(?:real|robot|machine|computer|human|bot|ai|recording|actual|person|automated)",
        Concern("are_you_ai", "I am an AI assistant, not a person"),
    ),
    (
        r"(?:get|got|have) (?:my|this|our) (?:number|name|phone|information|details)(?! down)",
        Concern("how_got_number", "you left your number when you asked us for information"),
    ),
    (
        r"sales call|selling something|telemarket|trying to sell me|\bscam\b|\bspam\b"
        r"|what(?:'s| is) the catch|what are you selling",
        Concern("sales_call", "I am not selling anything, I only follow up on your plans"),
    ),
    (
        r"(?:have|got|working with|using|signed with|hired)(?: \w+){0,3} (?:agent|realtor|broker)"
        r"|my (?:agent|realtor|broker)"
        r"|(?:is|friend|cousin|brother|sister|wife|husband)(?: \w+){0,2} (?:realtor|estate agent)",
        Concern("has_agent", "having an agent is fine, and a second opinion from us is free"),
    ),
    (
        r"how much (?:do|does|would|is|will) (?:you|it|this|that|your)|what do you charge"
        r"|commission|your fee|your fees|does (?:it|this) cost",
        Concern("fees", "this talk is free, and a specialist can explain any fees"),
    ),
    (
        r"what(?:'s| is) (?:this|it)(?: call)? (?:about|regarding|for)|why are you calling"
        r"|what do you want|what is this|calling about",
        Concern("why_calling", "you asked us for information about selling, buying or renting"),
    ),
)
_COMPILED_CONCERNS = tuple((re.compile(pattern), concern) for pattern, concern in _CONCERNS)


def signals_in(words: list[str]) -> frozenset[Signal]:
    """Everything the utterance does. YES and NO may both be there: "yes, but not now"."""
    text = " ".join(_mended(words))
    found = {signal for signal, pattern in _COMPILED.items() if pattern.search(text)}
    if is_opt_out(words):
        found.add(Signal.OPT_OUT)
    if Signal.YES in found and _NOT_YES.search(text):
        found.discard(Signal.YES)
        found.add(Signal.NO)
    if Signal.UNKNOWN in found:
        found -= {Signal.NO, Signal.YES}
    return frozenset(found)


def concern_in(words: list[str]) -> Concern | None:
    """The question or objection that the utterance raises, if it is one we know."""
    text = " ".join(words)
    return next((each for pattern, each in _COMPILED_CONCERNS if pattern.search(text)), None)


def _mended(words: list[str]) -> list[str]:
    """`call me bag` is `call me back`: the one mangling that would lose a callback."""
    return [
        "back"
        if words[max(0, at - 2) : at] == ["call", "me"] and likeness(word, "back") >= 0.72
        else word
        for at, word in enumerate(words)
    ]
