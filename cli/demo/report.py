"""The demo's report: what the snapshot says of each call, against what its scenario requires."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pandas as pd

from evals.callers.scenario import Scenario
from evals.scorers.outcome import score_outcome
from evals.scorers.speech import recognition_errors
from pipelines.snapshot import Snapshot
from service.domain.conversation import ConversationResult
from service.domain.outcome import Outcome
from service.measures.latency import percentiles
from service.measures.word_error_rate import WordErrors, total_word_errors
from service.web.schemas import Transcript

QUALIFIED = Outcome.QUALIFIED.value


def build_report(
    *,
    snapshot: Snapshot,
    network: Sequence[Mapping[str, Any]],
    calls: Sequence[Mapping[str, Any]],
    scenarios: Mapping[str, Scenario],
    transcript: Callable[[str], Transcript],
    engines: Sequence[Mapping[str, Any]],
    warnings: Sequence[str],
    not_dialled: Sequence[str],
    not_imported: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Join the snapshot with the callers' own account of each call.

    `passed` of a call is whether its outcome and facts are what its scenario requires. Money stays
    Decimal; a value that was not measured is None.
    """
    facts = snapshot.sql("SELECT * FROM call_facts")
    turns = snapshot.sql("SELECT * FROM turn_facts")
    sid_of = {str(call["call_id"]): call["twilio_sid"] for call in calls}
    leg_of = {leg["sid"]: leg for leg in network}
    rows = []
    for fact in facts.to_dict("records"):
        call_id = str(fact["call_id"])
        leg = leg_of[sid_of[call_id]]
        scenario = scenarios[leg["scenario"]]
        call = _call(
            fact={str(name): value for name, value in fact.items()},
            leg=leg,
            scenario=scenario,
            transcript=transcript(call_id),
        )
        rows.append(call)
    standins = [
        f"{engine['stage']}: {engine['name']}" for engine in engines if engine["is_standin"]
    ]
    counted = [row["word_errors"] for row in rows if row["word_errors"] is not None]
    return {
        "calls": rows,
        "totals": _totals(rows, turns),
        "word_error_rate": total_word_errors(counted).rate,
        "engines": list(engines),
        "standins": standins,
        "warnings": list(warnings),
        "not_dialled": list(not_dialled),
        "not_imported": list(not_imported),
        "snapshot": {"id": snapshot.id, "path": str(snapshot.path)},
    }


def _call(
    *,
    fact: Mapping[str, Any],
    leg: Mapping[str, Any],
    scenario: Scenario,
    transcript: Transcript,
) -> dict[str, Any]:
    score = score_outcome(_result(transcript), scenario.expected)
    lines = [line["text"] for line in leg["lines"] if not line["cut_short"]]
    return {
        "call_id": str(fact["call_id"]),
        "direction": fact["direction"],
        "scenario": scenario.name,
        "outcome": fact["outcome"],
        "expected_outcome": scenario.expected_outcome.value,
        "passed": score.value,
        "missing_facts": score.detail["missing_facts"],
        "facts": {found.name: found.value for found in transcript.facts},
        "turns": int(fact["turns"]),
        "duration_s": _number(fact["duration_s"]),
        "cost_usd": None if pd.isna(fact["cost_usd"]) else fact["cost_usd"],
        "unpriced_lines": int(fact["unpriced_lines"]),
        "response_latency_ms": {
            "p50": _number(fact["response_latency_p50_ms"]),
            "p95": _number(fact["response_latency_p95_ms"]),
        },
        "heard_latency_ms": [ms for ms in leg["response_latencies_ms"] if ms is not None],
        "audible_gaps": len(leg["gaps"]),
        "engines": {stage: fact[f"{stage}_engine"] for stage in ("stt", "llm", "tts")},
        "caller_lines": lines,
        "caller_heard": [heard["text"] for heard in leg["heard"]],
        "word_errors": _word_errors(lines, transcript),
        "transcript": [
            {
                "turn_index": turn.turn_index,
                "caller": turn.caller_said,
                "agent": turn.agent_heard,
                "agent_name": turn.agent,
                "interrupted": turn.interrupted,
            }
            for turn in transcript.turns
        ],
    }


def _result(transcript: Transcript) -> ConversationResult | None:
    if transcript.outcome is None:
        return None
    return ConversationResult(
        outcome=transcript.outcome, facts=transcript.facts, summary=transcript.summary
    )


def _word_errors(lines: Sequence[str], transcript: Transcript) -> WordErrors | None:
    """Lines that a caller cut short are not in `lines`; a machine's words nobody transcribes."""
    if not lines or transcript.outcome is Outcome.VOICEMAIL:
        return None
    return recognition_errors(lines, transcript.turns)


def _totals(rows: Sequence[Mapping[str, Any]], turns: pd.DataFrame) -> dict[str, Any]:
    known = (row["cost_usd"] for row in rows)
    cost_usd = sum((cost for cost in known if cost is not None), Decimal(0))
    qualified = sum(row["outcome"] == QUALIFIED for row in rows)
    latencies = [float(ms) for ms in turns["response_latency_ms"].dropna()]
    return {
        "calls": len(rows),
        "passed": sum(row["passed"] for row in rows),
        "turns": int(sum(row["turns"] for row in rows)),
        "duration_s": sum(row["duration_s"] or 0 for row in rows),
        "cost_usd": cost_usd,
        "unpriced_lines": sum(row["unpriced_lines"] for row in rows),
        "qualified_leads": qualified,
        "cost_per_qualified_lead_usd": cost_usd / qualified if qualified else None,
        "response_latency_ms": _percentiles(latencies),
        "latency_waterfall_ms": {
            column.removesuffix("_took_ms"): _percentiles(
                [float(ms) for ms in turns[column].dropna()]
            )
            for column in turns.columns
            if column.endswith("_took_ms")
        },
        "measured_turns": len(latencies),
        "audible_gaps": sum(row["audible_gaps"] for row in rows),
    }


def _percentiles(values: Sequence[float]) -> dict[str, float | None]:
    found = percentiles(values)
    if found is None:
        return {"p50": None, "p95": None, "n": 0}
    return {"p50": round(found.p50), "p95": round(found.p95), "n": found.n}


def _number(value: Any) -> int | None:
    return None if pd.isna(value) else round(value)


def as_json(report: Mapping[str, Any]) -> msgspec.Raw:
    """Encode for `--json`: amounts of money as numbers with all their digits."""
    return msgspec.Raw(msgspec.json.Encoder(decimal_format="number").encode(report))
