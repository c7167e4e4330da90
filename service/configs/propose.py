"""A proposal: from what a report measured, trim the setting behind the slowest stage.

One rule, and an honest one: it changes a single setting by at most 20 %, never past a bound that
keeps calls polite, says which figures made it do so, and refuses when there is no ground to.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from service.configs.diff import Change, diff
from service.domain.agent_config import AgentConfig
from service.domain.errors import InvalidInput, Refused

FEWEST_TURNS = 20
WORTH_MS = 100.0
"""A stage faster than this at the median is left alone."""
STEP = 0.8


class StageFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One segment of the latency waterfall, in milliseconds; None where no turn had it."""

    p50: float | None
    p95: float | None
    n: int | None = None


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What a report says about waiting: the waterfall by segment."""

    latency_waterfall_ms: dict[str, StageFigures | None]
    measured_turns: int | None = None


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A config to try, what it changes, and the measured reasons."""

    config: AgentConfig
    changes: tuple[Change, ...]
    reasons: tuple[str, ...]


class _ReportedCall(msgspec.Struct, frozen=True, kw_only=True):
    turns: int = 0


class _Report(msgspec.Struct, frozen=True, kw_only=True):
    totals: Evidence
    calls: tuple[_ReportedCall, ...] = ()

    @property
    def measured_turns(self) -> int:
        """Turns behind the waterfall; without their number, all turns of the calls."""
        if self.totals.measured_turns is not None:
            return self.totals.measured_turns
        stages = self.totals.latency_waterfall_ms.values()
        counted = [stage.n for stage in stages if stage is not None and stage.n is not None]
        return max(counted) if counted else sum(call.turns for call in self.calls)


class _Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage that somebody waited for."""

    name: str
    p50_ms: float
    p95_ms: float


class _Trim(msgspec.Struct, frozen=True, kw_only=True):
    """One setting, by its two names in AgentConfig, its next value, and why it is the one."""

    part: str
    field: str
    value: int | float
    because: str


def propose(report: Mapping[str, Any], base: AgentConfig) -> Proposal:
    """Return `base` with one setting of its slowest stage trimmed.

    `report` is a demo or evaluation report. Raises InvalidInput when it holds no latency
    waterfall, Refused when it has fewer than 20 measured turns or nothing in it is worth a change.
    """
    evidence = _read(report)
    turns = evidence.measured_turns
    if turns < FEWEST_TURNS:
        raise Refused(
            f"the report has {turns} measured turns; a proposal needs at least {FEWEST_TURNS}"
        )
    reasons = [f"measured on {turns} turns"]
    for stage in _slowest_first(evidence.totals):
        figures = (
            f"{stage.name} takes {stage.p50_ms:.0f} ms at the median, {stage.p95_ms:.0f} ms at p95"
        )
        found = _trim(stage, base)
        if isinstance(found, str):
            reasons.append(f"{figures}: left alone, {found}")
            continue
        reasons.append(f"{figures}: {found.because}")
        config = _with(base, found)
        return Proposal(config=config, changes=diff(base, config), reasons=tuple(reasons))
    raise Refused("no stage is worth a change: " + "; ".join(reasons))


def _read(report: Mapping[str, Any]) -> _Report:
    try:
        return msgspec.convert(report, type=_Report)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"the report has no usable latency waterfall: {error}") from error


def _slowest_first(evidence: Evidence) -> list[_Stage]:
    stages = [
        _Stage(name=name, p50_ms=figures.p50, p95_ms=figures.p95)
        for name, figures in evidence.latency_waterfall_ms.items()
        if figures is not None and figures.p50 is not None and figures.p95 is not None
    ]
    worth = [stage for stage in stages if stage.p50_ms >= WORTH_MS]
    return sorted(worth, key=lambda stage: stage.p50_ms, reverse=True)


def _trim(stage: _Stage, base: AgentConfig) -> _Trim | str:
    """Return the trim for a stage, or why there is none."""
    rule = _RULES.get(stage.name)
    if rule is None:
        return "it has no setting of its own"
    return rule(stage, base)


def _end_of_turn(stage: _Stage, base: AgentConfig) -> _Trim | str:
    """Waiting out the longest pause shows at p95; else the pause before the check is the wait."""
    taking = base.turn_taking
    if stage.p95_ms >= 0.9 * taking.max_pause_ms:
        field, old, floor = "max_pause_ms", taking.max_pause_ms, 600
    elif taking.pause_ms >= stage.p50_ms / 2:
        field, old, floor = "pause_ms", taking.pause_ms, 160
    else:
        return "most of it is not waiting"
    return _lower(f"turn_taking.{field}", old, floor=floor, because="most of it is waiting")


def _first_token(_stage: _Stage, base: AgentConfig) -> _Trim | str:
    return _lower(
        "language_model.context_tokens",
        base.language_model.context_tokens,
        floor=2048,
        because="a shorter context is read sooner",
    )


def _synthesis(_stage: _Stage, base: AgentConfig) -> _Trim | str:
    """Speech is made in proportion to its length; faster than 0.9 would sound hurried."""
    old = base.voice.length_scale
    value = max(0.9, round(old * 0.95, 3))
    if value >= old:
        return f"voice.length_scale is at its bound, {old:g}"
    because = f"less audio is made sooner: voice.length_scale {old:g} -> {value:g}"
    return _Trim(part="voice", field="length_scale", value=value, because=because)


_RULES: dict[str, Callable[[_Stage, AgentConfig], _Trim | str]] = {
    "end_of_turn": _end_of_turn,
    "first_token": _first_token,
    "synthesis": _synthesis,
}
"""By the segment names of `service.measures.latency`."""


def _lower(setting: str, old: int, *, floor: int, because: str) -> _Trim | str:
    value = max(floor, math.ceil(old * STEP))
    if value >= old:
        return f"{setting} is at its bound, {old}"
    part, field = setting.split(".")
    return _Trim(
        part=part, field=field, value=value, because=f"{because}: {setting} {old} -> {value}"
    )


def _with(base: AgentConfig, trim: _Trim) -> AgentConfig:
    part = msgspec.structs.replace(getattr(base, trim.part), **{trim.field: trim.value})
    return msgspec.structs.replace(base, **{trim.part: part})
