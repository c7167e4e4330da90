"""Prices out of the caller's words: "around three fifty", "between four and five hundred thousand".

A value is whole US dollars as digits, or two of them joined by a hyphen for a range.
"""

from service.agents.numbers import Number, numbers_in

_MONEY_WORDS = {"dollars", "dollar", "bucks", "usd"}
_NOT_MONEY = {"bedroom", "bedrooms", "bed", "beds", "bath", "baths", "bathroom", "month", "months"}
_NOT_MONEY |= {"year", "years", "week", "weeks", "day", "days", "square", "percent", "acres"}
_NOT_MONEY |= {"people", "kids", "children", "minutes", "hours", "o'clock"}
SMALLEST_SALE_USD = 10_000
SMALLEST_RENT_USD = 200


def price_in(words: list[str], *, generous: bool, intent: str | None) -> str | None:
    """The price named in the words; `generous` takes a bare number, as an answer to the question.

    People leave out the thousands ("three fifty" for a house) but not in a monthly rent.
    """
    monthly = intent == "rent" or (intent is None and bool({"month", "rent"} & set(words)))
    numbers = [n for n in numbers_in(words) if not _counts_something_else(words, n)]
    named = [n for n in numbers if n.scaled or _is_money(words, n)]
    chosen = named or (numbers if generous else [])
    if not chosen:
        return None
    last = chosen[-1]
    pair = _range(words, numbers, last)
    values = [_dollars(n, last, monthly=monthly) for n in pair or (last,)]
    if min(values) < (SMALLEST_SALE_USD if intent in ("sell", "buy") else SMALLEST_RENT_USD):
        return None
    return "-".join(str(value) for value in values)


def _counts_something_else(words: list[str], number: Number) -> bool:
    after = words[number.end : number.end + 2]
    if after[:1] and after[0] in _NOT_MONEY:
        return True
    return not number.scaled and number.value < 20 and after[:1] not in ([], ["to"], ["and"])


def _is_money(words: list[str], number: Number) -> bool:
    after = words[number.end : number.end + 2]
    return bool(after) and (
        after[0] in _MONEY_WORDS
        or (number.value >= SMALLEST_RENT_USD and after in (["a", "month"], ["per", "month"]))
    )


def _range(words: list[str], numbers: list[Number], last: Number) -> tuple[Number, Number] | None:
    """The number before `last`, when "to", "and" or "or" joins them as a range."""
    before = [n for n in numbers if n.end == last.start - 1]
    if not before or words[last.start - 1] not in ("to", "and", "or"):
        return None
    first = before[0]
    between = "between" in words[max(0, first.start - 1) : first.start]
    return (first, last) if between or words[last.start - 1] != "and" else None


def _dollars(number: Number, last: Number, *, monthly: bool) -> int:
    """Borrow the scale of the last number of a range, and the thousands nobody says."""
    value = number.value
    if not number.scaled and last.scaled and value < last.value / 100:
        value *= 10 ** (len(str(int(last.value))) - len(str(int(value))))
    if not monthly and value < 1_000 and not number.scaled:
        value *= 1_000
    return round(value)
