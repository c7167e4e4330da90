"""Cost of calls and of leads, exact; what is not known stays unknown and never counts as 0."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from service.domain.money import LedgerLine


class CallCost(msgspec.Struct, frozen=True, kw_only=True):
    """What one call cost: the sum of its priced lines, None when no line is priced."""

    cost_usd: Decimal | None
    unpriced_lines: int


class CostPerLead(msgspec.Struct, frozen=True, kw_only=True):
    """Cost per qualified lead, both sums that make it, and how many calls have no known cost."""

    cost_usd: Decimal | None
    qualified_leads: int
    calls: int
    calls_without_cost: int

    @property
    def usd_per_lead(self) -> Decimal | None:
        """Ratio of sums, unrounded; None without a known cost or without a qualified lead."""
        if self.cost_usd is None or self.qualified_leads == 0:
            return None
        return self.cost_usd / self.qualified_leads


def call_cost(lines: Iterable[LedgerLine]) -> CallCost:
    """Sum the priced lines of one call and count the unpriced ones."""
    costs = [line.cost_usd for line in lines]
    priced = [cost for cost in costs if cost is not None]
    return CallCost(cost_usd=total_usd(priced), unpriced_lines=len(costs) - len(priced))


def cost_by_component(lines: Iterable[LedgerLine]) -> dict[str, CallCost]:
    """Return the cost of each component of a call, components in alphabetical order."""
    grouped: dict[str, list[LedgerLine]] = {}
    for line in lines:
        grouped.setdefault(line.component, []).append(line)
    return {component: call_cost(grouped[component]) for component in sorted(grouped)}


def total_usd(costs: Iterable[Decimal | None]) -> Decimal | None:
    """Sum the costs that are known; None when none is."""
    known = [cost for cost in costs if cost is not None]
    return sum(known, start=Decimal(0)) if known else None


def cost_per_lead(calls: Iterable[tuple[Decimal | None, bool]]) -> CostPerLead:
    """Put all calls' cost over the qualified ones: each call is (its cost, was it qualified).

    Every call pays, also the ones that brought nothing: a mean of per-call ratios would hide them.
    """
    counted = tuple(calls)
    return CostPerLead(
        cost_usd=total_usd(cost for cost, _ in counted),
        qualified_leads=sum(qualified for _, qualified in counted),
        calls=len(counted),
        calls_without_cost=sum(cost is None for cost, _ in counted),
    )
