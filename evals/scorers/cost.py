"""What a call cost, by component."""

from collections.abc import Sequence

from evals.scorers.score import Score
from service.domain.money import LedgerLine
from service.measures.cost import call_cost, cost_by_component

NAME = "cost_usd"
VERSION = 1


def score_cost(ledger: Sequence[LedgerLine]) -> Score:
    """Return the exact sum of the priced lines; None when no line is priced."""
    cost = call_cost(ledger)
    components = cost_by_component(ledger)
    return Score(
        name=NAME,
        version=VERSION,
        value=cost.cost_usd,
        detail={
            "unpriced_lines": cost.unpriced_lines,
            "components_usd": {name: part.cost_usd for name, part in components.items()},
        },
    )
