"""Takes the thinking of a model out of the text it streams.

A server that knows a model thinks sends that text apart; one that does not leaves it in the
content between `<think>` and `</think>`. It must never be spoken.
"""

OPEN = "<think>"
CLOSE = "</think>"


class ThinkingFilter:
    """Passes on text outside `<think>...</think>`, however the stream is cut into pieces."""

    def __init__(self) -> None:
        self._held = ""
        self._thinking = False

    def feed(self, piece: str) -> str:
        """Return what of the text so far may be spoken and was not returned before."""
        self._held += piece
        spoken = ""
        while True:
            tag = CLOSE if self._thinking else OPEN
            before, found, after = self._held.partition(tag)
            if not found:
                break
            spoken += "" if self._thinking else before
            self._held = after
            self._thinking = not self._thinking
        kept = _possible_start(self._held, tag)
        passed = self._held[: len(self._held) - kept]
        self._held = self._held[len(self._held) - kept :]
        return spoken if self._thinking else spoken + passed

    def flush(self) -> str:
        """Return the rest once the stream has ended: a tag that never became whole is text."""
        rest = "" if self._thinking else self._held
        self._held = ""
        return rest


def _possible_start(text: str, tag: str) -> int:
    for length in range(min(len(tag) - 1, len(text)), 0, -1):
        if tag.startswith(text[-length:]):
            return length
    return 0
