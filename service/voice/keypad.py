"""Keypad digits, gathered until the caller pauses."""

DIGIT_WAIT_MS = 1_500
MAX_DIGITS = 32
"""More than any number one would key in; the rest of a flood is dropped."""


class Keypad:
    """One call's keypad."""

    def __init__(self) -> None:
        self._digits = ""
        self._pressed_at_ms = 0

    def press(self, digit: str, at_ms: int) -> None:
        """A key was pressed: 0-9, *, # or A-D."""
        self._digits = (self._digits + digit)[:MAX_DIGITS]
        self._pressed_at_ms = at_ms

    def take(self, at_ms: int) -> str:
        """The digits, once no further one has come for `DIGIT_WAIT_MS`; else nothing."""
        if not self._digits or at_ms - self._pressed_at_ms < DIGIT_WAIT_MS:
            return ""
        digits, self._digits = self._digits, ""
        return digits
