"""Usage as measured and ledger lines as priced, in Decimals of US dollars."""

from decimal import Decimal
from enum import StrEnum

import msgspec


class Meter(StrEnum):
    """What is counted. The value is the name stored with every usage."""

    TELEPHONY_SECONDS = "telephony_seconds"
    AMD_CALLS = "amd_calls"
    STT_AUDIO_SECONDS = "stt_audio_seconds"
    PROMPT_TOKENS = "prompt_tokens"
    COMPLETION_TOKENS = "completion_tokens"
    TTS_CHARACTERS = "tts_characters"


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Raw usage: how much of which meter at which provider and model. Never an amount of money."""

    meter: Meter
    provider: str
    model: str
    quantity: Decimal


class LedgerLine(msgspec.Struct, frozen=True, kw_only=True):
    """A priced usage. Without a rate in the book `rate_usd` and `cost_usd` are None, never 0.

    `quantity` and `unit` are what was billed, after rounding up to the rate's increment.
    """

    component: str
    meter: Meter
    provider: str
    model: str
    quantity: Decimal
    unit: str
    rate_usd: Decimal | None
    cost_usd: Decimal | None
    price_book_id: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a call cost, line by line. `total_usd` sums the priced lines only."""

    lines: tuple[LedgerLine, ...]
    total_usd: Decimal
    unpriced_lines: int
