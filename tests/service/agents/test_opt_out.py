"""An opt-out in any wording, mangled ones included, and wordings that only look like one."""

import pytest

from service.agents.opt_out import is_opt_out
from service.agents.words import words_of
from service.domain.outcome import Outcome

OPT_OUTS = (
    "stop calling me",
    "please stop calling",
    "don't call me again",
    "do not call this number anymore",
    "take me off your list",
    "remove my number from your list",
    "never call here again",
    "I told you not to call me",
    "quit calling us",
    "put me on your do not call list",
    "leave me alone",
    "lose my number",
    "I don't want any more calls",
    "no more calls please",
    "would you people stop contacting me",
    "delete my number from your database",
    "I want off your list",
    "unsubscribe me",
    "I want to opt out",
    "stop",
    "don't ever phone me again",
    "please don't call back",
    "I'd rather you didn't call again",
    "get me off this calling list",
    "stop harassing my family",
    "don't call me at this number",
    "I don't want to be called again",
    "why do you keep calling me",
)
MANGLED = (
    "stop cooling me",
    "top calling me",
    "stop calling may",
    "stock calling me please",
    "stop call in me",
    "don't go me again",
    "take me off your lest",
    "take me of your list",
    "take me off you're last",
    "remove my numb from the list",
    "please stop the calls and",
)
NEAR_MISSES = (
    "stop by the house",
    "you could stop by any time",
    "don't call it a bargain",
    "I don't call that a fair price",
    "call me back tomorrow",
    "don't call me before five call me after",
    "don't hesitate to call me",
    "don't forget to call me back",
    "they never called me back",
    "the last agent did not call us back",
    "I stopped by your office",
    "I can't stop thinking about that house",
    "don't call me tomorrow call me on friday",
    "the bus stop is near the house",
    "I never got your call",
    "take it off the market",
    "I want to list my house",
    "we need to get out of the lease",
    "I don't mind you calling me",
    "don't call me while I'm driving",
    "not today call me next week",
    "stop there I want to ask something",
    "a house off the main road",
    "don't call the other agent",
    "no more than three hundred thousand",
    "off the record it's three bedrooms",
    "I do not have my phone number here",
)


@pytest.mark.parametrize("text", OPT_OUTS + MANGLED)
def test_is_an_opt_out(text: str) -> None:
    assert is_opt_out(words_of(text))


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_is_not_an_opt_out(text: str) -> None:
    assert not is_opt_out(words_of(text))


@pytest.mark.parametrize("asked", ["is now a good time", "bedrooms"])
async def test_an_opt_out_ends_the_call_with_the_fixed_phrase(start, config, asked: str) -> None:
    talk = start()
    await talk.open()
    if asked == "bedrooms":
        await talk.say("yes I want to sell my house")

    said = await talk.say("you know what, take me off your list")

    assert said == config.phrases.opt_out
    assert talk.hung_up is Outcome.DO_NOT_CALL
    assert talk.dialogue.result().outcome is Outcome.DO_NOT_CALL
