from decimal import Decimal
from uuid import uuid4

import msgspec

from evals.callers.scenario import Required
from evals.scorers.cost import score_cost
from evals.scorers.latency import score_latency
from evals.scorers.outcome import score_outcome
from evals.scorers.score import Score
from evals.scorers.speech import recognition_errors, score_speech
from service.domain.conversation import ConversationResult, Fact
from service.domain.money import LedgerLine, Meter
from service.domain.outcome import Outcome
from service.domain.turn import Turn, TurnStamps
from service.measures.word_error_rate import total_word_errors

CALL_ID = uuid4()
REQUIRED = Required(
    outcome=Outcome.QUALIFIED,
    also_accepted=(Outcome.CALLBACK_REQUESTED,),
    facts={"intent": "sell", "bedrooms": "3"},
)


def turn(index: int, caller_said: str = "", **stamps: int) -> Turn:
    return Turn(
        call_id=CALL_ID,
        turn_index=index,
        caller_said=caller_said,
        agent_said="",
        agent_heard="",
        agent="opener",
        stamps=TurnStamps(**stamps),
    )


def line(component: str, cost_usd: Decimal | None) -> LedgerLine:
    return LedgerLine(
        component=component,
        meter=Meter.PROMPT_TOKENS,
        provider="p",
        model="m",
        quantity=Decimal(1),
        unit="token",
        rate_usd=cost_usd,
        cost_usd=cost_usd,
        price_book_id="b",
    )


def result(outcome: Outcome, **facts: str) -> ConversationResult:
    known = (
        Fact(name=name, value=value, confidence=1.0, turn_index=1) for name, value in facts.items()
    )
    return ConversationResult(outcome=outcome, facts=tuple(known))


def test_a_call_that_ends_as_required_succeeds() -> None:
    for outcome in (Outcome.QUALIFIED, Outcome.CALLBACK_REQUESTED):
        score = score_outcome(
            result(outcome, intent="Selling a house", bedrooms="three bedrooms"), REQUIRED
        )
        assert score.value is True


def test_a_wrong_outcome_a_missing_fact_and_no_result_fail_and_say_why() -> None:
    wrong = score_outcome(result(Outcome.VOICEMAIL, intent="sell", bedrooms="3"), REQUIRED)
    assert (wrong.value, wrong.detail["outcome"]) == (False, "voicemail")
    missing = score_outcome(result(Outcome.QUALIFIED, intent="sell", bedrooms="2"), REQUIRED)
    assert (missing.value, missing.detail["missing_facts"]) == (False, ["bedrooms"])
    unfinished = score_outcome(None, REQUIRED)
    assert (unfinished.value, unfinished.detail["outcome"]) == (False, None)


def test_latency_leaves_out_turns_that_have_none() -> None:
    turns = [
        turn(0, playback_started_ms=40),
        turn(1, speech_ended_ms=1000, turn_ended_ms=1200, playback_started_ms=1500),
        turn(2, speech_ended_ms=5000, turn_ended_ms=5400, playback_started_ms=5900),
    ]
    p50, p95 = score_latency(turns)
    assert (p50.value, p95.value) == (700, 880)
    assert p50.detail["measured_turns"] == 2
    assert p50.detail["waterfall_ms"] == {
        "end_of_turn": {"p50": 300, "p95": 390, "n": 2},
        "playback": {"p50": 400, "p95": 490, "n": 2},
    }


def test_a_call_without_replies_has_no_latency() -> None:
    assert [score.value for score in score_latency([turn(0)])] == [None, None]


def test_speech_counts_words_wherever_the_turns_were_cut() -> None:
    lines = ["I want to sell my house.", "It has 3 bedrooms."]
    turns = [turn(2, "it has three bathrooms"), turn(0), turn(1, "i want to sell my house")]
    score = score_speech(lines, turns)
    assert score.value == 1 / 10
    assert score.detail["substitutions"] == 1
    cut = [
        turn(0),
        turn(1, "i want to"),
        turn(2, "sell my house it has three"),
        turn(3, "bedrooms"),
    ]
    assert score_speech(lines, cut).value == 0


def test_a_silent_caller_has_no_word_error_rate_but_counts_in_the_corpus() -> None:
    silent = recognition_errors([], [turn(0), turn(1, "huh")])
    assert score_speech([], [turn(0), turn(1, "huh")]).value is None
    spoken = recognition_errors(["yes please"], [turn(1, "yes please")])
    assert total_word_errors([silent, spoken]).rate == 1 / 2


def test_cost_is_exact_and_unknown_without_a_priced_line() -> None:
    score = score_cost(
        [line("voice", Decimal("0.1")), line("voice", Decimal("0.2")), line("model", None)]
    )
    assert score.value == Decimal("0.3")
    assert score.detail == {
        "unpriced_lines": 1,
        "components_usd": {"model": None, "voice": Decimal("0.3")},
    }
    assert score_cost([line("model", None)]).value is None


def test_scores_travel_as_json() -> None:
    scores: list[Score] = [
        score_outcome(None, REQUIRED),
        *score_latency([]),
        score_speech(["a"], []),
        score_cost([line("voice", Decimal("0.1"))]),
    ]
    decoded = msgspec.json.decode(msgspec.json.encode(scores))
    assert [(entry["name"], entry["value"]) for entry in decoded] == [
        ("task_success", False),
        ("response_latency_p50_ms", None),
        ("response_latency_p95_ms", None),
        ("word_error_rate", 1.0),
        ("cost_usd", "0.1"),
    ]
