"""Times out of the caller's words: when they want to move, and when to call them back.

A timeline is a short phrase made uniform: "3 months", "end of summer", "next spring", "june",
"as soon as possible", "flexible".
"""

from service.agents.numbers import ONES, TENS
from service.agents.words import closest

_UNITS = ("day", "days", "week", "weeks", "month", "months", "year", "years")
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_SEASONS = (
    *("spring", "summer", "fall", "autumn", "winter"),
    *("christmas", "thanksgiving", "easter", "holidays"),
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_AMBIGUOUS = {"march", "may", "fall", "spring"}
_LEADING = {"in", "by", "the", "this", "next", "of", "before", "until", "late", "early", "around"}
_LEADING |= {"during", "after", "end", "mid", "since"}
_VAGUE_NUMBERS = {"few": "a few", "several": "several", "couple": "2"}
_SOON = ("as soon as possible", "right away", "immediately", "asap", "quickly", "as fast as")
_GENEROUS_SOON = ("soon", "right now", "now", "today", "tomorrow", "this week")
_FLEXIBLE = (
    *("no rush", "no hurry", "not in a hurry", "not in a rush", "whenever", "flexible"),
    *("no timeline", "no particular time", "just looking", "any time", "anytime"),
)
_BEFORE_A = {"in", "within", "about", "maybe", "than", "another", "say", "like", "around"}
_PAST = {"ago", "old"}
_DAY_PARTS = ("morning", "afternoon", "evening", "noon", "lunch")


def timeline_in(words: list[str], *, generous: bool) -> str | None:
    """When they want to move; `generous` when that was the question."""
    text = f" {' '.join(words)} "
    if any(f" {phrase} " in text for phrase in _SOON):
        return "as soon as possible"
    span = _span(words, generous=generous)
    if span is not None:
        return span
    calendar = _calendar(words, generous=generous)
    if calendar is not None:
        return calendar
    if generous and any(f" {phrase} " in text for phrase in _FLEXIBLE):
        return "flexible"
    text = text.replace(" from now ", " ")
    if generous and any(f" {phrase} " in text for phrase in _GENEROUS_SOON):
        return "as soon as possible"
    return None


def callback_time_in(words: list[str]) -> str | None:
    """When to call back, as a phrase that reads after "call you": "tomorrow afternoon"."""
    day = next((word for word in words if word in ("tomorrow", "tonight", *_WEEKDAYS)), None)
    part = next((part for word in words for part in _DAY_PARTS if word in (part, f"{part}s")), None)
    if day is None and "next" in words[:-1] and words[words.index("next") + 1] in _UNITS:
        return f"next {words[words.index('next') + 1]}"
    span = _span(words, generous=False)
    if span is None and "hour" in words:
        span = "an hour"
    if day is None and part is None and span is not None:
        return f"in {span}"
    spoken_day = f"on {day.capitalize()}" if day in _WEEKDAYS else day
    if part is not None:
        place = {"noon": "at noon", "lunch": "after lunch"}.get(part, f"in the {part}")
        if spoken_day in (None, "tonight"):
            return place
        return f"{spoken_day} {part if place.startswith('in') else place}"
    clock = _clock(words)
    if spoken_day or clock:
        return " ".join(each for each in (spoken_day, clock) if each)
    return "later today" if "today" in words else None


def _clock(words: list[str]) -> str | None:
    for at, word in enumerate(words[:-1]):
        hour = words[at + 1]
        if word in ("at", "after", "around") and (hour in ONES or hour.isdigit()):
            return f"{word} {hour}"
    return None


def _span(words: list[str], *, generous: bool) -> str | None:
    """A number of days, weeks, months or years from now."""
    for at, word in enumerate(words):
        unit = word if word in _UNITS else None
        if unit is None and generous and len(word) >= 4:
            unit = closest(word, _UNITS, at_least=0.85)
        if unit is None or _is_past(words, at):
            continue
        if words[at + 1 : at + 3] == ["or", "two"]:
            return f"1 or 2 {unit.rstrip('s')}s"
        if words[max(0, at - 2) : at] == ["half", "a"] and unit == "year":
            return "6 months"
        number = _count_before(words, at)
        if number is not None:
            return f"{number} {unit.rstrip('s')}{'' if number == '1' else 's'}"
    return None


def _count_before(words: list[str], at: int) -> str | None:
    before = words[max(0, at - 3) : at]
    if before[-1:] == ["of"]:
        before = before[:-1]
    if not before:
        return None
    word = before[-1]
    if word in _VAGUE_NUMBERS:
        return _VAGUE_NUMBERS[word]
    if word.isdigit():
        return word
    if word in ONES or word in TENS:
        ten = TENS.get(before[-2], 0) if len(before) > 1 and word in ONES else 0
        return str(ten + (ONES.get(word) or TENS.get(word) or 0))
    if word == "a" and (len(before) == 1 or before[-2] in _BEFORE_A):
        return "1"
    return None


def _calendar(words: list[str], *, generous: bool) -> str | None:
    """This or next something, a month, a season, or the end of one."""
    for at, word in enumerate(words):
        lead = words[max(0, at - 4) : at]
        end = "end of " if "end" in lead else "early " if "early" in lead else ""
        near = next((each for each in reversed(lead) if each in ("next", "this")), None)
        if word in ("week", "month", "year") and (near or end) and not _is_past(words, at):
            return f"{end}{near or 'the'} {word}"
        if word in MONTHS or word in _SEASONS:
            leads = any(each in _LEADING for each in lead)
            if word in _AMBIGUOUS and not leads and not (generous and len(words) <= 3):
                continue
            return f"{end}{f'{near} ' if near else ''}{word}"
    return None


def _is_past(words: list[str], at: int) -> bool:
    before = words[max(0, at - 4) : at]
    return bool(_PAST & set(words[at + 1 : at + 2])) or bool({"for", "last", "past"} & set(before))
