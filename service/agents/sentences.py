"""Cuts a stream of text into whole sentences, each as soon as it is whole."""

import re

LONGEST = 240
"""Characters after which a sentence without an end is cut at a space, so that speech can begin."""
_ABBREVIATIONS = {"mr", "mrs", "ms", "dr", "st", "ave", "blvd", "rd", "apt", "approx", "etc"}
_ABBREVIATIONS |= {"vs", "jr", "sr", "inc", "co", "dept", "e.g", "i.e", "a.m", "p.m", "sq", "ft"}
_MARKUP = re.compile(r"[*_`#~]+|^\s*(?:[-•]|\d+[.)])\s+", re.MULTILINE)
_SPOKEN = re.compile(r"\w")
_CLOSERS = "\"')]}\u201d\u2019"
_LEFT_OVER = _CLOSERS + "?! \n\t"
_LAST_WORD = re.compile(r"([\w.]+)\.$")


class SentenceSplitter:
    """Feed it pieces of text; it gives back the sentences that have become whole.

    `?`, `!` and a line break end a sentence at once. A full stop does so when white space follows
    and it is not part of an abbreviation, an initial or a number.
    """

    def __init__(self) -> None:
        self._text = ""

    def feed(self, piece: str) -> list[str]:
        """Add text; return the sentences that are whole now."""
        self._text = (self._text + piece).lstrip(_LEFT_OVER)
        sentences = []
        while (end := self._end()) is not None:
            sentences += _spoken(self._text[:end])
            self._text = self._text[end:].lstrip(_LEFT_OVER)
        return sentences

    def flush(self) -> list[str]:
        """Return what is left as a last sentence, if there is anything to speak."""
        rest, self._text = self._text, ""
        return _spoken(rest)

    def _end(self) -> int | None:
        for at, char in enumerate(self._text[: LONGEST - 2]):
            if char in "?!\n…":
                return at + 1
            if char == "." and self._is_full_stop(at):
                return at + 1
        if len(self._text) > LONGEST:
            space = self._text.rfind(" ", 0, LONGEST)
            return space if space > 0 else LONGEST
        return None

    def _is_full_stop(self, at: int) -> bool:
        following = self._text[at + 1 : at + 2]
        if following and following in _CLOSERS:
            following = self._text[at + 2 : at + 3]
        if not following.isspace() or self._text[:at].strip().isdigit():
            return False
        word = _LAST_WORD.search(self._text[: at + 1])
        if word is None:
            return bool(_SPOKEN.search(self._text[:at]))
        last = word[1].lower()
        return last not in _ABBREVIATIONS and not (len(last) == 1 and last.isalpha())


def _spoken(text: str) -> list[str]:
    """The text without markup, as a list of one; empty when there is nothing to speak."""
    plain = " ".join(_MARKUP.sub("", text).split())
    return [plain] if _SPOKEN.search(plain) else []
