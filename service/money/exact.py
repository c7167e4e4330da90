"""Decimal arithmetic in which a result that would have to be rounded is an error."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import (
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    localcontext,
)

from service.domain.errors import InvalidInput

_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """Compute with 60 digits and round nothing. Raises InvalidInput where rounding is needed."""
    with localcontext(_EXACT):
        try:
            yield
        except DecimalException as error:
            raise InvalidInput(
                "an amount cannot be computed exactly in 60 decimal digits"
            ) from error


def round_up(quantity: Decimal, *, increment: Decimal) -> Decimal:
    """Return the smallest multiple of `increment` that is not less than `quantity`."""
    whole, rest = divmod(quantity, increment)
    return (whole + (1 if rest else 0)) * increment
