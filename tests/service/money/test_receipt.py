"""Receipts and the meter: whole calls, from seconds to the printed total."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from service.domain.call import Call, CallStatus, Direction
from service.domain.ids import new_id
from service.domain.money import Meter, Usage
from service.money.meter import leg_usage
from service.money.price_book import load_price_book
from service.money.receipt import make_receipt, render_receipt

BOOK = load_price_book(Path(__file__).parents[3] / "data" / "price_book.yaml")
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def call(direction: Direction) -> Call:
    return Call(
        call_id=new_id(),
        direction=direction,
        from_number="+15551230001",
        to_number="+15551230002",
        status=CallStatus.IN_PROGRESS,
        config_id="c" * 64,
        created_at=NOW,
    )


def receipt_of(usages: tuple[Usage, ...] | list[Usage]):
    return make_receipt(BOOK.price(usage, NOW.date()) for usage in usages)


@pytest.mark.parametrize(
    ("direction", "seconds", "total"),
    [
        (Direction.INBOUND, 0.2, "0.0085"),
        (Direction.INBOUND, 60, "0.0085"),
        (Direction.INBOUND, 60.2, "0.0170"),
        (Direction.INBOUND, Decimal("119.999"), "0.0170"),
        (Direction.OUTBOUND, 0, "0.0215"),
        (Direction.OUTBOUND, -3.5, "0.0215"),
        (Direction.OUTBOUND, 42, "0.0215"),
        (Direction.OUTBOUND, 61, "0.0355"),
        (Direction.OUTBOUND, 600, "0.1475"),
    ],
)
def test_leg_costs_whole_minutes_and_detection_when_outbound(direction, seconds, total):
    assert receipt_of(leg_usage(call(direction), seconds=seconds)).total_usd == Decimal(total)


def test_whole_call_with_premium_voice_and_hosted_recognition():
    usages = [
        *leg_usage(call(Direction.OUTBOUND), seconds=133),
        Usage(
            meter=Meter.STT_AUDIO_SECONDS,
            provider="openai",
            model="whisper-1",
            quantity=Decimal("41.3"),
        ),
        Usage(meter=Meter.TTS_CHARACTERS, provider="elevenlabs", model="x", quantity=Decimal(734)),
        Usage(meter=Meter.PROMPT_TOKENS, provider="ollama", model="l", quantity=Decimal(5120)),
    ]
    # 3 x 0.0140 + 0.0075 + 42 x 0.0001 + 0.734 x 0.30
    assert receipt_of(usages).total_usd == Decimal("0.2739")


def test_empty_receipt_costs_nothing():
    receipt = make_receipt([])
    assert (receipt.total_usd, receipt.unpriced_lines, receipt.lines) == (Decimal(0), 0, ())


def test_unpriced_line_is_counted_and_shown_and_not_in_the_total():
    unknown = Usage(meter=Meter.PROMPT_TOKENS, provider="acme", model="m", quantity=Decimal(900))
    receipt = receipt_of([*leg_usage(call(Direction.INBOUND), seconds=10), unknown])
    assert (receipt.total_usd, receipt.unpriced_lines) == (Decimal("0.0085"), 1)
    text = render_receipt(receipt)
    assert "acme m" in text
    assert "1 unpriced lines are not in the total" in text


def test_text_adds_up_the_lines_of_the_turns():
    words = [
        Usage(meter=Meter.TTS_CHARACTERS, provider="elevenlabs", model="x", quantity=Decimal(n))
        for n in (100, 23, 877)
    ]
    receipt = receipt_of(words)
    rows = render_receipt(receipt).splitlines()
    assert len(rows) == 3
    assert rows[1].split() == [
        "text_to_speech", "elevenlabs", "x", "1", "1000", "characters", "0.3000", "0.3000",
    ]  # fmt: skip
    assert rows[-1].split() == ["total", "0.3000"]


def test_receipt_survives_json_without_becoming_a_float():
    receipt = receipt_of(leg_usage(call(Direction.OUTBOUND), seconds=61))
    data = msgspec.json.encode(receipt)
    assert b'"total_usd":"0.0355"' in data
    assert msgspec.json.decode(data, type=type(receipt)) == receipt
