"""The demo's report for people."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

WER_GOAL = 0.25
ARROWS = {"outbound": "->", "inbound": "<-"}


def render_engines(engines: Sequence[Mapping[str, Any]]) -> Text:
    """Which engine serves each stage, and why."""
    lines = [
        f"  {engine['stage']}  {engine['name']}{' (stand-in)' if engine['is_standin'] else ''} "
        f"{engine['model']}\n       {engine['reason']}"
        for engine in engines
    ]
    return Text("\n".join(["Engines", *lines]))


def render_report(report: Mapping[str, Any], *, json_file: str | None) -> RenderableType:
    """The calls, the totals, and what to do next."""
    return Group(
        _calls(report["calls"]),
        Text(),
        _totals(report),
        Text(),
        *_caveats(report),
        Text(),
        _next(report, json_file),
    )


def _calls(calls: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(
        title="Calls (answer: silence before the agent answers, ms)",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for name in ("", "call", "outcome"):
        table.add_column(name, no_wrap=True)
    for name in ("turns", "s", "USD", "p50", "p95"):
        table.add_column(name, justify="right", no_wrap=True)
    for call in calls:
        latency = call["response_latency_ms"]
        table.add_row(
            "[green]ok[/]" if call["passed"] else "[red]NO[/]",
            f"{ARROWS[call['direction']]} {call['scenario']}",
            call["outcome"],
            str(call["turns"]),
            _or_dash(call["duration_s"]),
            _money(call["cost_usd"]),
            _or_dash(latency["p50"]),
            _or_dash(latency["p95"]),
        )
    return table


def _totals(report: Mapping[str, Any]) -> Text:
    totals = report["totals"]
    latency = totals["response_latency_ms"]
    wer = report["word_error_rate"]
    rows = {
        "calls": f"{totals['passed']} of {totals['calls']} ended as required",
        "turns": f"{totals['turns']}, {totals['measured_turns']} with a measured answer",
        "answer": f"p50 {_or_dash(latency['p50'])} ms, p95 {_or_dash(latency['p95'])} ms",
        "words wrong": "not measured" if wer is None else f"{wer:.1%} (goal {WER_GOAL:.0%})",
        "cost": f"{_money(totals['cost_usd'])} USD, {totals['unpriced_lines']} lines unpriced",
        "qualified": f"{totals['qualified_leads']} leads, "
        f"{_money(totals['cost_per_qualified_lead_usd'])} USD each",
        "waterfall": _waterfall(totals["latency_waterfall_ms"]),
        "snapshot": report["snapshot"]["path"],
    }
    return Text("\n".join(["Totals", *(f"  {name:12}{value}" for name, value in rows.items())]))


def _caveats(report: Mapping[str, Any]) -> list[Text]:
    lines = [
        Text(f"{call['scenario']}: {problem}", style="red")
        for call in report["calls"]
        for problem in _problems(call)
    ]
    lines += [Text(f"warning: {warning}", style="yellow") for warning in report["warnings"]]
    lines += [
        Text(
            f"contact not imported: line {row['line']}, {row['column']}: {row['reason']}", "yellow"
        )
        for row in report["not_imported"]
    ]
    lines += [Text(f"not dialled: {reason}", style="yellow") for reason in report["not_dialled"]]
    if report["standins"]:
        names = ", ".join(report["standins"])
        said = f"A stand-in played {names}: its words are a policy's, not a model's."
        lines.append(Text(said, style="yellow"))
    return lines


def _problems(call: Mapping[str, Any]) -> list[str]:
    wrong = [] if call["passed"] else [f"{call['outcome']}, required {call['expected_outcome']}"]
    return wrong + [f"the fact {name} is missing or wrong" for name in call["missing_facts"]]


def _next(report: Mapping[str, Any], json_file: str | None) -> Text:
    better = [engine["better"] for engine in report["engines"] if engine["better"]]
    steps = {
        'make demo DEMO_ARGS="--keep --json demo.json"': "and leave the service running, then",
        "source .venv/bin/activate": "for the command reauto",
        "reauto configs propose --from demo.json": "a better config from these figures",
        "make lab": "notebooks on the snapshot",
        **dict.fromkeys(better, "a better engine"),
    }
    if json_file not in (None, "-"):
        steps[f"less {json_file}"] = "all of this as data, with the transcripts"
    width = max(len(step) for step in steps) + 2
    return Text("\n".join(["Next", *(f"  {step:{width}}{why}" for step, why in steps.items())]))


def _waterfall(stages: Mapping[str, Mapping[str, Any]]) -> str:
    shown = [f"{name} {_or_dash(stage['p50'])}" for name, stage in stages.items() if stage["n"]]
    return " + ".join(shown) + " ms (p50 each)" if shown else "not measured"


def _money(amount: Decimal | None) -> str:
    return "-" if amount is None else f"{amount:.4f}"


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)


def log_hint(folder: Path) -> str:
    """Where to look when something went wrong."""
    return f"logs: {folder / 'logs'}"
