"""Receipts: what a call cost, line by line, and the same as text."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from service.domain.money import LedgerLine, Receipt
from service.money.exact import exact_arithmetic

_WIDTHS = "{:<18} {:<30} {:>12} {:<16} {:>10} {:>12}"


def make_receipt(lines: Iterable[LedgerLine]) -> Receipt:
    """Sum the priced lines and count the unpriced ones; all of them stay on the receipt."""
    kept = tuple(lines)
    with exact_arithmetic():
        total = sum((line.cost_usd for line in kept if line.cost_usd is not None), Decimal(0))
    unpriced = sum(line.cost_usd is None for line in kept)
    return Receipt(lines=kept, total_usd=total, unpriced_lines=unpriced)


def render_receipt(receipt: Receipt) -> str:
    """Return the receipt as text, one row per thing bought; lines of a turn are added up."""
    rows = [_WIDTHS.format("component", "from", "quantity", "unit", "rate USD", "cost USD")]
    rows += [_row(line) for line in _added_up(receipt.lines)]
    rows.append(_WIDTHS.format("total", "", "", "", "", _amount(receipt.total_usd)))
    if receipt.unpriced_lines:
        rows.append(f"{receipt.unpriced_lines} unpriced lines are not in the total")
    return "\n".join(rows)


def _row(line: LedgerLine) -> str:
    return _WIDTHS.format(
        line.component,
        f"{line.provider} {line.model}",
        f"{line.quantity.normalize():f}",
        line.unit,
        "unpriced" if line.rate_usd is None else _amount(line.rate_usd),
        "unpriced" if line.cost_usd is None else _amount(line.cost_usd),
    )


def _amount(usd: Decimal) -> str:
    """At least four decimals, and all that there are: a receipt rounds nothing away."""
    exponent = usd.normalize().as_tuple().exponent
    decimals = max(4, -exponent) if isinstance(exponent, int) else 4
    return f"{usd:.{decimals}f}"


def _added_up(lines: Iterable[LedgerLine]) -> list[LedgerLine]:
    """Join lines that differ only in quantity and cost. Each is rounded already, so sums hold."""
    joined: dict[tuple[object, ...], LedgerLine] = {}
    with exact_arithmetic():
        for line in lines:
            key = (line.component, line.meter, line.provider, line.model, line.unit, line.rate_usd)
            before = joined.get(key)
            joined[key] = line if before is None else _plus(before, line)
    return list(joined.values())


def _plus(left: LedgerLine, right: LedgerLine) -> LedgerLine:
    cost = None
    if left.cost_usd is not None and right.cost_usd is not None:
        cost = left.cost_usd + right.cost_usd
    return msgspec.structs.replace(left, quantity=left.quantity + right.quantity, cost_usd=cost)
