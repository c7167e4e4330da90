"""Templates: their grammar, what is sampled from them, and that every word can be pronounced."""

from pathlib import Path

import pytest

from service.domain.errors import InvalidInput
from service.voice.engines.caller_language import CallerLanguage, load_caller_language
from service.voice.engines.caller_model import SAMPLES_PER_TEMPLATE, unpronounceable

SLOTS = {"room": ["kitchen", "{size} bedroom"], "size": ["small", "big"]}


def language(*templates: str, openers: tuple[str, ...] = ("well",)) -> CallerLanguage:
    return CallerLanguage(slots=SLOTS, openers=list(openers), templates=list(templates))


def plain(sentences: list[str]) -> set[str]:
    return {sentence.removeprefix("well ") for sentence in sentences}


def test_every_option_of_a_choice_is_sampled() -> None:
    sampled = language("i (like|do not like) it").sentences(per_template=1)
    assert plain(sampled) == {"i like it", "i do not like it"}


def test_slots_hold_slots_and_an_empty_choice_means_nothing() -> None:
    sampled = language("the {room} (please|)").sentences(per_template=60)
    assert plain(sampled) == {
        f"the {room}{end}"
        for room in ("kitchen", "small bedroom", "big bedroom")
        for end in ("", " please")
    }


def test_some_sentences_get_an_opener() -> None:
    sampled = language("(one|two|three|four|five|six|seven|eight)").sentences(per_template=8)
    opened = [sentence for sentence in sampled if sentence.startswith("well ")]
    assert 0 < len(opened) < 8


def test_a_template_is_sampled_alike_whatever_stands_before_it() -> None:
    alone = language("see the {room} (now|later)").sentences(per_template=3)
    after = language("(yes|no)", "see the {room} (now|later)").sentences(per_template=3)
    assert [sentence for sentence in after if "see" in sentence] == alone


@pytest.mark.parametrize(
    ("sentence", "is_yielded"),
    [
        ("see the small bedroom", True),
        ("well see the kitchen now", True),
        ("see the bedroom", False),
        ("see the kitchen now now", False),
        ("kitchen", False),
    ],
)
def test_yields_says_what_the_templates_can_make(sentence: str, is_yielded: bool) -> None:
    assert language("see the {room} (now|)").yields(sentence) is is_yielded


def test_words_are_those_of_templates_slots_and_openers() -> None:
    assert language("the {room}").words() == {"the", "kitchen", "small", "big", "bedroom", "well"}


@pytest.mark.parametrize("template", ["i (like it", "i like) it", "the {garden}"])
def test_a_broken_template_is_refused(template: str) -> None:
    with pytest.raises(InvalidInput, match=r"template"):
        language(template)


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "templates.yaml"
    path.write_text("slots: {}\nopeners: []\nsentences: {greetings: [yes]}\n")
    with pytest.raises(InvalidInput, match=r"templates\.yaml is not a template file"):
        load_caller_language(path)


def test_the_shipped_templates_yield_what_they_sample() -> None:
    shipped = load_caller_language()
    sampled = shipped.sentences(per_template=SAMPLES_PER_TEMPLATE)
    assert 2_000 < len(sampled) < 8_000
    assert [sentence for sentence in sampled[::25] if not shipped.yields(sentence)] == []


def test_the_recogniser_can_pronounce_every_word() -> None:
    assert unpronounceable(load_caller_language().words()) == set()
    assert unpronounceable({"house", "zzyzxq"}) == {"zzyzxq"}
