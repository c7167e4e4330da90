from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.money import LedgerLine, Meter
from service.measures.cost import (
    CallCost,
    call_cost,
    cost_by_component,
    cost_per_lead,
    total_usd,
)

costs = st.none() | st.decimals(
    min_value=0, max_value=1000, places=9, allow_nan=False, allow_infinity=False
)


def line(cost_usd: Decimal | None, *, component: str = "telephony") -> LedgerLine:
    return LedgerLine(
        component=component,
        meter=Meter.TELEPHONY_SECONDS,
        provider="twilio",
        model="outbound",
        quantity=Decimal(60),
        unit="minute",
        rate_usd=cost_usd,
        cost_usd=cost_usd,
        price_book_id="book",
    )


def test_a_call_without_priced_lines_has_no_cost_rather_than_none_spent() -> None:
    assert call_cost([]) == CallCost(cost_usd=None, unpriced_lines=0)
    assert call_cost([line(None)]) == CallCost(cost_usd=None, unpriced_lines=1)
    assert call_cost([line(Decimal(0))]) == CallCost(cost_usd=Decimal(0), unpriced_lines=0)


def test_components_are_summed_apart_and_exactly() -> None:
    lines = [
        line(Decimal("0.0140")),
        line(Decimal("0.000000001")),
        line(None, component="voice"),
        line(Decimal("0.3"), component="voice"),
    ]
    assert cost_by_component(lines) == {
        "telephony": CallCost(cost_usd=Decimal("0.014000001"), unpriced_lines=0),
        "voice": CallCost(cost_usd=Decimal("0.3"), unpriced_lines=1),
    }


def test_cost_per_lead_is_a_ratio_of_sums_over_all_calls() -> None:
    found = cost_per_lead(
        [(Decimal("0.10"), True), (Decimal("0.30"), False), (None, False), (Decimal("0.20"), True)]
    )
    assert found.usd_per_lead == Decimal("0.30")
    assert found.calls_without_cost == 1


def test_cost_per_lead_is_unknown_without_leads_or_costs() -> None:
    assert cost_per_lead([(Decimal("0.10"), False)]).usd_per_lead is None
    assert cost_per_lead([(None, True)]).usd_per_lead is None
    assert cost_per_lead([]).usd_per_lead is None


@settings(deadline=None)
@given(st.lists(st.tuples(costs, st.booleans()), max_size=20))
def test_no_cent_is_lost_and_nothing_unknown_is_added(
    calls: list[tuple[Decimal | None, bool]],
) -> None:
    found = cost_per_lead(calls)
    known = [cost for cost, _ in calls if cost is not None]
    assert found.cost_usd == total_usd(known)
    assert (found.cost_usd is None) == (not known)
    assert found.calls_without_cost + len(known) == len(calls)


@settings(deadline=None)
@given(st.lists(costs, max_size=20))
def test_a_calls_cost_is_the_sum_of_its_components(values: list[Decimal | None]) -> None:
    lines = [line(cost, component=f"c{index % 3}") for index, cost in enumerate(values)]
    parts = cost_by_component(lines).values()
    assert total_usd(part.cost_usd for part in parts) == call_cost(lines).cost_usd
    assert sum(part.unpriced_lines for part in parts) == call_cost(lines).unpriced_lines
