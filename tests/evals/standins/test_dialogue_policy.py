"""The stand-in's policy words what the prompt asks for, from the conversation it is sent alone."""

import re

import pytest
import yaml

from evals.standins import dialogue_policy
from evals.standins.dialogue_policy import answer, sample_sentences


def asked(*tasks: str, known: str = "nothing yet", words: str = "yes", turns: int = 1) -> str:
    listed = "\n".join(f"- {task}" for task in tasks)
    return answer(
        [
            {"role": "system", "content": "You are Ann, an AI assistant of Acme Homes, on a call."},
            *[{"role": "user", "content": words}] * turns,
            {"role": "system", "content": f"Stage: any\nKnown: {known}\nTasks:\n{listed}"},
        ]
    ).text


def test_it_does_the_tasks_in_their_order() -> None:
    text = asked(
        "Acknowledge: a house", "Ask for: bedrooms (how many bedrooms it has)", known="nothing"
    )

    assert text.index("a house") < text.index("bedrooms")
    assert text.endswith("?")


@pytest.mark.parametrize(
    ("known", "slot", "word"),
    [
        ("intent = selling", "timeline", "sell"),
        ("intent = buying", "timeline", "buy"),
        ("intent = renting", "price", "rent"),
        ("intent = buying", "price", "budget"),
    ],
)
def test_it_reads_the_facts_it_is_sent(known: str, slot: str, word: str) -> None:
    assert word in asked(f"Ask for: {slot} (x)", known=known)


def test_a_task_it_has_never_seen_is_worded_as_it_stands() -> None:
    assert asked("Ask for: garden (whether they want a garden)").startswith(
        "Could you tell me whether you want a garden"
    )
    assert asked("Mention: we are closed on Sunday") == "We are closed on Sunday."
    assert asked("Answer first (parking): parking is free") == "Parking is free."


def test_it_answers_who_it_is_from_the_prompt() -> None:
    assert asked("Answer first (who_is_calling): who") == "I am Ann, an AI assistant of Acme Homes."


def test_without_instructions_it_asks_to_repeat() -> None:
    assert answer([{"role": "user", "content": "hello"}]).text.endswith("?")
    assert answer([]).text


def test_its_wording_varies_and_repeats_for_the_same_conversation() -> None:
    texts = {asked("Ask for: intent (x)", turns=turns) for turns in range(1, 9)}

    assert len(texts) > 1
    assert asked("Ask for: intent (x)") == asked("Ask for: intent (x)")


def test_sample_sentences_cover_what_it_and_the_phrases_say() -> None:
    sentences = sample_sentences()
    words = set(re.findall(r"[a-z]+", " ".join(sentences).lower()))

    assert 200 < len(sentences) <= 400
    assert len(set(sentences)) == len(sentences)
    assert {"sell", "buy", "rent", "house", "condo", "apartment", "townhouse"} <= words
    assert {"one", "two", "three", "four", "five", "six", "hundred", "thousand"} <= words
    assert not any(re.search(r"[{}0-9]", sentence) for sentence in sentences)
    for wordings in dialogue_policy.QUESTIONS.values():
        for wording in wordings:
            assert any(wording.split("{")[0].strip() in sentence for sentence in sentences)


def test_sample_sentences_follow_another_config() -> None:
    path = dialogue_policy.Path(dialogue_policy.__file__).parents[2] / "data" / "agent_config.yaml"
    data = yaml.safe_load(path.read_text())
    data["persona"]["company"] = "Zebra Estates"

    sentences = sample_sentences(dialogue_policy.parse_agent_config(data))

    assert any("Zebra Estates" in sentence for sentence in sentences)
