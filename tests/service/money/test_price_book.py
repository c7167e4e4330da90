"""The price book: exact worked examples, rules that hold for any usage, and bad books."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import InvalidInput
from service.domain.money import LedgerLine, Meter, Usage
from service.money.price_book import PriceBook, Rate, load_price_book, parse_price_book
from service.money.receipt import make_receipt

SHIPPED = load_price_book(Path(__file__).parents[3] / "data" / "price_book.yaml")
TODAY = date(2026, 11, 23)


def usage(meter: Meter, provider: str, model: str, quantity: str | int) -> Usage:
    return Usage(meter=meter, provider=provider, model=model, quantity=Decimal(quantity))


def seconds(direction: str, quantity: str | int) -> Usage:
    return usage(Meter.TELEPHONY_SECONDS, "twilio", direction, quantity)


@pytest.mark.parametrize(
    ("used", "quantity", "unit", "cost"),
    [
        (seconds("outbound", 1), "1", "minute", "0.0140"),
        (seconds("outbound", 60), "1", "minute", "0.0140"),
        (seconds("outbound", 61), "2", "minute", "0.0280"),
        (seconds("outbound", 80), "2", "minute", "0.0280"),
        (seconds("outbound", 3600), "60", "minute", "0.8400"),
        (seconds("outbound", "60.000001"), "2", "minute", "0.0280"),
        (seconds("inbound", 59), "1", "minute", "0.0085"),
        (seconds("inbound", 600), "10", "minute", "0.0850"),
        (seconds("inbound", 0), "0", "minute", "0"),
        (usage(Meter.AMD_CALLS, "twilio", "amd", 1), "1", "call", "0.0075"),
        (usage(Meter.STT_AUDIO_SECONDS, "openai", "whisper-1", 60), "60", "second", "0.0060"),
        (usage(Meter.STT_AUDIO_SECONDS, "openai", "whisper-1", "3.2"), "4", "second", "0.0004"),
        (
            usage(Meter.TTS_CHARACTERS, "elevenlabs", "flash", 1000),
            "1",
            "1000 characters",
            "0.30",
        ),
        (
            usage(Meter.TTS_CHARACTERS, "elevenlabs", "multi", 123),
            "0.123",
            "1000 characters",
            "0.0369",
        ),
        (
            usage(Meter.TTS_CHARACTERS, "elevenlabs", "multi", 1),
            "0.001",
            "1000 characters",
            "0.0003",
        ),
        (usage(Meter.STT_AUDIO_SECONDS, "pocketsphinx", "en-us", "7.31"), "7.31", "second", "0"),
        (usage(Meter.STT_AUDIO_SECONDS, "faster_whisper", "base.en", "9"), "9", "second", "0"),
        (usage(Meter.PROMPT_TOKENS, "ollama", "llama3.1:8b", 812), "812", "token", "0"),
        (usage(Meter.COMPLETION_TOKENS, "ollama", "llama3.1:8b", 41), "41", "token", "0"),
        (usage(Meter.TTS_CHARACTERS, "piper", "en_US", 97), "97", "character", "0"),
    ],
)
def test_worked_examples_of_the_shipped_book(used: Usage, quantity: str, unit: str, cost: str):
    line = SHIPPED.price(used, TODAY)
    assert (line.quantity, line.unit, line.cost_usd) == (Decimal(quantity), unit, Decimal(cost))
    assert (line.meter, line.provider, line.model) == (used.meter, used.provider, used.model)
    assert line.price_book_id == SHIPPED.price_book_id


@pytest.mark.parametrize(
    ("used", "unit"),
    [
        (seconds("transfer", 61), "second"),
        (usage(Meter.TELEPHONY_SECONDS, "acme", "outbound", 61), "second"),
        (usage(Meter.PROMPT_TOKENS, "openai", "gpt-x", 61), "token"),
        (usage(Meter.TTS_CHARACTERS, "openai", "whisper-1", 61), "character"),
    ],
)
def test_unknown_rate_is_unpriced_and_never_zero(used: Usage, unit: str):
    line = SHIPPED.price(used, TODAY)
    assert (line.rate_usd, line.cost_usd) == (None, None)
    assert (line.quantity, line.unit) == (Decimal(61), unit)


def test_usage_before_the_first_rate_is_unpriced():
    assert SHIPPED.price(seconds("inbound", 5), date(2024, 12, 31)).cost_usd is None
    assert SHIPPED.price(seconds("inbound", 5), date(2025, 1, 1)).cost_usd == Decimal("0.0085")


BOOK = """
currency: USD
rates:
  - {provider: acme, model: big, meter: prompt_tokens, from: 2026-03-01, usd: 0.03,
     unit: 1000 tokens, per: 1000, increment: 1000, source: "the new list"}
  - {provider: acme, model: big, meter: prompt_tokens, from: 2025-01-01, usd: 0.02,
     unit: 1000 tokens, per: 1000, increment: 1000, source: "the old list"}
  - {provider: acme, model: "*", meter: prompt_tokens, from: 2025-01-01, usd: 0.1,
     unit: 1000 tokens, per: 1000, source: "any other"}
"""


@pytest.mark.parametrize(
    ("model", "at", "tokens", "cost"),
    [
        ("big", date(2026, 2, 28), 1, "0.02"),
        ("big", date(2026, 3, 1), 1, "0.03"),
        ("big", date(2026, 3, 1), 2001, "0.09"),
        ("small", date(2026, 3, 1), 1, "0.0001"),
        ("small", date(2026, 3, 1), 2500, "0.25"),
    ],
)
def test_latest_rate_of_the_exact_model_goes_first(model: str, at: date, tokens: int, cost: str):
    line = parse_price_book(BOOK).price(usage(Meter.PROMPT_TOKENS, "acme", model, tokens), at)
    assert line.cost_usd == Decimal(cost)


def test_id_names_the_rates_and_not_their_order_or_spelling():
    book = parse_price_book(BOOK)
    reordered = PriceBook(reversed(book.rates))
    assert reordered.price_book_id == book.price_book_id
    commented = parse_price_book("# a comment\n" + BOOK)
    assert commented.price_book_id == book.price_book_id
    dearer = parse_price_book(BOOK.replace("0.03", "0.04"))
    assert dearer.price_book_id != book.price_book_id


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("usd: 0.03", "usd: cheap"), r"rate 1 \(acme/big/prompt_tokens\).*usd"),
        (("usd: 0.03", "usd: -1"), "rate 1 .*not negative"),
        (("usd: 0.03", "usd: .nan"), "rate 1"),
        (("meter: prompt_tokens, from: 2026", "meter: smiles, from: 2026"), "rate 1 .*meter"),
        (("from: 2026-03-01", "from: someday"), "rate 1 .*from"),
        (("from: 2026-03-01", "from: 2025-01-01"), "acme/big/prompt_tokens: two rates"),
        (('source: "the new list"', "source: ''"), "rate 1 .*source"),
        (("unit: 1000 tokens, per: 1000, source", "source"), "rate 3 .*unit"),
        (("unit: 1000 tokens, per: 1000, source", "unit: x, per: 7, source"), "rate 3 .*exactly"),
        (("increment: 1000", "increment: 0"), "rate 1 .*greater than 0"),
        (('source: "any other"', 'source: "any other", discount: 5'), "rate 3 .*discount"),
        (("currency: USD", "currency: EUR"), "USD"),
        (("currency: USD", "currency: USD\nfree: yes"), "unknown keys: free"),
        (("rates:", "prices:"), "list of `rates`"),
        (("rates:", "rates: ["), "YAML"),
    ],
)
def test_bad_book_is_refused_by_entry(change: tuple[str, str], complaint: str):
    with pytest.raises(InvalidInput, match=complaint):
        parse_price_book(BOOK.replace(*change, 1))


def test_missing_file_is_named(tmp_path: Path):
    with pytest.raises(InvalidInput, match="no-such-book"):
        load_price_book(tmp_path / "no-such-book.yaml")
    (tmp_path / "bad.yaml").write_text("rates: 7")
    with pytest.raises(InvalidInput, match=r"bad\.yaml"):
        load_price_book(tmp_path / "bad.yaml")


@pytest.mark.parametrize("quantity", ["-1", "-0.001", "NaN", "Infinity"])
def test_quantity_that_cannot_be_is_refused(quantity: str):
    with pytest.raises(InvalidInput):
        SHIPPED.price(seconds("inbound", quantity), TODAY)


quantities = st.decimals(min_value=0, max_value=10**9, places=6)
keys = st.sampled_from([rate.key for rate in SHIPPED.rates] + [(Meter.AMD_CALLS, "acme", "x")])
usages = st.builds(
    lambda key, quantity: Usage(meter=key[0], provider=key[1], model=key[2], quantity=quantity),
    keys,
    quantities,
)


@given(st.lists(usages, max_size=20))
def test_total_is_the_sum_of_the_lines_to_the_last_digit(used: list[Usage]):
    lines = [SHIPPED.price(each, TODAY) for each in used]
    receipt = make_receipt(lines)
    priced = [line.cost_usd for line in lines if line.cost_usd is not None]
    assert receipt.total_usd == sum(priced, Decimal(0))
    assert receipt.unpriced_lines == len(lines) - len(priced)
    assert receipt.lines == tuple(lines)


@given(usages)
def test_line_multiplies_out_and_is_never_negative(used: Usage):
    line = SHIPPED.price(used, TODAY)
    known = any(rate.key == (used.meter, used.provider, used.model) for rate in SHIPPED.rates)
    assert (line.cost_usd is not None) == known
    if line.cost_usd is not None and line.rate_usd is not None:
        assert line.cost_usd == line.quantity * line.rate_usd >= 0


@given(keys, quantities, quantities)
def test_more_usage_never_costs_less(key: tuple[Meter, str, str], one: Decimal, more: Decimal):
    low, high = sorted((one, more))
    costs = [
        SHIPPED.price(
            Usage(meter=key[0], provider=key[1], model=key[2], quantity=quantity), TODAY
        ).cost_usd
        for quantity in (low, high)
    ]
    if None not in costs:
        assert costs[0] <= costs[1]


@given(quantities, st.sampled_from(["1", "60", "0.1", "1000", "7"]))
def test_rounding_up_reaches_the_next_multiple_and_no_further(quantity: Decimal, step: str):
    rate = Rate(
        provider="a",
        model="m",
        meter=Meter.PROMPT_TOKENS,
        valid_from=TODAY,
        usd=Decimal(1),
        unit="u",
        source="s",
        increment=Decimal(step),
    )
    units = rate.units(quantity)
    assert units % Decimal(step) == 0
    assert quantity <= units < quantity + Decimal(step)


def test_no_amount_is_ever_a_float():
    line: LedgerLine = SHIPPED.price(seconds("outbound", 61), TODAY)
    amounts = (line.quantity, line.rate_usd, line.cost_usd, make_receipt([line]).total_usd)
    assert [type(amount) for amount in amounts] == [Decimal] * 4
    for rate in SHIPPED.rates:
        assert type(rate.usd) is type(rate.per) is Decimal
