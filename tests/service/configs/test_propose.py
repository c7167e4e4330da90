"""Proposals: the slowest stage's setting, bounded steps, and honest refusals."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.configs.propose import propose
from service.domain.agent_config import canonical_json, parse_agent_config
from service.domain.errors import InvalidInput, Refused
from service.measures.latency import SEGMENTS


def report(*, turns: int = 40, **stages: tuple[float, float]):
    waterfall = {name: {"p50": p50, "p95": p95, "n": turns} for name, (p50, p95) in stages.items()}
    return {"totals": {"latency_waterfall_ms": waterfall}}


def changed(proposal) -> dict[str, tuple[object, object]]:
    return {change.field: (change.before, change.after) for change in proposal.changes}


@pytest.mark.parametrize(
    ("stages", "change"),
    [
        (
            {"end_of_turn": (400, 1210), "first_token": (120, 200)},
            {"turn_taking.max_pause_ms": (1200, 960)},
        ),
        (
            {"end_of_turn": (310, 420), "first_token": (120, 200)},
            {"turn_taking.pause_ms": (200, 160)},
        ),
        (
            {"end_of_turn": (310, 420), "first_token": (700, 900)},
            {"language_model.context_tokens": (4096, 3277)},
        ),
        (
            {"end_of_turn": (310, 420), "synthesis": (500, 650)},
            {"voice.length_scale": (1.0, 0.95)},
        ),
        (
            {"transcription": (800, 900), "synthesis": (500, 650)},
            {"voice.length_scale": (1.0, 0.95)},
        ),
    ],
)
def test_slowest_stage_that_has_a_setting_is_trimmed(config, stages, change):
    proposal = propose(report(**stages), config)
    assert changed(proposal) == change
    assert proposal.config.config_id != config.config_id


def test_reasons_state_the_figures(config):
    proposal = propose(report(transcription=(812, 990), end_of_turn=(400, 1210)), config)
    assert proposal.reasons == (
        "measured on 40 turns",
        "transcription takes 812 ms at the median, 990 ms at p95: left alone, "
        "it has no setting of its own",
        "end_of_turn takes 400 ms at the median, 1210 ms at p95: most of it is waiting: "
        "turn_taking.max_pause_ms 1200 -> 960",
    )


def test_proposals_stop_at_their_bounds(config):
    measured = report(end_of_turn=(900, 1300))
    steps = []
    for _ in range(4):
        config = propose(measured, config).config
        steps.append(config.turn_taking.max_pause_ms)
    assert steps == [960, 768, 615, 600]
    with pytest.raises(Refused, match=r"turn_taking\.max_pause_ms is at its bound, 600"):
        propose(measured, config)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (report(turns=19, end_of_turn=(400, 1210)), "19 measured turns"),
        (report(), "0 measured turns"),
        (report(end_of_turn=(90, 95), first_token=(99, 140)), "no stage is worth"),
        (report(transcription=(400, 500), playback=(300, 400)), "no setting of its own"),
        (report(end_of_turn=(500, 600)), "not waiting"),
    ],
)
def test_no_ground_no_proposal(config, bad, reason):
    with pytest.raises(Refused, match=reason):
        propose(bad, config)


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"totals": {}},
        {"totals": {"latency_waterfall_ms": [1]}},
        {"totals": {"latency_waterfall_ms": {"end_of_turn": {"p50": "slow", "p95": 1}}}},
    ],
)
def test_report_without_a_waterfall_is_bad_input(config, bad):
    with pytest.raises(InvalidInput, match="no usable latency waterfall"):
        propose(bad, config)


def test_turns_are_counted_from_the_calls_when_the_waterfall_does_not_say(config):
    plain = {"totals": {"latency_waterfall_ms": {"first_token": {"p50": 400, "p95": 500}}}}
    with pytest.raises(Refused, match="12 measured turns"):
        propose({**plain, "calls": [{"turns": 7, "outcome": "x"}, {"turns": 5}]}, config)
    assert propose({**plain, "calls": [{"turns": 20}]}, config).changes


def test_number_of_measured_turns_in_the_report_goes_first(config):
    measured = report(turns=40, first_token=(400, 500))
    measured["totals"]["measured_turns"] = 19
    with pytest.raises(Refused, match="19 measured turns"):
        propose(measured, config)


def test_missing_stage_is_passed_over(config):
    measured = report(first_token=(400, 500))
    measured["totals"]["latency_waterfall_ms"]["synthesis"] = None
    measured["totals"]["latency_waterfall_ms"]["sending"] = {"p50": None, "p95": None, "n": 0}
    assert changed(propose(measured, config)) == {"language_model.context_tokens": (4096, 3277)}


names = st.sampled_from([name for name, _ in SEGMENTS])
milliseconds = st.floats(min_value=0, max_value=5000)


@given(stages=st.dictionaries(names, st.tuples(milliseconds, milliseconds)))
def test_one_setting_moves_by_a_fifth_at_most_and_the_config_stays_valid(stages):
    base = parse_agent_config(BASE)
    try:
        proposal = propose(report(**stages), base)
    except Refused:
        return
    (change,) = proposal.changes
    assert 0.8 * change.before <= change.after < change.before
    assert parse_agent_config(canonical_json(proposal.config)) == proposal.config


WORDS = (
    "greeting_outbound greeting_inbound silent_goodbye goodbye opt_out voicemail apology "
    "drain_goodbye"
)
BASE = msgspec.json.encode(
    {
        "name": "base",
        "persona": {"agent_name": "Ada", "company": "Acme"},
        "phrases": {"reprompts": ["Hello?"], **dict.fromkeys(WORDS.split(), "Words.")},
        "agents": [{"name": "opener", "prompt": "Open."}],
    }
)
