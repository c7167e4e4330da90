"""What somebody says to what they made out of the agent's words."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.callers.mind import Mind
from evals.callers.scenario import Scenario, load_all, load_scenario, parse_scenario
from service.domain.call import Direction
from service.domain.errors import InvalidInput
from service.domain.outcome import Outcome

SELLER = load_scenario("interested_seller")


def said(scenario: Scenario, *heard: str) -> list[str]:
    mind = Mind(scenario)
    return [mind.reply(words).line for words in heard]


def test_a_whole_conversation_is_answered_question_by_question() -> None:
    assert said(
        SELLER,
        "hi maria this is alex is now a good time to talk",
        "are you looking to sell buy or rent",
        "got it selling what kind of property is it a house a condo or an apartment",
        "how many bedrooms does it have",
        "when would you like to sell",
        "what price do you have in mind",
        "so you would like to sell a three bedroom house is that right",
        "a colleague will call you soon goodbye",
    ) == [
        *("good_time", "sell_house", "property", "bedrooms", "timeline", "price", "yes", "bye"),
    ]


def test_the_question_counts_and_not_the_echo_before_it() -> None:
    heard = "got it selling a three bedroom house when would you like to sell"
    assert said(SELLER, "are you looking to sell buy or rent", heard) == [
        *("sell_house", "timeline"),
    ]


def test_a_question_asked_again_after_an_echo_is_not_taken_for_another() -> None:
    asked = "are you looking to sell buy or rent"
    assert said(SELLER, asked, f"got it a house sorry i missed that {asked}") == [
        *("sell_house", "sell_house_again"),
    ]


def test_a_wrong_value_is_corrected_twice_at_most() -> None:
    wrong = "so you want to buy a house is that right"
    assert said(SELLER, wrong, wrong, wrong) == ["no_selling", "no_selling", "yes"]
    assert said(SELLER, "a two bedroom condo is that correct") == ["no_house"]
    assert said(SELLER, "a three bedroom house is that correct") == ["yes"]


def test_a_correction_is_repeated_when_asked_what_was_wrong() -> None:
    heard = ("you want to rent is that right", "sorry about that which part is wrong")
    assert said(SELLER, *heard) == ["no_selling", "no_selling"]


def test_a_question_asked_again_is_answered_in_other_words() -> None:
    asked = "are you looking to sell buy or rent"
    assert said(SELLER, asked, asked, asked) == [
        *("sell_house", "sell_house_again", "sell_house_again"),
    ]


def test_nothing_made_out_asks_to_repeat_and_then_goes_on() -> None:
    assert said(SELLER, "", "", "", "") == ["again", "again", "good_time", "sell_house"]


def test_what_fits_nothing_gets_the_next_thing_to_say() -> None:
    assert said(SELLER, "the weather is lovely") == ["good_time"]


def test_a_script_comes_before_everything_but_a_goodbye() -> None:
    buyer = load_scenario("buyer_with_objection")
    assert said(buyer, "is now a good time to talk", "i only have a few questions") == [
        *("objection", "go_ahead"),
    ]
    stop = load_scenario("stop_calling")
    assert said(stop, "is now a good time to talk") == ["stop"]


def test_patience_ends() -> None:
    mind = Mind(SELLER)
    replies = [mind.reply("what") for _ in range(SELLER.patience.turns + 1)]
    assert [reply.parting for reply in replies].index(True) == SELLER.patience.turns
    assert replies[-1].line == "bye"


AGENT_WORDS = (
    *("sell", "buy", "rent", "house", "condo", "bedrooms", "when", "price", "is that right"),
    *("correct", "sorry", "again", "goodbye", "good time", "which part", "wrong", "a", "three"),
)


@settings(max_examples=200)
@given(
    st.sampled_from([each for each in load_all() if each.converses]),
    st.lists(st.lists(st.sampled_from(AGENT_WORDS), max_size=12), min_size=1, max_size=30),
)
def test_whatever_is_heard_there_is_something_to_say_and_an_end(
    scenario: Scenario, turns: list[list[str]]
) -> None:
    mind = Mind(scenario)
    for number, words in enumerate(turns, start=1):
        reply = mind.reply(" ".join(words))
        assert reply.line in scenario.lines
        if number > scenario.patience.turns:
            assert reply.parting


def test_the_demo_has_its_people() -> None:
    expected = {
        "interested_seller": Outcome.QUALIFIED,
        "buyer_with_objection": Outcome.QUALIFIED,
        "interrupter": Outcome.QUALIFIED,
        "stop_calling": Outcome.DO_NOT_CALL,
        "silent": Outcome.NO_RESPONSE,
        "answering_machine": Outcome.VOICEMAIL,
        "inbound_seller": Outcome.QUALIFIED,
        "inbound_callback": Outcome.CALLBACK_REQUESTED,
    }
    scenarios = {each.name: each for each in load_all()}
    assert expected.items() <= {n: s.expected_outcome for n, s in scenarios.items()}.items()
    inbound = [name for name, each in scenarios.items() if each.direction is Direction.INBOUND]
    assert {"inbound_seller", "inbound_callback"} <= set(inbound)
    assert len({each.phone for each in scenarios.values()}) == len(scenarios)
    assert len({each.voice for each in scenarios.values() if each.lines}) >= 7


def test_only_the_required_end_state_is_accepted() -> None:
    interrupter = load_scenario("interrupter")
    assert interrupter.accepts(Outcome.QUALIFIED)
    assert interrupter.accepts(Outcome.CALLBACK_REQUESTED)
    assert not interrupter.accepts(Outcome.ABANDONED)
    assert not interrupter.accepts(None)
    assert not SELLER.accepts(Outcome.CALLBACK_REQUESTED)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: [", "not valid"),
        ("name: x", "missing required field"),
        ((Path("evals/scenarios/silent.yaml").read_text() + "colour: red"), "colour"),
        ((Path("evals/scenarios/silent.yaml").read_text() + "opening: hello"), "hello"),
    ],
)
def test_a_scenario_that_is_not_valid_says_why(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        parse_scenario(text)


def test_a_scenario_that_is_not_there_is_named() -> None:
    with pytest.raises(InvalidInput, match="nobody"):
        load_scenario("nobody")


def test_a_goodbye_ends_the_talk_but_not_one_misheard_in_a_question() -> None:
    assert not Mind(SELLER).reply("how soon are you hoping goodbye").parting
    assert Mind(SELLER).reply("a specialist will call you thank you for your time goodbye").parting
