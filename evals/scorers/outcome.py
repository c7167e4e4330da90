"""Did the call end as its scenario requires: the outcome, and the facts that it had to bring."""

from evals.callers.scenario import Required
from evals.scorers.score import Score
from service.domain.conversation import ConversationResult
from service.measures.spoken_form import spoken_words

NAME = "task_success"
VERSION = 1


def score_outcome(result: ConversationResult | None, required: Required) -> Score:
    """True when the outcome is accepted and every required fact contains its text.

    A call that has no result did not end as required. Texts are compared as they are spoken.
    """
    accepted = (required.outcome, *required.also_accepted)
    found = result.outcome if result is not None else None
    missing = _missing_facts(result, required)
    return Score(
        name=NAME,
        version=VERSION,
        value=found in accepted and not missing,
        detail={
            "outcome": found.value if found is not None else None,
            "accepted": [outcome.value for outcome in accepted],
            "missing_facts": missing,
        },
    )


def _missing_facts(result: ConversationResult | None, required: Required) -> list[str]:
    facts = result.facts if result is not None else ()
    values = {fact.name: _spoken(fact.value) for fact in facts}
    return [
        name
        for name, text in required.facts.items()
        if name not in values or _spoken(text) not in values[name]
    ]


def _spoken(text: str) -> str:
    return " ".join(spoken_words(text))
