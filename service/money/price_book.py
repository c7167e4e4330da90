"""The price book: dated rates that turn usage into ledger lines, in Decimal only."""

import hashlib
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import Meta

from service.domain.errors import InvalidInput
from service.domain.money import LedgerLine, Meter, Usage
from service.money.exact import exact_arithmetic, round_up

ANY_MODEL = "*"
_ID_DIGITS = 16
_COMPONENTS = {
    Meter.TELEPHONY_SECONDS: "telephony",
    Meter.AMD_CALLS: "machine_detection",
    Meter.STT_AUDIO_SECONDS: "speech_to_text",
    Meter.PROMPT_TOKENS: "language_model",
    Meter.COMPLETION_TOKENS: "language_model",
    Meter.TTS_CHARACTERS: "text_to_speech",
}
_RAW_UNITS = {
    Meter.TELEPHONY_SECONDS: "second",
    Meter.AMD_CALLS: "call",
    Meter.STT_AUDIO_SECONDS: "second",
    Meter.PROMPT_TOKENS: "token",
    Meter.COMPLETION_TOKENS: "token",
    Meter.TTS_CHARACTERS: "character",
}

Name = Annotated[str, Meta(min_length=1, max_length=200)]
_Key = tuple[Meter, str, str]


class Rate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The price `usd` of one `unit`, which is `per` of the meter, from a day (`from`) on.

    The meter is first rounded up to a multiple of `increment`, where there is one.
    """

    provider: Name
    model: Name
    meter: Meter
    valid_from: date = msgspec.field(name="from")
    usd: Decimal
    unit: Name
    source: Name
    per: Decimal = Decimal(1)
    increment: Decimal | None = None

    def __post_init__(self) -> None:
        amounts = (self.usd, self.per, self.increment or Decimal(1))
        if not all(amount.is_finite() for amount in amounts) or self.usd < 0:
            raise ValueError("amounts must be finite numbers, and `usd` not negative")
        if self.per <= 0 or (self.increment is not None and self.increment <= 0):
            raise ValueError("`per` and `increment` must be greater than 0")
        try:
            self.units(Decimal(1))
        except InvalidInput as error:
            raise ValueError(
                "`per` does not divide the meter exactly: state the price of a smaller unit"
            ) from error

    @property
    def key(self) -> _Key:
        """What the rate is for."""
        return (self.meter, self.provider, self.model)

    def units(self, quantity: Decimal) -> Decimal:
        """Return the billed units of a metered quantity."""
        with exact_arithmetic():
            if self.increment is not None:
                quantity = round_up(quantity, increment=self.increment)
            return quantity / self.per


class PriceBook:
    """Rates by meter, provider and model. Equal rates in any order are one book, of one id."""

    def __init__(self, rates: Iterable[Rate]) -> None:
        self.rates = tuple(sorted(rates, key=lambda rate: (rate.key, rate.valid_from)))
        self._by_key: dict[_Key, list[Rate]] = {}
        for rate in self.rates:
            dated = self._by_key.setdefault(rate.key, [])
            if dated and dated[-1].valid_from == rate.valid_from:
                raise InvalidInput(f"{_title(rate)}: two rates from {rate.valid_from}")
            dated.append(rate)
        content = msgspec.json.encode(self.rates, order="sorted")
        self.price_book_id = hashlib.sha256(content).hexdigest()[:_ID_DIGITS]

    def price(self, usage: Usage, at: date) -> LedgerLine:
        """Price a usage by the rates of a day (UTC); without a rate the line is unpriced.

        cost = usd * ceil(quantity / increment) * increment / per. Raises InvalidInput for a
        quantity that is negative or no number.
        """
        if not usage.quantity.is_finite() or usage.quantity < 0:
            raise InvalidInput(f"a usage of {usage.quantity} {usage.meter} cannot be priced")
        rate = self._rate(usage, at)
        if rate is None:
            return self._line(usage, usage.quantity, _RAW_UNITS[usage.meter])
        quantity = rate.units(usage.quantity)
        line = self._line(usage, quantity, rate.unit)
        with exact_arithmetic():
            cost = quantity * rate.usd
        return msgspec.structs.replace(line, rate_usd=rate.usd, cost_usd=cost)

    def _rate(self, usage: Usage, at: date) -> Rate | None:
        for model in (usage.model, ANY_MODEL):
            dated = self._by_key.get((usage.meter, usage.provider, model), [])
            valid = [rate for rate in dated if rate.valid_from <= at]
            if valid:
                return valid[-1]
        return None

    def _line(self, usage: Usage, quantity: Decimal, unit: str) -> LedgerLine:
        return LedgerLine(
            component=_COMPONENTS[usage.meter],
            meter=usage.meter,
            provider=usage.provider,
            model=usage.model,
            quantity=quantity,
            unit=unit,
            rate_usd=None,
            cost_usd=None,
            price_book_id=self.price_book_id,
        )


def load_price_book(path: Path) -> PriceBook:
    """Read data/price_book.yaml or one like it. Raises InvalidInput naming the file and entry."""
    try:
        return parse_price_book(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the price book {path} cannot be read: {error}") from error
    except InvalidInput as error:
        raise InvalidInput(f"the price book {path}: {error}") from error


def parse_price_book(text: str) -> PriceBook:
    """Read a book from YAML. Raises InvalidInput naming the entry and what is wrong with it."""
    try:
        # BaseLoader leaves every scalar a string, so that no price is ever a float.
        data = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506
    except yaml.YAMLError as error:
        raise InvalidInput(f"not valid YAML: {error}") from error
    if not isinstance(data, dict) or not isinstance(data.get("rates"), list):
        raise InvalidInput("must be a mapping with `currency` and a list of `rates`")
    if data.get("currency") != "USD":
        raise InvalidInput("`currency` must be USD")
    unknown = sorted(set(data) - {"currency", "rates"})
    if unknown:
        raise InvalidInput(f"unknown keys: {', '.join(unknown)}")
    return PriceBook(_rate(entry, number) for number, entry in enumerate(data["rates"], start=1))


def _rate(entry: Any, number: int) -> Rate:
    try:
        return msgspec.convert(entry, type=Rate, strict=False)
    except msgspec.ValidationError as error:
        keys = ("provider", "model", "meter")
        named = "/".join(str(entry.get(key)) for key in keys) if isinstance(entry, dict) else entry
        raise InvalidInput(f"rate {number} ({named}): {error}") from error


def _title(rate: Rate) -> str:
    return f"{rate.provider}/{rate.model}/{rate.meter}"
