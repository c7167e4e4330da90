"""`auto` takes the best usable engine and says why; a name is never replaced silently."""

import pytest

from service.domain.engines import EngineOffer, choose_engine
from service.domain.errors import InvalidSettings

BEST = EngineOffer(name="best", model="m1", note="model found")
SECOND = EngineOffer(name="second", model="m2", note="always there")
ABSENT = EngineOffer(name="best", model=None, note="no model")


def test_auto_takes_the_first_that_works() -> None:
    choice = choose_engine("stt", wanted="auto", offers=(BEST, SECOND), better="pull")
    assert (choice.name, choice.model, choice.better) == ("best", "m1", "")


def test_auto_says_what_it_passed_over_and_how_to_get_it() -> None:
    choice = choose_engine("stt", wanted="auto", offers=(ABSENT, SECOND), better="pull")
    assert choice.name == "second"
    assert "best: no model" in choice.reason
    assert choice.better == "pull"


def test_a_name_that_cannot_be_used_is_an_error() -> None:
    with pytest.raises(InvalidSettings, match="REAUTO_ENGINES__STT=best cannot be used: no model"):
        choose_engine("stt", wanted="best", offers=(ABSENT, SECOND))


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InvalidSettings, match="auto, best, second"):
        choose_engine("stt", wanted="bets", offers=(ABSENT, SECOND))


def test_nothing_usable_is_an_error() -> None:
    with pytest.raises(InvalidSettings, match="no engine can serve stt: best: no model"):
        choose_engine("stt", wanted="auto", offers=(ABSENT,))
