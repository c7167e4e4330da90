"""Cutting a reply short: the model's work stops, and only what was heard counts as said."""

import asyncio

import pytest

from evals.standins.ollama import OllamaStandIn
from evals.standins.ollama_wire import Fault
from service.adapters.ollama.language_model import OllamaLanguageModel
from service.agents.dialogue import DialogueFactory
from service.domain.conversation import CallerTurn, Sentence
from service.domain.errors import LanguageModelError
from service.domain.outcome import Outcome
from tests.service.agents.conversing import Talk

PATIENCE_S = 5.0


async def until(condition) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.005)


async def first_sentence(events) -> str:
    async for event in events:
        if isinstance(event, Sentence):
            return event.text
    raise AssertionError("the reply had no sentence")


@pytest.fixture
async def slow():
    """A stand-in whose replies take seconds, so that a test always comes before their end."""
    async with OllamaStandIn(first_token_ms=1, token_ms=100) as server:
        language_model = OllamaLanguageModel(server.base_url)
        yield server, language_model
        await language_model.close()


async def test_closing_the_reply_cancels_the_models_request(slow, make_brief) -> None:
    server, model = slow
    talk = Talk(DialogueFactory(model)(make_brief()))
    await talk.open()

    events = talk.dialogue.reply(CallerTurn(text="is this a sales call"))
    await first_sentence(events)
    await events.aclose()

    await until(lambda: server.cancelled == 1 and server.in_flight == 0)


async def test_cancelling_the_reader_cancels_the_models_request(slow, make_brief) -> None:
    server, model = slow
    talk = Talk(DialogueFactory(model)(make_brief()))
    await talk.open()

    async def read() -> None:
        async for _ in talk.dialogue.reply(CallerTurn(text="yes go ahead")):
            pass

    reader = asyncio.create_task(read())
    await until(lambda: server.in_flight == 1)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader

    await until(lambda: server.cancelled == 1 and server.in_flight == 0)
    await talk.dialogue.heard(agent_heard="", interrupted=True)


async def test_a_greeting_that_was_talked_over_is_said_once_more(start) -> None:
    talk = start()
    first = await first_sentence(talk.dialogue.open())
    await talk.dialogue.heard(agent_heard="Hi", interrupted=True)
    again = talk.dialogue.reply(CallerTurn(text="hello"))
    assert await first_sentence(again) == first
    await again.aclose()
    await talk.dialogue.heard(agent_heard="Hi", interrupted=True)
    assert await first_sentence(talk.dialogue.reply(CallerTurn(text="hello"))) != first


async def test_who_talks_over_the_greeting_to_say_what_they_want_is_answered(start) -> None:
    talk = start()
    first = await first_sentence(talk.dialogue.open())
    await talk.dialogue.heard(agent_heard="Hi", interrupted=True)
    answer = talk.dialogue.reply(CallerTurn(text="I want to sell my house"))
    assert await first_sentence(answer) != first


async def test_an_interrupted_question_was_not_asked_but_the_callers_words_count(start) -> None:
    talk = start()
    await talk.open()
    await talk.say("yes")

    events = talk.dialogue.reply(CallerTurn(text="I want to sell my house"))
    await first_sentence(events)
    await events.aclose()
    await talk.dialogue.heard(agent_heard="Okay,", interrupted=True)

    state = talk.dialogue.state
    assert talk.facts()["intent"] == "sell"
    assert "bedrooms" not in state.asked
    assert state.question.slots == ("intent",)
    assert state.messages[-1].text == "Okay, ..."
    await talk.say("it has three bedrooms")
    assert talk.facts()["bedrooms"] == "3"


async def test_a_summary_cut_short_confirms_only_what_was_heard(start) -> None:
    talk = start()
    await talk.open()
    for line in ("yes", "I want to sell my house", "three bedrooms", "in june"):
        await talk.say(line)

    said = []
    async for event in talk.dialogue.reply(CallerTurn(text="four hundred thousand dollars")):
        said += [event.text] if isinstance(event, Sentence) else []
    heard = " ".join(said).split(" bedroom ")[0]
    assert heard.endswith("three")
    await talk.dialogue.heard(agent_heard=heard, interrupted=True)
    await talk.say("yes yes")

    confidence = {fact.name: fact.confidence for fact in talk.dialogue.result().facts}
    assert confidence["bedrooms"] == 1.0
    assert confidence["price"] < 1.0


async def test_an_opt_out_stands_although_our_answer_was_cut_off(start, config) -> None:
    talk = start()
    await talk.open()

    events = talk.dialogue.reply(CallerTurn(text="stop calling me"))
    await anext(events)
    await events.aclose()

    assert talk.dialogue.result().outcome is Outcome.DO_NOT_CALL
    await talk.dialogue.heard(agent_heard="", interrupted=True)
    assert talk.dialogue.result().outcome is Outcome.DO_NOT_CALL
    assert await talk.say("hello") == config.phrases.opt_out


async def test_an_opt_out_counts_even_if_the_reply_never_ran(start) -> None:
    talk = start()
    await talk.open()
    events = talk.dialogue.reply(CallerTurn(text="stop calling me"))

    task = asyncio.create_task(anext(events))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await talk.dialogue.heard(agent_heard="", interrupted=True)

    assert talk.dialogue.result().outcome is Outcome.DO_NOT_CALL


async def test_the_interrupter_is_qualified_all_the_same(start) -> None:
    talk = start()
    await talk.open()
    for line in (
        "yeah yeah what is it",
        "I want to sell my house",
        "three bedrooms",
        "three months",
        "four hundred thousand",
    ):
        events = talk.dialogue.reply(CallerTurn(text=line))
        said = await first_sentence(events)
        await events.aclose()
        await talk.dialogue.heard(agent_heard=said[: len(said) // 2], interrupted=True)
    for _ in range(3):
        if talk.hung_up is None:
            await talk.say("yes that's right")

    assert talk.hung_up is Outcome.QUALIFIED


async def test_a_failing_model_raises_and_the_conversation_goes_on(start, standin) -> None:
    talk = start()
    await talk.open()
    standin.fail_next(Fault.BUSY)

    with pytest.raises(LanguageModelError):
        await talk.say("yes I want to sell my house")
    await talk.dialogue.heard(agent_heard="Sorry, could you say that again?", interrupted=False)

    assert talk.facts()["intent"] == "sell"
    assert "bedrooms" in await talk.say("I said I want to sell my house")


async def test_a_turn_must_be_closed_before_the_next(start) -> None:
    talk = start()
    async for _ in talk.dialogue.open():
        pass

    with pytest.raises(RuntimeError, match="heard"):
        await anext(talk.dialogue.reply(CallerTurn(text="hello")))


async def test_thirty_turns_leave_no_task_behind(start) -> None:
    talk = start()
    await talk.open()
    for turn in range(30):
        events = talk.dialogue.reply(CallerTurn(text="what was that again"))
        if turn % 2:
            await first_sentence(events)
        await events.aclose()
        await talk.dialogue.heard(agent_heard="", interrupted=True)

    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert [task for task in others if "langgraph" in repr(task)] == []
