"""The demo's report joins the snapshot with the callers' account, and says what is missing."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pandas as pd
import pytest
from rich.console import Console

from cli.demo.cast import cast
from cli.demo.render import render_report
from cli.demo.report import as_json, build_report
from evals.callers.scenario import load_scenario
from service.domain.call import Direction
from service.domain.conversation import Fact
from service.domain.ids import new_id
from service.domain.outcome import Outcome
from service.domain.turn import Turn
from service.web.schemas import Transcript

SCENARIOS = {name: load_scenario(name) for name in ("interested_seller", "stop_calling")}


class Frames:
    """Answers the two queries of the report from rows."""

    id = "wb-1"
    path = Path("snapshots/wb-1.duckdb")

    def __init__(self, calls: list[dict[str, Any]], turns: list[dict[str, Any]]) -> None:
        self._tables = {"call_facts": pd.DataFrame(calls), "turn_facts": pd.DataFrame(turns)}

    def sql(self, query: str) -> pd.DataFrame:
        return self._tables[query.rsplit(maxsplit=1)[-1]]


def call(call_id: UUID, outcome: Outcome, cost_usd: Decimal | None) -> dict[str, Any]:
    return {
        "call_id": str(call_id),
        "direction": "outbound",
        "outcome": outcome.value,
        "turns": 2,
        "duration_s": 30,
        "cost_usd": cost_usd,
        "unpriced_lines": 0 if cost_usd else 1,
        "response_latency_p50_ms": 900.0,
        "response_latency_p95_ms": 1200.0,
        "stt_engine": "pocketsphinx:en-us",
        "llm_engine": "ollama:m",
        "tts_engine": "piper:v",
    }


def leg(sid: str, scenario: str, *lines: str) -> dict[str, Any]:
    spoken = [{"text": line, "cut_short": False} for line in lines]
    return {
        "sid": sid,
        "scenario": scenario,
        "lines": spoken,
        "heard": [],
        "gaps": [],
        "response_latencies_ms": [910.0, None],
    }


@pytest.fixture
def report() -> dict[str, Any]:
    seller, stopped = new_id(), new_id()
    facts = (
        Fact(name="intent", value="sell", confidence=1.0, turn_index=1),
        Fact(name="property_type", value="house", confidence=1.0, turn_index=1),
    )
    said = {seller: "i want to sell", stopped: "please stop colin me"}
    turns = [
        {"call_id": str(call_id), "response_latency_ms": 900, "end_of_turn_took_ms": 700}
        for call_id in said
    ]
    transcripts = {
        str(call_id): Transcript(
            call_id=call_id,
            turns=(
                Turn(
                    call_id=call_id,
                    turn_index=0,
                    caller_said=text,
                    agent_said="ok",
                    agent_heard="ok",
                    agent="opener",
                ),
            ),
            outcome=Outcome.QUALIFIED if call_id == seller else Outcome.ABANDONED,
            facts=facts if call_id == seller else (),
            summary="",
        )
        for call_id, text in said.items()
    }
    rows = [
        call(seller, Outcome.QUALIFIED, Decimal("0.0355")),
        call(stopped, Outcome.ABANDONED, None),
    ]
    return build_report(
        snapshot=Frames(rows, turns),  # type: ignore[arg-type]
        network=[
            leg("CA1", "interested_seller", "I want to sell."),
            leg("CA2", "stop_calling", "Please stop calling me."),
        ],
        calls=[
            {"call_id": str(seller), "twilio_sid": "CA1"},
            {"call_id": str(stopped), "twilio_sid": "CA2"},
        ],
        scenarios=SCENARIOS,
        transcript=transcripts.__getitem__,
        engines=[
            {"stage": "llm", "name": "ollama", "model": "m", "is_standin": True, "better": "b"}
        ],
        warnings=(),
        not_dialled=("no consent",),
        not_imported=({"line": 8, "column": "phone", "reason": "not a number"},),
    )


def test_each_call_is_judged_by_its_scenario(report: dict[str, Any]) -> None:
    passed = {row["scenario"]: row["passed"] for row in report["calls"]}
    assert passed == {"interested_seller": True, "stop_calling": False}
    assert report["totals"]["passed"] == 1


def test_totals_add_up_and_missing_stays_missing(report: dict[str, Any]) -> None:
    totals = report["totals"]
    assert totals["cost_usd"] == Decimal("0.0355")
    assert totals["cost_per_qualified_lead_usd"] == Decimal("0.0355")
    assert totals["unpriced_lines"] == 1
    assert report["calls"][1]["cost_usd"] is None
    assert totals["latency_waterfall_ms"]["end_of_turn"] == {"p50": 700, "p95": 700, "n": 2}
    assert report["word_error_rate"] == pytest.approx(1 / 8)


def test_the_json_has_numbers_and_names_the_stand_in(report: dict[str, Any]) -> None:
    data = json.loads(msgspec.json.encode(as_json(report)))
    assert data["totals"]["cost_usd"] == 0.0355
    assert data["standins"] == ["llm: ollama"]
    assert data["snapshot"] == {"id": "wb-1", "path": "snapshots/wb-1.duckdb"}


def test_people_are_told_what_failed_and_what_was_left_out(report: dict[str, Any]) -> None:
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(render_report(report, json_file="demo.json"))
    text = console.export_text()
    for words in (
        "abandoned, required do_not_call",
        "not dialled: no consent",
        "line 8",
        "stand-in",
    ):
        assert words in text


def test_a_cast_over_the_scenarios_plays_them_again_on_other_numbers() -> None:
    roles = cast(20)
    assert len({role.phone for role in roles}) == 20
    assert [role.is_copy for role in roles[:8]] == [False] * 8
    first = roles[:8]
    assert sum(role.scenario.direction is Direction.OUTBOUND for role in first) == 6
